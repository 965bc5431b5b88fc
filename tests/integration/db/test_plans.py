"""How both databases run every written statement: by an index where a table grows, and a list of rows once."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

import bot.db
from bot.db import app_polls, key_value
from bot.db.connect import DatabaseUrl
from bot.db.dialect_sql import POSTGRESQL, SQLITE
from bot.db.postgres import SESSION
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.model import BuildEvent, Stage
from bot.domain.model.failures import FailureCause
from bot.domain.states import BisectionState, BisectVerdict, DeliveryState, GoalState, WatchState
from tests.support.postgres import PostgresServer

# What has a row for each app, channel or subscription may be read whole: it does not grow with the years.
SMALL = {
    *("app_polls", "channel_leases", "subscriptions", "scheduled_reports", "drafts", "recalls"),
    *("app_channel_allowlist", "manager_channels"),
}
# Indexes of what is waiting, held, leased or paused just now.
PARTIAL = {
    "ix_app_polls_failing",
    "ix_app_polls_leased",
    "ix_build_waiters_app_id",
    "ix_build_waiters_waiting",
    "ix_channel_leases_pending",
    "ix_goals_leased",
    "ix_goals_running",
    "ix_outbox_held",
    "ix_outbox_held_channel",
    "ix_outbox_waiting",
    "ix_role_requests_refused",
    "ix_scheduled_reports_leased",
    "ix_scheduled_reports_paused",
    "ix_subscriptions_paused",
}
MANY = 100  # rows
# Read whole, and why that may be.
WHOLE = {
    "channel_moves._SAME_SUBSCRIPTION": "once for a channel that gets another id",
    "history._QUOTA": "the first few, in the order of their numbers",
    "installations._ADOPT_GRANTS": "once for a workspace that becomes part of an organisation",
    "installations._DROP_GRANTS": "the same",
    "install_failures._BUILDS": "builds with answers, for a person who is forgotten",
    "audit_reports._UNNAME": "outcomes with an id in them, for a person who is forgotten",
    "build_watches._READ": "those of builds on their way",
    "build_watches._DUE_IN": "those of builds on their way",
    "link_expiries._EXPIRE_IN": "links of the last minutes",
    "build_watches._TAKE": "those of builds on their way, in the order of their time",
    "link_expiries._EXPIRED": "links of the last minutes, in the order of their time",
}


STATEMENT = re.compile(r"\s*(?:WITH|SELECT|INSERT|UPDATE|DELETE) ")


def statements(dialect: str) -> Iterator[tuple[str, str]]:
    for module in pkgutil.iter_modules(bot.db.__path__):
        for name, value in vars(importlib.import_module(f"bot.db.{module.name}")).items():
            if isinstance(value, dict) and (text := value.get(dialect)) and STATEMENT.match(str(text)):
                yield f"{module.name}.{name}", text


def parameters(statement: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"(?<![:\w])(?::|%\()(\w+)", statement)))


def may_read_whole(name: str, table: str) -> bool:
    return table in SMALL or name in WHOLE


@pytest.fixture
def file(empty_database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{empty_database}?mode=ro", uri=True)) as connection:
        connection.create_function("bot_now", 0, lambda: 0)
        yield connection


def test_sqlite_runs_every_statement_by_an_index(file: sqlite3.Connection) -> None:
    tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    found = []
    for name, statement in statements(SQLITE):
        if "pg_" in statement:
            continue
        values = dict.fromkeys(parameters(statement))
        loops: dict[int, list[str]] = {}
        for _, parent, _, step in file.execute(f"EXPLAIN QUERY PLAN {statement}", values):
            if step.startswith(("SCAN", "SEARCH")):
                loops.setdefault(parent, []).append(step)
        for steps in loops.values():
            found += [f"{name}: a list of rows is read again and again: {steps}" for s in steps[1:] if "VIRTUAL" in s]
            found += [f"{name}: {step}" for step in steps if reads_whole(name, step, tables, statement)]
    assert not found, "\n".join(found)


# After each look or for each webhook: not even all apps are read.
OFTEN = ["_RING", "_UNCHANGED", "_NOTE_PAGE", "_FAIL", "_WHICH_WATCHED"]


@pytest.mark.parametrize("name", OFTEN)
def test_sqlite_finds_a_polled_app_by_its_id(file: sqlite3.Connection, name: str) -> None:
    statement = dict(statements(SQLITE))[f"app_polls.{name}"]
    values = dict.fromkeys(parameters(statement))
    plan = [step for *_, step in file.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert any(step.startswith("SEARCH app_polls USING") and "(app_id=?)" in step for step in plan), plan
    assert not any(step.startswith("SCAN app_polls") for step in plan), plan


def test_sqlite_finds_due_apps_by_their_time(file: sqlite3.Connection) -> None:
    statement = app_polls._CLAIM[SQLITE]
    values = dict.fromkeys(parameters(statement))
    plan = [step for *_, step in file.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert not any(step.startswith("SCAN app_polls") for step in plan), plan


def test_sqlite_finds_names_that_begin_alike_by_an_index(file: sqlite3.Connection) -> None:
    statement = key_value._SCAN[SQLITE]
    ((*_, step),) = file.execute(f"EXPLAIN QUERY PLAN {statement}", dict.fromkeys(parameters(statement)))
    assert step.startswith("SEARCH key_value USING INDEX"), step
    assert "(key>? AND key<?)" in step


def reads_whole(name: str, step: str, tables: set[str], text: str) -> bool:
    """Whether a step of a plan reads all rows of a table that grows; a partial index is what is waiting or held."""
    scanned = re.fullmatch(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
    if scanned is None:
        return "AUTOMATIC" in step
    table = scanned[1] if scanned[1] in tables else alias(scanned[1], text)
    return table in tables and scanned[2] not in PARTIAL and not may_read_whole(name, table)


def alias(short: str, text: str) -> str:
    found = re.search(rf"(?:FROM|JOIN|,)\s+(\w+)(?: AS)? {short}\b", text)
    return found[1] if found else short


# Ten years of an app with many builds, and what PostgreSQL learns of it by itself.
MANY_ROWS = f"""
    INSERT INTO builds (build_id, app_id, stage, snapshot, deleted, changed_at, content_hash, made_at, seen_at, since)
        SELECT 'b' || n, 'a' || n % 20, '{Stage.READY}', '{{}}', false, n, 'x', n, n, n
        FROM generate_series(1, 20000) n;
    INSERT INTO outbox (channel_id, app_id, build_id, event, dedup_key, state, outcome_unknown, created_at, card_key,
            options, payload)
        SELECT 'C' || n % 50, 'a' || n % 20, 'b' || n, '{BuildEvent.PROCESSED}', 'k' || n, '{DeliveryState.POSTED}',
            false, n, 'c' || n, '', ''
        FROM generate_series(1, 20000) n;
    INSERT INTO subscriptions (team_id, channel_id, app_id, app_name, events, query, created_by, created_at, options)
        SELECT 'T1', 'C' || n, 'a' || n % 20, 'A', '', '', 'U1', n, '' FROM generate_series(1, 50) n;
    INSERT INTO build_waiters (build_id, user_id, team_id, app_id, asked_at, notified)
        SELECT 'b' || n, 'U' || n % 100, 'T1', 'a' || n % 20, n, true FROM generate_series(1, 5000) n;
    INSERT INTO goals (team_id, channel_id, app_id, app_name, build_ref, what, group_id, members_of, place_name,
            percent, people, deadline, tz, asks, created_by, created_at, state, ended_at, frozen, due_at, lease_until)
        SELECT 'T1', 'C' || n, 'a' || n, 'A', '', '', '', '', '', 90, 1, n, 'UTC', false, 'U1', n,
            '{GoalState.STOPPED}', n, true, n, 0
        FROM generate_series(1, 5000) n;
    INSERT INTO nudge_opt_outs (user_id, since) SELECT 'U' || n, n FROM generate_series(1, 5000) n;
    INSERT INTO audit (at, team_id, user_id, action, outcome, entrypoint, app_id, build_id)
        SELECT n, 'T1', 'U' || n % 100, '{AuditAction.GET}', '{AuditOutcome.MINTED}', '{Entrypoint.COMMAND}',
            'a' || n % 20, 'b' || n FROM generate_series(1, 20000) n;
    INSERT INTO build_watches (build_id, user_id, app_id, state, started_at, last_text, post_attempted, stuck_notified,
            due_at)
        SELECT 'b' || n, 'U' || n % 100, 'a', '{WatchState.DELETED}', n, '', true, false, n
        FROM generate_series(1, 5000) n;
    INSERT INTO sent_builds (team_id, sender, recipient, app_id, build_id, sent_at)
        SELECT 'T1', 'U' || n % 100, 'V' || n % 100, 'a', 'b' || n, n FROM generate_series(1, 5000) n;
    INSERT INTO nudges (build_id, user_id, sent_by, sent_at)
        SELECT 'b' || n, 'U' || n % 100, 'U9', n FROM generate_series(1, 5000) n;
    INSERT INTO goal_samples (goal_id, at, have, total, unknown) SELECT n, n, 1, 2, 0 FROM generate_series(1, 5000) n;
    INSERT INTO goal_requests (user_id, day, goal_id, asked_at)
        SELECT 'U' || n, 'x', n, n FROM generate_series(1, 5000) n;
    INSERT INTO role_requests (team_id, user_id, role, app_id, asked_at, sent)
        SELECT 'T1', 'U' || n, 'MEMBER', 'a', n, true FROM generate_series(1, 5000) n;
    INSERT INTO role_request_copies (request_id, user_id, channel_id, ts)
        SELECT n, 'U' || n, 'D1', '1' FROM generate_series(1, 5000) n;
    INSERT INTO key_value (key, value, written_at) SELECT 'choice:U' || n, 'x', n FROM generate_series(1, 5000) n;
    INSERT INTO install_failures (answer_key, app_id, build_id, cause, at)
        SELECT 'f' || n, 'a', 'b' || n, '{next(iter(FailureCause))}', n FROM generate_series(1, 5000) n;
    INSERT INTO bisections (team_id, channel_id, app_id, app_slug, app_name, platform, builds, steps, gone, state,
            running_for, version, created_by, created_at, voted_at)
        SELECT 'T1', 'C' || n % 500, 'a', 'a', 'A', 'ios', '[]', '[]', '[]', '{BisectionState.STOPPED}', NULL, 1, 'U1',
            n, n FROM generate_series(1, 5000) n;
    INSERT INTO bisection_verdicts (bisection_id, build_id, user_id, verdict, at)
        SELECT n, 'b' || n, 'U' || n, '{next(iter(BisectVerdict))}', n FROM generate_series(1, 5000) n;
    ANALYZE;
