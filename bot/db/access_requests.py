"""What a person was refused, and so may ask the admins for: asked at most once an hour, decided by the first admin."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from bot.db import access
from bot.db.dialect_sql import POSTGRESQL, span, written
from bot.db.schema import grants, role_request_copies, role_requests
from bot.db.transaction import Transaction
from bot.db.types import EVERY_APP, db_now, storable
from bot.domain.access_requests import RequestCopy, RequestDecision, RoleRequest
from bot.domain.model import GrantChange, Role

HOUR = 3600.0
COMMAND = 500  # characters


def record_refusal(  # noqa: PLR0917 - the fields of a request
    tx: Transaction, team_id: str, user_id: str, role: Role, app_id: str | None, command: str, channel_id: str | None
) -> int:
    """Write down what a person was refused for want of a role; returns the number by which they may ask for it."""
    same = {"team": team_id, "user": user_id, "role": role.name, "app": app_id or EVERY_APP}
    how = {"command": storable(command[:COMMAND]), "channel": channel_id}
    row = tx.execute(_AGAIN, **same, **how).first()
    row = row or tx.execute(_REFUSED, **same, **how).one()
    return int(row.id)


def get_request(tx: Transaction, number: int) -> RoleRequest | None:
    """Return what was refused, or asked for, under this number."""
    row = tx.execute(sa.select(role_requests).where(role_requests.c.id == number)).first()
    return None if row is None else _request(row)


def submit_request(tx: Transaction, number: int) -> RoleRequest | datetime:
    """Ask the admins for what was refused; or, within an hour of the same request, when that was asked.

    A request that was asked longer ago is asked anew, under another number.
    """
    row = tx.execute(sa.select(role_requests).where(role_requests.c.id == number)).one()
    if tx.dialect == POSTGRESQL:
        tx.execute(_TURN, who=row.user_id)
    lately = tx.execute(_lately(row)).scalar()
    if lately is not None:
        asked_at: datetime = lately
        return asked_at
    number_now = tx.execute(_ANEW if row.sent else _SEND, id=number).scalar_one()
    sent = sa.select(role_requests).where(role_requests.c.id == number_now)
    return _request(tx.execute(sent).one())


def reopen_request(tx: Transaction, number: int) -> None:
    """The request reached no admin: it may be asked again at once."""
    update = sa.update(role_requests).where(role_requests.c.id == number).values(sent=False)
    tx.execute(update)


def decide_request(
    tx: Transaction, number: int, decision: RequestDecision, decided_by: str
) -> tuple[RoleRequest, bool] | None:
    """Answer a request and, when allowed, give the role, in one commit.

    Returns the request and whether this call decided it (another admin may have been first); None when it was
    never sent, or it is not about one app and would be allowed for one.
    """
    table = role_requests
    condition = (table.c.id == number) & table.c.sent
    if decision is RequestDecision.APP:
        condition &= table.c.app_id != EVERY_APP
    values = {"decided_by": decided_by, "decided_at": db_now(), "allowed": decision is not RequestDecision.DENIED}
    update = (
        sa.update(table)
        .where(condition & table.c.decided_at.is_(None))
        .values(wide=decision is RequestDecision.ALL, **values)
        .returning(table)
    )
    row = tx.execute(update).first()
    if row is None:
        row = tx.execute(sa.select(table).where(condition)).first()
        return None if row is None else (_request(row), False)
    granted = None
    if decision is not RequestDecision.DENIED:
        access.mark_grants_changed(tx)
        app_id = EVERY_APP if decision is RequestDecision.ALL else row.app_id
        granted = _grant_requested(tx, row, app_id, decided_by)
    return replace(_request(row), granted=granted), True


def _grant_requested(tx: Transaction, row: sa.Row[Any], app_id: str, granted_by: str) -> GrantChange | None:
    which = (grants.c.team_id == row.team_id) & (grants.c.grantee == row.user_id) & (grants.c.app_id == app_id)
    had = tx.execute(sa.select(grants.c.role).where(which)).scalar()
    values = {"role": row.role, "granted_by": granted_by, "granted_at": db_now()}
    insert = tx.insert(grants).values(team_id=row.team_id, grantee=row.user_id, app_id=app_id, **values)
    # A greater role may have been granted since the request: allowing it must not lower the role.
    lesser = grants.c.role.in_([role.name for role in Role.given() if role < Role[row.role]])
    upsert = insert.on_conflict_do_update(index_elements=["team_id", "grantee", "app_id"], set_=values, where=lesser)
    granted_at = tx.execute(upsert.returning(grants.c.granted_at)).scalar()
    return None if granted_at is None else GrantChange(Role.named(had or ""), granted_at)


# -------------------------------------------------------------- the admins' messages


def add_copy(tx: Transaction, number: int, copy: RequestCopy) -> None:
    """An admin has the request in this message."""
    values = {"user_id": copy.user_id, "channel_id": copy.channel_id, "ts": copy.ts}
    insert = tx.insert(role_request_copies).values(request_id=number, **values).on_conflict_do_nothing()
    tx.execute(insert)


def list_copies(tx: Transaction, number: int) -> list[RequestCopy]:
    """Return the messages in which admins have this request."""
    table = role_request_copies
    query = sa.select(table).where(table.c.request_id == number).order_by(table.c.ts)
    return [RequestCopy(row.user_id, row.channel_id, row.ts) for row in tx.execute(query)]


def _lately(row: sa.Row[Any]) -> sa.Select[Any]:
    """Return when the same was asked within the hour; a time that is still to come is from a wrong clock."""
    table = role_requests
    ago = sa.type_coerce(db_now(), sa.BigInteger) - sa.type_coerce(table.c.asked_at, sa.BigInteger)
    same = [table.c[name] == getattr(row, name) for name in ("team_id", "user_id", "role", "app_id")]
    return sa.select(sa.func.max(table.c.asked_at)).where(*same, table.c.sent, ago < span(HOUR), ago >= 0)


def _request(row: sa.Row[Any]) -> RoleRequest:
    decision = None
    if row.decided_at is not None:
        decision = (
            RequestDecision.DENIED if not row.allowed else RequestDecision.ALL if row.wide else RequestDecision.APP
        )
    return RoleRequest(
        id=row.id,
        team_id=row.team_id,
        user_id=row.user_id,
        role=Role[row.role],
        app_id=None if row.app_id == EVERY_APP else row.app_id,
        command=row.command,
        channel_id=row.channel_id,
        asked_at=row.asked_at,
        decided_by=row.decided_by,
        decision=decision,
    )


_TURN = written("SELECT pg_advisory_xact_lock(277548381, hashtext(:who))")

_AGAIN = written("""
    UPDATE role_requests SET command = :command, channel_id = :channel, asked_at = {now}
    WHERE team_id = :team AND user_id = :user AND role = :role AND app_id = :app AND NOT sent
    RETURNING id
""")

_REFUSED = written("""
    INSERT INTO role_requests (team_id, user_id, role, app_id, command, channel_id, asked_at, sent, wide)
    VALUES (:team, :user, :role, :app, :command, :channel, {now}, false, false)
    RETURNING id
""")

_SEND = written("UPDATE role_requests SET sent = true, asked_at = {now} WHERE id = :id RETURNING id")

_ANEW = written("""
    INSERT INTO role_requests (team_id, user_id, role, app_id, command, channel_id, asked_at, sent, wide)
    SELECT team_id, user_id, role, app_id, command, channel_id, {now}, true, false FROM role_requests WHERE id = :id
    RETURNING id
""")
