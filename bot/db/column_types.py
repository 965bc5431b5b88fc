"""The column types that keep times and words what they are: for migrations, and copies of whole tables."""

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
        """Aware time in, microseconds to the database."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """Microseconds from the database, aware UTC time out."""
        return None if value is None else moment(value)


class SanitizedText(TypeDecorator[str]):
    """Text from outside, stored without what PostgreSQL cannot hold (NUL, half a surrogate pair)."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Any text in, storable text to the database."""
        return None if value is None else storable(value)


class ChannelId(SanitizedText):
    """The id of a channel; what has one follows the channel to another (`channel_moves`)."""

    cache_ok = True


class EnumText(TypeDecorator[StrEnum]):
    """A word of a closed vocabulary: only its enum's members go in, and come out."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, vocabulary: type[StrEnum]) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def process_bind_param(self, value: StrEnum | None, dialect: sa.Dialect) -> str | None:
        """A member in, its word to the database. Raises TypeError for a word that is spelt out."""
        if value is not None and not isinstance(value, self.vocabulary):
            raise TypeError(f"{value!r} is no member of {self.vocabulary.__name__}")
        return value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> StrEnum | None:
        """A word from the database, the member out. Raises ValueError for one the vocabulary cannot read."""
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
