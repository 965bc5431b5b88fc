"""What a question costs: the same when there are a hundred times as many rows that it is not about.

Every function of `bot.db` is called on two databases. What it is asked about is the same in both; of everything else
one has a hundred times as much. SQLite counts the steps of its programs, so the time and the machine play no part.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import shutil
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import bot.db
from bot.db import audit_reports, database_info, download_schema, history, outbox_read, schema
from bot.db.database import Database
from bot.db.dialect_sql import POSTGRESQL, SQLITE
from bot.db.postgres import PLANNED_ANEW
from bot.db.serialization import facts_of
from bot.db.transaction import Transaction
from bot.db.types import micros
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.model import App, Build, BuildEvent, BuildTransition, DeliveryOptions, FileKind, NewDelivery, Stage
from bot.domain.model.failures import FailureCause
from bot.domain.states import BisectionState, BisectVerdict, DeliveryState, GoalState, WatchState
from bot.domain.tickets import TicketState
from tests.support.postgres import PostgresServer
from tests.support.sqlalchemy_core import core

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FEW, MANY = 20, 2000
GROWTH = 2.0
LATER = 300_000_000  # microseconds
SLACK = 200  # steps of a program, for what is done once

BUILD = Build("B2", App("A1", "a-1", "A"), Stage.READY, created_at=NOW)
FACTS = facts_of(BUILD)
POSTED, HELD, DUE = DeliveryState.POSTED, DeliveryState.HELD, DeliveryState.DUE
OUTBOX = (
    "INSERT INTO outbox (channel_id, app_id, build_id, event, dedup_key, state, outcome_unknown, created_at, card_key,"
    " options, payload, ts, posted_at, subscription_id, reason) "
)
# What the questions are about: one channel, app, person and build.
ABOUT = f"""
    INSERT INTO app_polls (app_id, next_poll_at, lease_until, poll_requested, baseline_done, failures) VALUES
        ('A1', 1, 0, false, true, 0);
    INSERT INTO subscriptions (team_id, channel_id, app_id, app_name, events, query, created_by, created_at,
        options, paused) VALUES ('T1', 'C1', 'A1', 'A', '', '', 'U1', 1, '', NULL);
    INSERT INTO builds (build_id, app_id, stage, snapshot, deleted, changed_at, content_hash, made_at, seen_at,
        since) VALUES ('B1', 'A1', '{Stage.READY}', '{FACTS}', false, 1, 'x', 1, 1, 1);
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_until) VALUES ('C1', true, 0, 0);
    {OUTBOX}VALUES ('C1', 'A1', 'B1', '{BuildEvent.PROCESSED}', 'k1', '{DUE}', false, 1, 'B1', '', '', NULL,
        NULL, 1, NULL), ('C1', 'A1', 'B1', '{BuildEvent.FAILED}', 'k2', '{HELD}', false, 1, 'B1', '', '', NULL,
        NULL, 1, 'x');
    INSERT INTO grants (team_id, grantee, app_id, role, granted_by, granted_at) VALUES ('T1', 'U1', 'A1',
        'MEMBER', 'U9', 1);
    INSERT INTO tickets (hash, team_id, user_id, app_id, build_id, kind, file_id, created_at, expires_at,
        uses_left, state, channel_id) VALUES ('h', 'T1', 'U1', 'A1', 'B1', '{next(iter(FileKind))}', '', 1, 2, 1,
        '{TicketState.OPEN}', 'C1');
    INSERT INTO build_waiters (build_id, user_id, team_id, app_id, asked_at, notified, snapshot) VALUES ('B1',
        'U1', 'T1', 'A1', 1, false, '{FACTS}');
    INSERT INTO audit (at, team_id, user_id, action, outcome, entrypoint, app_id, build_id) VALUES (1, 'T1',
        'U1', '{AuditAction.GET}', '{AuditOutcome.MINTED}', '{Entrypoint.COMMAND}', 'A1', 'B1');
    INSERT INTO goals (team_id, channel_id, app_id, app_name, build_ref, what, group_id, members_of, place_name,
        percent, people, deadline, tz, asks, created_by, created_at, state, ended_at, frozen, due_at, lease_until)
        VALUES ('T1', 'C1', 'A1', 'A', '', '', '', '', '', 90, 1, 1, 'UTC', false, 'U1', 1, '{GoalState.RUNNING}', 0,
        false, 1, 0);
    INSERT INTO bisections (team_id, channel_id, app_id, app_slug, app_name, platform, builds, steps, gone, state,
        running_for, version, created_by, created_at, voted_at)
        VALUES ('T1', 'C1', 'A1', 'a-1', 'A', 'ios', '[]', '[]', '[]', '{BisectionState.STOPPED}', NULL, 1, 'U1', 1, 1)
