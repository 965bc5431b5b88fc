"""Facts as the text we keep: msgspec JSON that a later version, with more fields, still reads."""

from __future__ import annotations

import msgspec

from bot.domain.model import Build, Manner

_builds = msgspec.json.Decoder(Build)
_manners = msgspec.json.Decoder(Manner)

USUAL = Manner()


def facts_of(build: Build) -> str:
    """A build as JSON text."""
    return msgspec.json.encode(build).decode()


def build_of(facts: str) -> Build:
    """The build of such a text; unknown fields are skipped, missing ones take their defaults.

    Raises ValueError when it cannot be read all the same (a stage only a newer version knows).
    """
    return _builds.decode(facts)


def text_of(manner: Manner) -> str:
    """A manner as JSON text; the usual one is the empty text."""
    return "" if manner == USUAL else msgspec.json.encode(manner).decode()


def manner_of(text: str) -> Manner:
    """The manner of such a text."""
    return _manners.decode(text) if text else USUAL
