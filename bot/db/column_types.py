"""Column types that convert times and enums: for migrations, and copies of whole tables."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from bot.db.types import micros, moment, storable


class UtcMicros(TypeDecorator[datetime]):
    """An aware UTC time, stored as integer microseconds: exact, sortable and the same on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """Convert an aware time to microseconds."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """Convert microseconds to an aware UTC time."""
        return None if value is None else moment(value)


class SanitizedText(TypeDecorator[str]):
    """Untrusted text, stored without the characters that PostgreSQL rejects (NUL, lone surrogates)."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Remove the characters that cannot be stored."""
        return None if value is None else storable(value)


class ChannelId(SanitizedText):
    """The id of a channel; `channel_moves` updates these columns when it changes."""

    cache_ok = True


class EnumText(TypeDecorator[StrEnum]):
    """A member of an enum, stored as its value."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, vocabulary: type[StrEnum]) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def process_bind_param(self, value: StrEnum | None, dialect: sa.Dialect) -> str | None:
        """Convert a member to its value. Raises TypeError for a plain string."""
        if value is not None and not isinstance(value, self.vocabulary):
            raise TypeError(f"{value!r} is no member of {self.vocabulary.__name__}")
        return value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> StrEnum | None:
        """Convert a value to its member. Raises ValueError for an unknown value."""
        return None if value is None else self.vocabulary(value)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column that is exactly INTEGER (https://www.sqlite.org/autoinc.html).
RowId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
