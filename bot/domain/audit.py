"""The audit trail's words: how a person came in, what they did, and how it ended."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Entrypoint(StrEnum):
    """The way a request came in; a word that only another version knows reads as UNKNOWN."""

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
    HTTP = "http"  # in metrics only, as the next: what was turned away before its kind was looked at
    SOCKET = "socket"
    CLAIM_PAGE = "claim page"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> Entrypoint:
        return cls.CLAIM_PAGE if value in CLAIM_PAGE_STORED else cls.UNKNOWN


# The claim page was called "page" once: rows of that time are read as what they are.
CLAIM_PAGE_STORED = frozenset({Entrypoint.CLAIM_PAGE.value, "page"})


class AuditAction(StrEnum):
    """What an audit entry is about; a word that only another version knows reads as UNKNOWN."""

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
    """How an action ended, where that is no detail of its own (`to U123`) and no exception's name
    (`BuildNotProcessed`).
    """

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


# Outcomes of `get` that left a person with a link.
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
