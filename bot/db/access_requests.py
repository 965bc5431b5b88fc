"""Requests for a role after a refusal: sent to the admins at most once an hour, decided by the first admin."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from bot.db import access
from bot.db.dialect_sql import POSTGRESQL, span, written
from bot.db.transaction import Transaction
from bot.db.types import EVERY_APP, moment
from bot.domain.access_requests import RequestCopy, RequestDecision, RoleRequest
from bot.domain.model import GrantChange, Role

HOUR = 3600.0
COMMAND = 500  # characters


def record_refusal(  # noqa: PLR0917 - the fields of a request
    tx: Transaction, team_id: str, user_id: str, role: Role, app_id: str | None, command: str, channel_id: str | None
) -> int:
    """Record a command that was refused because the user lacks a role; return the number for requesting it."""
    same = {"team": team_id, "user": user_id, "role": role.name, "app": app_id or EVERY_APP}
    how = {"command": command[:COMMAND], "channel": channel_id}
    row = tx.execute(_AGAIN, **same, **how).first()
    row = row or tx.execute(_REFUSED, **same, **how).one()
    return int(row.id)


def get_request(tx: Transaction, number: int) -> RoleRequest | None:
    """Return the refusal or request with this number."""
    row = tx.execute(_REQUEST, id=number).first()
    return None if row is None else _request(row)


def submit_request(tx: Transaction, number: int) -> RoleRequest | datetime:
    """Record that the request for a role is sent; return when the same was last sent if that is under an hour ago.

    A request that is older is sent again under a new number.
    """
    row = tx.execute(_REQUEST, id=number).one()
    if tx.dialect == POSTGRESQL:
        tx.execute(_TURN, who=row.user_id)
    same = {"team": row.team_id, "user": row.user_id, "role": row.role, "app": row.app_id}
    lately = tx.execute(_LATELY, **same, hour=span(HOUR)).scalar()
    if lately is not None:
        return moment(lately)
    number_now = tx.execute(_ANEW if row.sent else _SEND, id=number).scalar_one()
    return _request(tx.execute(_REQUEST, id=number_now).one())


def reopen_request(tx: Transaction, number: int) -> None:
    """Allow the request to be sent again at once, as it reached no admin."""
    tx.execute(_REOPEN, id=number)


def decide_request(
    tx: Transaction, number: int, decision: RequestDecision, decided_by: str
) -> tuple[RoleRequest, bool] | None:
    """Decide a request and, when it is allowed, grant the role, in one transaction.

    Returns the request and whether this call decided it (another admin may have been first); None when it was
    never sent, or it is allowed for one app without being about one.
    """
    which = {"id": number, "except": EVERY_APP if decision is RequestDecision.APP else ""}
    allowed, wide = decision is not RequestDecision.DENIED, decision is RequestDecision.ALL
    row = tx.execute(_DECIDE, **which, by=decided_by, allowed=allowed, wide=wide).first()
    if row is None:
        row = tx.execute(_SENT, **which).first()
        return None if row is None else (_request(row), False)
    granted = None
    if decision is not RequestDecision.DENIED:
        access.mark_grants_changed(tx)
        app_id = EVERY_APP if decision is RequestDecision.ALL else row.app_id
        granted = _grant_requested(tx, row, app_id, decided_by)
    return replace(_request(row), granted=granted), True


def _grant_requested(tx: Transaction, row: Any, app_id: str, granted_by: str) -> GrantChange | None:
    key = {"team": row.team_id, "grantee": row.user_id, "app": app_id}
    had = tx.execute(access.ROLE, **key).scalar()
    # A higher role may have been granted since the request: allowing it must not lower the role.
    lesser = "".join(f" {role.name} " for role in Role.given() if role < Role[row.role])
    granted_at = tx.execute(_GRANT, **key, role=row.role, by=granted_by, lesser=lesser).scalar()
    return None if granted_at is None else GrantChange(Role.named(had or ""), moment(granted_at))


# -------------------------------------------------------------- the admins' messages


def add_copy(tx: Transaction, number: int, copy: RequestCopy) -> None:
    """Record a message that shows the request to an admin."""
    tx.execute(_ADD_COPY, id=number, user=copy.user_id, channel=copy.channel_id, ts=copy.ts)


def list_copies(tx: Transaction, number: int) -> list[RequestCopy]:
    """Return the messages that show this request to admins."""
    return [RequestCopy(row.user_id, row.channel_id, row.ts) for row in tx.execute(_COPIES, id=number)]


def _request(row: Any) -> RoleRequest:
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
        asked_at=moment(row.asked_at),
        decided_by=row.decided_by,
        decision=decision,
    )


_TURN = written("SELECT pg_advisory_xact_lock(277548381, hashtext(:who))")

_COLUMNS = """
    id, team_id, user_id, role, app_id, command, channel_id, asked_at, decided_by, decided_at, allowed, sent, wide
"""
_REQUEST = written(f"SELECT {_COLUMNS} FROM role_requests WHERE id = :id")  # noqa: S608 - no user input

# When the same was requested within the hour; a time in the future is from a wrong clock.
_LATELY = written("""
    SELECT max(asked_at) FROM role_requests
    WHERE team_id = :team AND user_id = :user AND role = :role AND app_id = :app AND sent
        AND {now} - asked_at < :hour AND {now} - asked_at >= 0
""")

_REOPEN = written("UPDATE role_requests SET sent = false WHERE id = :id")

_OF_THIS = "id = :id AND sent AND app_id <> :except"
_SENT = written(f"SELECT {_COLUMNS} FROM role_requests WHERE {_OF_THIS}")  # noqa: S608 - no user input

_DECIDE = written(f"""
    UPDATE role_requests SET decided_by = :by, decided_at = {{now}}, allowed = :allowed, wide = :wide
    WHERE {_OF_THIS} AND decided_at IS NULL RETURNING {_COLUMNS}
""")  # noqa: S608 - no user input

_GRANT = written("""
    INSERT INTO grants (team_id, grantee, app_id, role, granted_by, granted_at)
    VALUES (:team, :grantee, :app, :role, :by, {now})
    ON CONFLICT (team_id, grantee, app_id) DO UPDATE SET
        role = excluded.role, granted_by = excluded.granted_by, granted_at = excluded.granted_at
        WHERE CAST(:lesser AS text) LIKE '% ' || grants.role || ' %'
    RETURNING granted_at
""")

_ADD_COPY = written("""
    INSERT INTO role_request_copies (request_id, user_id, channel_id, ts) VALUES (:id, :user, :channel, :ts)
    ON CONFLICT (request_id, user_id) DO NOTHING
""")

_COPIES = written("SELECT user_id, channel_id, ts FROM role_request_copies WHERE request_id = :id ORDER BY ts")

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
