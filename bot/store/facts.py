"""A build's facts as the text we keep: msgspec JSON that a later version, with more fields, still reads."""

from __future__ import annotations

import msgspec

from bot.domain.model import Build

_decoder = msgspec.json.Decoder(Build)


def facts_of(build: Build) -> str:
    """A build as JSON text."""
    return msgspec.json.encode(build).decode()


def build_of(facts: str) -> Build:
    """The build of such a text; unknown fields are skipped, missing ones take their defaults.

    Raises ValueError when it cannot be read all the same (a stage only a newer version knows).
    """
    return _decoder.decode(facts)