"""
# What is there besides, of other people, in other channels, about other apps; and of the same, what is over.
BESIDE = f"""
    INSERT INTO app_polls (app_id, next_poll_at, lease_until, poll_requested, baseline_done, failures,
        last_polled_at) SELECT 'a' || n, @later + n, 0, false, true, 0, @now - n FROM s;
    INSERT INTO subscriptions (team_id, channel_id, app_id, app_name, events, query, created_by, created_at,
        options) SELECT 'T1', 'c' || n, 'a' || n, 'A', '', '', 'u' || n, n, '' FROM s;
    INSERT INTO builds (build_id, app_id, stage, snapshot, deleted, changed_at, content_hash, made_at, seen_at,
        since) SELECT 'b' || n, CASE n % 2 WHEN 0 THEN 'A1' ELSE 'a' || (n % 10) END, '{Stage.READY}', '{FACTS}',
        false, n, 'x', n, n, n FROM s;
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_until) SELECT 'c' || n, false, n, 0
        FROM s;
    {OUTBOX}SELECT CASE n % 2 WHEN 0 THEN 'C1' ELSE 'c' || (n % 9) END, 'A1', 'b' || n,
        '{BuildEvent.PROCESSED}', 'k' || n, '{POSTED}', false, n, 'b' || n, '', '', n || '.1', n, n, NULL FROM s;
    {OUTBOX}SELECT 'u' || (n % 9), 'a' || (n % 10), 'b' || n, '{BuildEvent.PROCESSED}', 'p' || n, '{POSTED}',
        false, n, 'b' || n, '', '', n || '.1', n, NULL, NULL FROM s;
    INSERT INTO audit (at, team_id, user_id, action, outcome, entrypoint, channel_id, app_id, build_id,
        token_hash) SELECT @now - n, 'T1', 'u' || (n % 10), '{AuditAction.GET}',
        '{AuditOutcome.MINTED}', '{Entrypoint.COMMAND}', 'c' || n, CASE n % 2 WHEN 0 THEN 'A1' ELSE 'a' || (n % 9) END,
        'b' || n, 'h' FROM s;
    INSERT INTO audit (at, team_id, user_id, action, outcome, entrypoint, app_id, build_id) SELECT @now - n, 'T1', 'V1',
        '{AuditAction.GET}', '{AuditOutcome.MINTED}', '{Entrypoint.COMMAND}', 'A2', 'b' || n FROM s;
    INSERT INTO tickets (hash, team_id, user_id, app_id, build_id, kind, file_id, created_at, expires_at,
        uses_left, state, channel_id) SELECT 'h' || n, 'T1', 'u' || n, 'a' || n, 'b' || n, '{next(iter(FileKind))}', '',
        @now - n, @now, 1, '{TicketState.CLAIMED}', 'c' || n FROM s;
    INSERT INTO seen_events (event_id, seen_at) SELECT 'e' || n, @now - n FROM s;
    INSERT INTO idempotency_keys (key, at) SELECT 'i' || n, @now - n FROM s;
    INSERT INTO link_quota (user_id, at) SELECT 'u' || n, @now - n FROM s;
    INSERT INTO key_value (key, value, written_at) SELECT 'choice:u' || n, 'x', @now - n FROM s;
    INSERT INTO grants (team_id, grantee, app_id, role, granted_by, granted_at) SELECT 'T2', 'u' || n, 'a' || n,
        'MEMBER', 'U9', n FROM s;
    INSERT INTO role_requests (team_id, user_id, role, app_id, asked_at, command, sent) SELECT 'T1', 'u' || n,
        'MEMBER', 'a' || n, @now - n, '', true FROM s;
    INSERT INTO role_request_copies (request_id, user_id, channel_id, ts) SELECT n, 'u' || n, 'c' || n, '1' FROM
        s;
    INSERT INTO build_waiters (build_id, user_id, team_id, app_id, asked_at, notified) SELECT 'b' || n, CASE n %
        2 WHEN 0 THEN 'U1' ELSE 'u' || n END, 'T1', 'A1', n, true FROM s;
    INSERT INTO build_watches (build_id, user_id, app_id, state, started_at, last_text, post_attempted,
        stuck_notified, due_at) SELECT 'b' || n, 'u' || n, 'a' || n, '{WatchState.OPEN}', n, '', true, false, @later
        + n FROM s;
    INSERT INTO sent_builds (team_id, sender, recipient, app_id, build_id, sent_at) SELECT 'T1', 'u' || n, 'v'
        || n, 'a' || n, 'b' || n, n FROM s;
    INSERT INTO link_expiries (due_at, target, ts, app_id, build_id, title, refresh_value) SELECT @later + n,
        'c' || n, n || '.1', 'a' || n, 'b' || n, '', '' FROM s;
    INSERT INTO recalls (build_id, app_id, reason, recalled_by, recalled_at) SELECT 'r' || n, 'a' || n, '', 'u'
        || n, n FROM s;
    INSERT INTO drafts (key, value, expires_at) SELECT 'd' || n, 'x', @later + n FROM s;
    INSERT INTO scheduled_reports (team_id, target_id, app_id, app_name, build_ref, group_by, schedule, tz,
        skip_if_empty, created_by, created_at, reported_until, due_at, lease_until) SELECT 'T1', 'c' || n, 'a' || n,
        'A', '', 'person', '0 9 * * 1', 'UTC', false, 'u' || n, n, n, @later + n, 0 FROM s;
    INSERT INTO nudges (build_id, user_id, sent_by, sent_at) SELECT 'b' || n, 'u' || n, 'U9', n FROM s;
    INSERT INTO nudge_opt_outs (user_id, since) SELECT 'u' || n, n FROM s;
    INSERT INTO app_channel_allowlist (app_id, channel_id, set_by, set_at) SELECT 'a' || n, 'c' || n, 'U9', n
        FROM s;
    INSERT INTO manager_channels (channel_id, set_by, set_at) SELECT 'c' || n, 'U9', n FROM s;
    INSERT INTO goals (team_id, channel_id, app_id, app_name, build_ref, what, group_id, members_of, place_name,
        percent, people, deadline, tz, asks, created_by, created_at, state, ended_at, frozen, due_at, lease_until)
        SELECT 'T1', 'c' || n, 'a' || n, 'A', '', '', '', '', '', 90, 1, n, 'UTC', false, 'u' || n, n,
        '{GoalState.STOPPED}', n, true, n, 0 FROM s;
    INSERT INTO goal_samples (goal_id, at, have, total, unknown) SELECT 10 + n, n, 1, 2, 0 FROM s;
    INSERT INTO goal_requests (user_id, day, goal_id, asked_at) SELECT 'u' || n, 'x', 10 + n, n FROM s;
    INSERT INTO bisections (team_id, channel_id, app_id, app_slug, app_name, platform, builds, steps, gone, state,
        running_for, version, created_by, created_at, voted_at)
        SELECT 'T1', 'C1', 'A1', 'a-1', 'A', 'ios', '[]', '[]', '[]', '{BisectionState.STOPPED}', NULL, 1, 'u' || n, n,
        n FROM s;
    INSERT INTO bisection_verdicts (bisection_id, build_id, user_id, verdict, at)
        SELECT 10 + n, 'b' || n, 'u' || n, '{next(iter(BisectVerdict))}', n FROM s;
    INSERT INTO install_failures (answer_key, app_id, build_id, cause, at) SELECT 'f' || n, 'a' || n, 'b' || n,
        '{next(iter(FailureCause))}', @now - n FROM s
