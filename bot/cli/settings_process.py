"""Settings read by a process of their own, while this one imports what it needs: pydantic takes 14 MB and never gives
them back, for half a second of use.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from bot.setting_values import InvalidSettings, Secret, SettingValues

if TYPE_CHECKING:
    from bot.settings import Settings


@contextmanager
def reading() -> Iterator[Callable[[], Settings]]:
    """Begin to read the settings; the function that is given waits for them. It raises InvalidSettings.

    The other process ends with the block. Where there can be none, this one reads.
    """
    output, given = os.pipe()
    try:
        process = os.fork()
    except OSError:  # no more processes are allowed here; this one reads then
        process = 0
        os.close(given)
        given = -1
    if process == 0 and given >= 0:
        os.close(output)
        _child(given)
    try:
        if given >= 0:
            os.close(given)
        yield lambda: _settings(_all_of(output))
    finally:
        os.close(output)
        if process:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _child(given: int) -> None:
    """Write what was read, and end without any of the clean-up that is the other process's; nothing when it failed."""
    try:
        _write(given, json.dumps(_read()).encode())
    finally:
        os._exit(0)


def _write(given: int, data: bytes) -> None:
    while data:
        data = data[os.write(given, data) :]


def _all_of(output: int) -> bytes:
    return b"".join(iter(lambda: os.read(output, 65536), b""))


def _read() -> dict[str, Any]:
    from bot import settings as bot_settings  # noqa: PLC0415 - in the other process

    try:
        settings = bot_settings.read()
    except InvalidSettings as fault:
        return {"lines": fault.lines}
    values = {name: getattr(settings, name) for name in (*type(settings).model_fields, "drains_for")}
    secrets = {name: value.get_secret_value() for name, value in values.items() if hasattr(value, "get_secret_value")}
    return {"values": values | secrets, "secrets": list(secrets)}


def _settings(written: bytes) -> Settings:
    if not written:  # it failed otherwise: whatever it was is said as if there were no other process
        from bot import settings as bot_settings  # noqa: PLC0415

        return bot_settings.read()
    found = json.loads(written)
    if "lines" in found:
        raise InvalidSettings(found["lines"])
    values: dict[str, Any] = found["values"]
    values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    values |= {name: Secret(values[name]) for name in found["secrets"]}
    return cast("Settings", SettingValues(values))
