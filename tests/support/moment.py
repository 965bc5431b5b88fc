"""A pytest plugin that begins each test at another moment than now: `make test-at AT="2027-01-01 23:59:59"`.

Only this process sees the other time: PostgreSQL and the bot's own processes keep that of the machine.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine


class Moment:
    """The clock of the tests, put to one moment (UTC) while tests are collected and before each one; it goes on."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._clock = time_machine.travel(at, tick=True).start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self._clock.move_to(self._at)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--at", required=True, help="begin each test at this moment (UTC), such as 2027-01-01T23:59:59")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Moment(datetime.fromisoformat(config.getoption("--at")).replace(tzinfo=UTC)))