"""
ARGUMENTS: dict[str, Any] = {
    "app_id": "A1",
    "app_ids": ["A1"],
    "build_id": "B1",
    "channel_id": "C1",
    "user_id": "U1",
    "user_ids": ["U1"],
    "number": 1,
    "heads": '[{"id": 1}]',
    "old": "C1",
    "new": "C2",
    "channel_ids": ["C1"],
    "place": "C1",
    "places": ["C1"],
    "people": ["U1"],
    "prefix": "choice:U1:",
    "ids": [1],
    "announcements": [NewDelivery("C1", "B2", BuildEvent.PROCESSED)],
    "deliveries": [NewDelivery("C1", "B2", BuildEvent.PROCESSED)],
    "changes": [BuildTransition(BUILD, None)],
    "moved": ["B1"],
    "listed": ["B1"],
    "marks": {"B1": "y"},
    "formerly": ["T9"],
    "schedule": "0 9 * * 1",
}


def all_tables() -> list[sa.Table]:
    loaded = (schema, download_schema)
    return [table for module in loaded for table in vars(module).values() if isinstance(table, sa.Table)]


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in pkgutil.iter_modules(bot.db.__path__):
        for name, value in vars(importlib.import_module(f"bot.db.{module.name}")).items():
            ours = inspect.isfunction(value) and value.__module__ == f"bot.db.{module.name}"
            if ours and not name.startswith("_") and next(iter(inspect.signature(value).parameters), "") == "tx":
                yield f"{module.name}.{name}", value


def value_of(name: str, hint: Any) -> Any:
    plain = {str: "x", int: 1, float: 1.0, bool: False, datetime: NOW, timedelta: timedelta(1)}
    if name in ARGUMENTS and (not isinstance(hint, type) or isinstance(ARGUMENTS[name], hint)):
        return ARGUMENTS[name]
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return inside[0]
    if origin in (typing.Union, types.UnionType):
        return value_of(name, inside[0])
    if hint is Build:
        return BUILD
    if hint is DeliveryOptions:
        return DeliveryOptions()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    if hint in plain:
        return plain[hint]
    if is_dataclass(hint) or hasattr(hint, "_fields") or hasattr(hint, "__struct_fields__"):
        hints = typing.get_type_hints(hint)
        return hint(**{field: value_of(field, kind) for field, kind in hints.items() if not field.startswith("_")})
    if isinstance(origin, type) and issubclass(origin, typing.Mapping):
        return {"x": "1"} if inside[-1] is str else {"x": 1}
    if isinstance(origin, type):
        return [value_of("", inside[0])]
    return None


def required(function: Callable[..., Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(function)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return {
        each.name: value_of(each.name, hints.get(each.name))
        for each in parameters
        if each.default is each.empty and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    }


# How a function is asked, where that is not by what it requires alone: each of these in turn.
ASKED: dict[str, list[dict[str, Any]]] = {
    "app_polls.request_poll": [{"app_ids": ["A1"]}],
    "audit.list_entries": [{"user_ids": ["U1"], "limit": 10}, {"app_id": "A1", "limit": 10}, {"limit": 10}],
    "audit.list_builds_received": [{"user_id": "U1", "app_id": "A1"}, {"user_id": "V1", "app_id": "A2", "most": 5}],
    "audit.list_links_received": [{"user_id": "U1", "most": 5}, {"user_id": "V1", "most": 5}],
    "audit_reports.count_links": [
        {"app_id": "A1", "since": NOW.replace(year=2100)},
        {"app_id": "A1", "build_ids": ["B1"]},
    ],
    "audit_reports.erase_person": [{"user_id": "U3"}],
    "build_waiters.remove_waiter": [{"build_id": "B1"}, {"build_id": "B1", "user_id": "U1"}],
    # nothing is too old; for what is, see below
    **{f"history.purge_{what}": [{"days": 36_500.0}] for what in ("history", "announcements", "builds")},
    "audit_reports.purge_audit": [{"days": 36_500.0}],
    "known_builds.find_builds": [{"ids": ["B1"]}],
    "builds.record_edits": [{"builds": [BUILD], "marks": {"B2": "y"}}],
    "scheduled_reports.list_reports_due_after": [{"moment": NOW.replace(year=2100)}],
    "scheduled_reports.pause_reports": [{"reason": "x", "place": "C1"}, {"reason": "x", "number": 1}],
    "subscriptions.change_subscription": [],  # calls `add_subscription`
    "subscriptions.list_subscriptions": [{}, {"channel_id": "C1"}, {"about": "A1"}],
    "subscriptions.list_subscriptions_after": [{"number": 0, "most": 10}],
    "subscriptions.list_page": [
        {"channel_id": None, "number": 0, "size": 10},
        {"channel_id": "C1", "number": 0, "size": 10, "app_ids": ["A1"]},
    ],
    "subscriptions.list_with_last_post": [{"created_by": "U1"}],
    "outbox_read.deliveries_of": [],  # makes something of rows that were read
}
# What may cost more where there is more, and why; with `()`, only when it is asked for all.
WHOLE = {
    "access.list_allowed_channels": "the allow-lists are the answer; kept in memory until one changes",
    "access.list_manager_channels": "the list is the answer; kept in memory until it changes",
    "recalls.list_recalls": "the recalls in force are the answer; kept in memory until there is another",
    "app_polls.count_apps": "counts all apps that are watched; once a minute, 2.1 ms with 5,000",
    "app_polls.get_polling_stats": "counts all apps that are watched; for /readyz, 2.9 ms with 5,000",
    "app_polls.list_watched_apps": "the answer is all; for a webhook that names no app, 7 ms with 5,000",
    "subscriptions.list_subscriptions()": "the answer is all; the bot asks for a channel's, an app's or a page",
    "subscriptions.list_page": "counts the pages, where it is not one channel's",
    "app_polls.poll_due_in": "up to a hundred that may be leased",
    "scheduled_reports.report_due_in": "up to a hundred that may be leased",
    "builds.mark_deleted": "the newer and older builds of the app in each channel, for a build that was deleted",
    "supersession.enqueue_with_supersession": "the same",
    "recalls.recall_build": "the same, for a build that was recalled",
    "recalls.undo_recall": "the same",
    "channel_moves.move_channel": "moves all that the channel has",
    "channel_moves.last_message": "once for a channel that Slack does not know any more",
    "install_failures.erase_answers": "tries the key of each build with an answer; for `forget`",
    "audit_reports.erase_person": "the same",
    "history.purge_announcements": "looks at a hundred at once, however many there are",
    "installations.adopt_rows": "once at a start, in an organisation of several workspaces",
}


def measured(dialect: str) -> Callable[[Transaction], Callable[[], int]]:
    """What begins to count on this database; its result gives the count since."""

    def sqlite_steps(tx: Transaction) -> Callable[[], int]:
        driver = tx._connection
        assert driver is not None
        count = 0

        def step() -> None:
            nonlocal count
            count += 1

        driver.set_progress_handler(step, 1)

        def end() -> int:
            driver.set_progress_handler(None, 1)
            return count

        return end

    def postgresql_rows(tx: Transaction) -> Callable[[], int]:
        read = sa.text("SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) FROM pg_stat_xact_user_tables")
        before = int(core(tx, read).scalar_one())
        return lambda: int(core(tx, read).scalar_one()) - before

    return sqlite_steps if dialect == SQLITE else postgresql_rows


def cost(tx: Transaction, function: Callable[..., Any], values: dict[str, Any]) -> int:
    """What a call costs in steps of SQLite's programs, or in rows PostgreSQL visits; it is undone."""
    core(tx, sa.text("SAVEPOINT before"))
    end = measured(tx.dialect)(tx)
    try:
        function(tx, **values)
    finally:
        found = end()
        core(tx, sa.text("ROLLBACK TO before"))
    return found


