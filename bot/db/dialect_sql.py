"""SQL statements for both databases from one text: the time, row locks, and many rows as one parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import SimpleNamespace

import msgspec
from msgspec import Struct

from bot.domain.audit import CLAIM_PAGE_STORED, LINK_GIVEN, AuditAction, AuditOutcome
from bot.domain.downloads import GroupBy
from bot.domain.model import BuildEvent, CardUpdate, ReportKind, Stage
from bot.domain.states import BisectionState, DeliveryState, GoalState, PauseReason, WatchState
from bot.domain.tickets import TicketState

SQLITE = "sqlite"
POSTGRESQL = "postgresql"

# A scalar sub-select, so that the time is taken once per statement. bot_now() is registered on every SQLite
# connection (connect.py); clock_timestamp() moves on within a transaction, unlike PostgreSQL's own now()
# (https://www.postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT).
NOW: Mapping[str, str] = {
    SQLITE: "(SELECT bot_now())",
    POSTGRESQL: "(SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint))",
}

# In a statement SQLite's time is a parameter, which `Transaction.execute` adds: for a call to bot_now(), the database's
# thread would have to wait for the GIL each time.
_WRITTEN_NOW: Mapping[str, str] = {SQLITE: ":now", POSTGRESQL: NOW[POSTGRESQL]}

# SQLite needs no row locks: BEGIN IMMEDIATE lets one writer in at a time.
_SKIP_LOCKED: Mapping[str, str] = {SQLITE: "", POSTGRESQL: "FOR UPDATE SKIP LOCKED"}
_LOCK_C: Mapping[str, str] = {SQLITE: "", POSTGRESQL: "FOR UPDATE OF c"}

_LOCK: Mapping[str, str] = {SQLITE: "", POSTGRESQL: "FOR UPDATE"}
# Operators that compare texts by their bytes, as an index of text_pattern_ops does.
_FROM_ON: Mapping[str, str] = {SQLITE: ">=", POSTGRESQL: "~>=~"}
_BELOW: Mapping[str, str] = {SQLITE: "<", POSTGRESQL: "~<~"}

Statement = Mapping[str, str]  # SQL by dialect

# A stored time further ahead than any code sets it is from a clock that was ahead and has been corrected: it is
# ignored. This much is tolerated.
SKEW_SECONDS = 60.0


class _SqlLiteral(str):
    """A value as an SQL literal; text after the colon, as in `{follow.DETAILS:%}`, is added within the quotes."""

    __slots__ = ()

    def __format__(self, more: str) -> str:
        return "'" + self + more + "'"


def _quoted(vocabulary: type[StrEnum]) -> SimpleNamespace:
    return SimpleNamespace(**{member.name: _SqlLiteral(member.value) for member in vocabulary})


def _any_of(*words: StrEnum) -> str:
    return "(" + ", ".join(f"{_SqlLiteral(word.value)}" for word in words) + ")"


# The enums that statements name, so that a misspelt value fails at import.
_WORDS = {
    "delivery": _quoted(DeliveryState),
    "event": _quoted(BuildEvent),
    "follow": _quoted(CardUpdate),
    "stage": _quoted(Stage),
    "ticket": _quoted(TicketState),
    "watch": _quoted(WatchState),
    "goal": _quoted(GoalState),
    "bisection": _quoted(BisectionState),
    "action": _quoted(AuditAction),
    "outcome": _quoted(AuditOutcome),
    "claim_page": "(" + ", ".join(f"{_SqlLiteral(word)}" for word in sorted(CLAIM_PAGE_STORED)) + ")",
    "pause_reasons": _any_of(*PauseReason),
    "withdrawal": _quoted(PauseReason),
    "waiting": _any_of(DeliveryState.DUE, DeliveryState.SENDING),
    "shown": _any_of(DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.POSTED),
    "said": _any_of(DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.POSTED, DeliveryState.HELD),
    "given": _any_of(*LINK_GIVEN),
    "alive": _any_of(TicketState.OPEN, TicketState.CLAIMED),
    "withheld": _SqlLiteral("access:%"),  # the reasons of domain.states.Withdrawal
    "report_kinds": _any_of(*ReportKind),
    "report_groups": _any_of(*GroupBy),
    "card_events": _any_of(*(event for event in BuildEvent if event.description.on_card)),
}


def literal(words: str) -> str:
    """Return SQL in which `{delivery.DUE}` and its like are replaced by the stored values."""
    return words.format(**_WORDS)


class JsonRows(Struct, frozen=True):
    """Many rows in one JSON parameter `:name`, for use in a FROM clause as `o`.

    The statement then has the same text for any number of rows, so it is prepared once.
    """

    name: str
    columns: Mapping[str, str]

    def __format__(self, dialect: str) -> str:
        if dialect == POSTGRESQL:
            typed = ", ".join(f"{column} {kind}" for column, kind in self.columns.items())
            rows = f"CAST(:{self.name} AS jsonb)"
            # The planner estimates 100 rows for a function and would start with the whole outbox; it does use LIMIT.
            counted = f"SELECT * FROM jsonb_to_recordset({rows}) AS r({typed}) LIMIT jsonb_array_length({rows})"  # noqa: S608 - no user input
            return f"({counted}) AS o"
        picked = ", ".join(f"json_extract(value, '$.{column}') AS {column}" for column in self.columns)
        return f"(SELECT {picked} FROM json_each(:{self.name})) AS o"  # noqa: S608 - no user input


def written(words: str, rows: JsonRows | None = None) -> Statement:
    """Return a statement for both databases from a text with placeholders: {now}, {skip_locked}, {lock}, {rows} …

    Enum values are named too: `state = {delivery.DUE}`.
    """
    return {
        dialect: _for_driver(
            dialect,
            words.format(
                now=_WRITTEN_NOW[dialect],
                skip_locked=_SKIP_LOCKED[dialect],
                lock_c=_LOCK_C[dialect],
                lock=_LOCK[dialect],
                from_on=_FROM_ON[dialect],
                below=_BELOW[dialect],
                rows="" if rows is None else format(rows, dialect),
                **_WORDS,
            ),
        )
        for dialect in (SQLITE, POSTGRESQL)
    }


def either(sqlite: str, postgresql: str) -> Statement:
    """Return a statement whose text differs between the databases."""
    return {SQLITE: _for_driver(SQLITE, sqlite), POSTGRESQL: _for_driver(POSTGRESQL, postgresql)}


_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")


def _for_driver(dialect: str, words: str) -> str:
    """Return a statement with its parameters as the driver of a database names them.

    https://docs.python.org/3/library/sqlite3.html#sqlite3-placeholders and
    https://www.psycopg.org/psycopg3/docs/basic/params.html
    """
    return words if dialect == SQLITE else _PARAMETER.sub(r"%(\1)s", words.replace("%", "%%"))


def as_rows(rows: Iterable[Mapping[str, object]]) -> str:
    """Return the value of a `JsonRows` parameter."""
    return msgspec.json.encode(list(rows)).decode()


def soonest(table: str, column: str) -> str:
    """Return the text of an index query: microseconds until the first row is due, 0 if a row is too far ahead.

    A row more than `:far` ahead was dated by a clock that was ahead.
    """
    return f"""
        SELECT CASE WHEN EXISTS (SELECT 1 FROM {table} WHERE {column} > {{now}} + :far) THEN 0
            ELSE (SELECT min({column}) FROM {table}) - {{now}} END
    """  # noqa: S608 - no user input


# The longest lease that is taken: precise enough to decide when to look again.
LONGEST_LEASE = 120.0


def far(seconds: float = LONGEST_LEASE) -> int:
    """Return how far ahead (microseconds) a lease of `seconds` can end; a later end is from a clock that was ahead."""
    return span(seconds + SKEW_SECONDS)


def span(seconds: float) -> int:
    """Convert seconds to whole microseconds."""
    return round(seconds * 1_000_000)
