"""Closed vocabularies whose members carry a description."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self


class DescribedEnum(StrEnum):
    """Base of an enum whose members are written `NAME = ("word", Description(…))`; a member is its word.

    A subclass annotates `description` with the class of its descriptions.
    """

    description: Any

    def __new__(cls, word: str, *description: object) -> Self:
        """Make a member that is `word`, as it is typed and stored, with its one description."""
        member = str.__new__(cls, word)
        member._value_ = word
        [member.description] = description
        return member
