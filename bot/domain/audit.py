"""Vocabulary of the audit log: entrypoints, actions and outcomes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Entrypoint(StrEnum):
    """The entrypoint of a request; a value of another version is read as UNKNOWN."""

    COMMAND = "command"
    BUTTON = "button"
    FORM = "form"
    TYPEAHEAD = "typeahead"
    SHORTCUT = "shortcut"
    MENTION = "mention"
    DIRECT_MESSAGE = "direct message"
    HOME = "home"
    WATCH = "watch"
    GOAL = "goal"
    HTTP = "http"  # this and the next in metrics only, for requests that were rejected before their kind was known
    SOCKET = "socket"
    CLAIM_PAGE = "claim page"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> Entrypoint:
        return cls.CLAIM_PAGE if value in CLAIM_PAGE_STORED else cls.UNKNOWN


# Former name of the claim page in old rows.
CLAIM_PAGE_STORED = frozenset({Entrypoint.CLAIM_PAGE.value, "page"})


class AuditAction(StrEnum):
    """The action of an audit entry; a value of another version is read as UNKNOWN."""

    GET = "get"
    SHARE = "share"
    SEND = "send"
    UPLOAD = "upload"
    ATTACH = "attach"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    MUTE = "mute"
    RECALL = "recall"
    UNRECALL = "unrecall"
    DOWNLOADS = "downloads"
    DIGEST = "digest"
    NUDGE = "nudge"
    GOAL = "goal"
    GRANT = "grant"
    REVOKE = "revoke"
    BISECT = "bisect"
    FORGET = "forget"
    REPORT_FAILURE = "report failure"
    ASK = "ask"
    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> AuditAction:
        return cls.UNKNOWN


class AuditOutcome(StrEnum):
    """Fixed outcomes of actions; others are details (`to U123`) or names of exceptions (`BuildNotProcessed`)."""

    MINTED = "minted"
    TICKET = "ticket"
    SHARED = "shared"
    ENDED = "ended"
    UNMUTED = "off"
    UPLOADED = "uploaded"
    STOPPED = "stopped"
    STARTED = "started"
    FOUND = "found"
    EXPIRED = "expired"
    UNEXPECTED = "unexpected"


# Outcomes of `get` with which the user got a link.
LINK_GIVEN = (AuditOutcome.MINTED, AuditOutcome.TICKET)


class AuditEntry(Struct, frozen=True):
    """One row of the audit log; never a token, only its hash."""

    at: datetime
    team_id: str
    user_id: str
    action: AuditAction
    outcome: AuditOutcome | str
    entrypoint: Entrypoint = Entrypoint.COMMAND
    channel_id: str | None = None
    app_id: str | None = None
    build_id: str | None = None
    token_hash: str | None = None
