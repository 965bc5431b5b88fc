"""Read the settings in a child process while this one imports modules: pydantic would keep 14 MB of memory."""

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
    """Start to read the settings; the yielded function waits for them and raises InvalidSettings.

    The child process ends with the context. If none can be started, this process reads the settings.
    """
    output, given = os.pipe()
    try:
        process = os.fork()
    except OSError:  # no more processes are allowed, so this one reads the settings
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
    """Write the settings, or nothing on failure, and exit without the parent's clean-up."""
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
    if not written:  # another failure: reading again in this process raises it here
        from bot import settings as bot_settings  # noqa: PLC0415

        return bot_settings.read()
    found = json.loads(written)
    if "lines" in found:
        raise InvalidSettings(found["lines"])
    values: dict[str, Any] = found["values"]
    values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    values |= {name: Secret(values[name]) for name in found["secrets"]}
    return cast("Settings", SettingValues(values))