"""


@pytest.mark.postgres
def test_postgresql_runs_every_statement_by_an_index(postgres_url: str) -> None:
    found = []
    with psycopg.connect(**DatabaseUrl.parse(postgres_url).libpq(), autocommit=True) as connection:
        for setting, value in SESSION.items():
            connection.execute(f"SET {setting} = '{value}'")
        connection.execute(MANY_ROWS)
        for name, statement in statements(POSTGRESQL):
            plan = generic_plan(connection, statement)
            found += [f"{name}: {trouble}" for trouble in troubles(name, plan)]
    assert not found, "\n".join(found)


@pytest.mark.postgres
def test_postgresql_reads_no_outbox_by_events_alone(postgres_server: PostgresServer) -> None:
    """For the first minutes of a database its tables are empty to the planner: each word of a condition counts alike.

    It then takes the index of channels, builds and events by its last column, and so reads all of it. A statement
    with `(event || '')` cannot.
    """
    address = postgres_server.fresh()
    with psycopg.connect(**DatabaseUrl.parse(address).libpq(), autocommit=True) as connection:
        for setting, value in SESSION.items():
            connection.execute(f"SET {setting} = '{value}'")
        every = {name: generic_plan(connection, statement) for name, statement in statements(POSTGRESQL)}
    postgres_server.drop(address)
    assert [name for name, plan in every.items() if any(map(is_by_event_alone, nodes(plan)))] == []


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def is_by_event_alone(node: dict[str, Any]) -> bool:
    condition = node.get("Index Cond", "")
    return node.get("Index Name") == "uq_outbox_channel_id_build_id_event" and "channel_id" not in condition


def generic_plan(connection: psycopg.Connection, statement: str) -> dict[str, Any]:
    """The plan that PostgreSQL makes once for all values."""
    names, text = parameters(statement), statement
    for number, name in enumerate(names, 1):
        text = text.replace(f"%({name})s", f"${number}")
    text = text.replace("%%", "%")
    connection.execute(f"PREPARE it AS {text}")  # type: ignore[arg-type]
    values = f"({', '.join('NULL' for _ in names)})" if names else ""
    row = connection.execute(f"EXPLAIN (FORMAT JSON) EXECUTE it{values}").fetchone()  # type: ignore[arg-type]
    connection.execute("DEALLOCATE it")
    assert row
    plan: dict[str, Any] = (row[0] if isinstance(row[0], list) else json.loads(row[0]))[0]["Plan"]
    return plan


def troubles(name: str, plan: dict[str, Any]) -> Iterator[str]:
    """What a plan reads that grows with the years: a whole table or index, or a list of rows for each of many rows."""
    node, table = plan["Node Type"], plan.get("Relation Name", "")
    whole = node == "Seq Scan" or (node in ("Index Scan", "Index Only Scan") and "Index Cond" not in plan)
    if whole and plan.get("Index Name") not in PARTIAL and not may_read_whole(name, table):
        yield f"all of {table} by {plan.get('Index Name')}"
    children = plan.get("Plans", [])
    if node == "Nested Loop" and children[0]["Plan Rows"] > MANY and "Function" in json.dumps(children[1:]):
        yield "a list of rows is read again and again"
    for child in children:
        yield from troubles(name, child)