def fill(tx: Transaction, many: int, *, counted: bool = True) -> None:
    series = f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {many}) "
    now = micros(database_info.current_time(tx))
    beside = BESIDE.replace("@now", str(now)).replace("@later", str(now + LATER))
    for words in [*ABOUT.split(";"), *(series + insert for insert in beside.split(";"))]:
        tx.execute({SQLITE: words, POSTGRESQL: words.replace("%", "%%")})
    counts = {each.name: core(tx, sa.select(sa.func.count()).select_from(each)).scalar() for each in all_tables()}
    assert [name for name, count in counts.items() if count < many] == [], "each table has as much"
    if tx.dialect == POSTGRESQL and counted:  # as its autovacuum does; SQLite is never told
        core(tx, sa.text("ANALYZE"))


async def costs(address: str, many: int) -> dict[str, int]:
    store = await Database.open(address, clock=lambda: NOW)
    await store.run(fill, many)
    found = {}
    for name, function in functions():
        for values in ASKED.get(name, [None]):
            given = ", ".join(f"{key}={value}" for key, value in (values or {}).items())
            said = name if values is None else f"{name}({given})"
            found[said] = await store.run(cost, function, required(function) if values is None else values)
    await store.close()
    return found


async def compare(few: str, many: str) -> None:
    before, after = await costs(few, FEW), await costs(many, MANY)
    grown = {name: f"{before[name]} → {now}" for name, now in after.items() if now > GROWTH * before[name] + SLACK}
    unexpected = {name: words for name, words in grown.items() if not {name, name.partition("(")[0]} & WHOLE.keys()}
    assert not unexpected, "\n".join(f"{name}: {words}" for name, words in unexpected.items())


