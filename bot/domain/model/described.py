"""Enums whose members have a description."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self


class DescribedEnum(StrEnum):
    """Base of string enums whose members are written `NAME = ("word", Description(…))`, where "word" is the value.

    A subclass annotates `description` with its class of descriptions.
    """

    description: Any

    def __new__(cls, word: str, *description: object) -> Self:
        """Create a member with the value `word`, as it is typed and stored, and its description."""
        member = str.__new__(cls, word)
        member._value_ = word
        [member.description] = description
        return member