async def test_growth_sqlite_a_question_costs_what_its_answer_does(empty_database: Path, tmp_path: Path) -> None:
    for name in ("few", "many"):
        shutil.copy(empty_database, tmp_path / name)
    await compare(f"sqlite:///{tmp_path}/few", f"sqlite:///{tmp_path}/many")


@pytest.mark.postgres
async def test_growth_postgresql_reads_what_its_answer_takes(postgres_server: PostgresServer) -> None:
    few, many = postgres_server.fresh(), postgres_server.fresh()
    await compare(few, many)
    postgres_server.drop(few)
    postgres_server.drop(many)


@pytest.mark.postgres
async def test_growth_postgresql_plans_follow_the_tables(postgres_url: str) -> None:
    """A plan that was made for an empty table is not kept once that is full, before the server has counted its rows."""
    store = await Database.open(f"{postgres_url}?prepare_threshold=0", clock=lambda: NOW)

    def rows_read(tx: Transaction) -> int:
        end = measured(POSTGRESQL)(tx)
        outbox_read.read_deliveries(tx, ARGUMENTS["heads"])
        return end()

    await store.run(lambda tx: core(tx, sa.text("ALTER TABLE outbox SET (autovacuum_enabled = false)")))
    assert await store.run(rows_read) == 0
    await store.run(partial(fill, counted=False), MANY)
    found = [await store.run(rows_read) for _ in range(PLANNED_ANEW)]
    await store.close()
    assert found[-1] < FEW, found


def test_growth_exceptions_are_functions_there_are() -> None:
    assert {*ASKED, *(name.removesuffix("()") for name in WHOLE)} <= {name for name, _ in functions()}


PURGES: dict[Callable[..., Any], list[float]] = {
    audit_reports.purge_audit: [1.0],
    history.purge_day: [],
    history.purge_history: [1.0],
    history.purge_announcements: [1.0],
    history.purge_builds: [1.0],
}
PURGE_STEPS = 100_000  # of SQLite's programs in one transaction: some milliseconds
PURGED = {"audit", "seen_events", "tickets", "role_requests", "sent_builds", "nudges", "goal_requests", "link_quota"}


async def purge_all(store: Database) -> list[tuple[str, int, int]]:
    """Delete all that is too old; returns each transaction's function, how many rows it deleted, and its steps."""
    found = []

    def purge(tx: Transaction, function: Callable[..., Any], values: list[Any]) -> tuple[int, Any]:
        end = measured(tx.dialect)(tx)
        answer = function(tx, *values)
        steps = end()
        rows, position = answer if isinstance(answer, tuple) else (answer, ())
        found.append((function.__name__, rows, steps))
        return rows, position

    for function, values in PURGES.items():
        rows, position = await store.run(purge, function, values)
        while position or (rows and position is not None):  # without one, until there is nothing left
            rows, position = await store.run(purge, function, [*values, position] if position else values)
    return found


async def test_purge_holds_the_store_no_longer_when_all_is_too_old(empty_database: Path, tmp_path: Path) -> None:
    address = f"sqlite:///{shutil.copy(empty_database, tmp_path / 'bot.db')}"
    store = await Database.open(address, clock=lambda: NOW)
    await store.run(fill, MANY)
    await store.close()
    store = await Database.open(address, clock=lambda: NOW + timedelta(3))
    found = await purge_all(store)
    left = await store.run(lambda tx: [each.name for each in all_tables() if core(tx, sa.select(each)).first()])
    await store.close()
    assert not PURGED & set(left)
    assert len(found) > MANY * len(PURGED) / (2 * history.ROWS)
    assert [purged for purged in found if purged[1] >= 2 * history.ROWS or purged[2] > PURGE_STEPS] == []
