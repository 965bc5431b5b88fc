"""Translate the outcomes in the audit log, which are stored as short English texts; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from bot.domain.audit import AuditAction, AuditOutcome
from bot.domain.states import GoalState
from bot.i18n import _, format_number, gettext_noop, ngettext
from bot.slack.mrkdwn import date_tag, escape_inline

Rule = tuple[re.Pattern[str], Callable[..., str]]

# Actions whose outcomes contain ids of people and channels, and no typed words.
NAMING = (
    AuditAction.GRANT,
    AuditAction.REVOKE,
    AuditAction.SEND,
    AuditAction.REPORT_FAILURE,
    AuditAction.UNSUBSCRIBE,
    AuditAction.DIGEST,
    AuditAction.GOAL,
    AuditAction.ALLOWED,
    AuditAction.DENIED,
)
# An id of a person, channel or user group. Only for texts that the bot wrote, where all capitals are an id.
_ID = re.compile(r"\b([UW]|[CG]|S)(?=[A-Z0-9]*[0-9])[A-Z0-9]+\b")
_MENTIONS = {"C": "#", "G": "#", "S": "!subteam^"}
_WORDS = {
    AuditOutcome.ENDED: gettext_noop("ended"),
    AuditOutcome.UNMUTED: gettext_noop("off"),
    AuditOutcome.STOPPED: gettext_noop("stopped"),
    AuditOutcome.STARTED: gettext_noop("started"),
    AuditOutcome.FOUND: gettext_noop("found"),
    AuditOutcome.EXPIRED: gettext_noop("expired"),
}
_GOALS = {
    GoalState.REACHED: gettext_noop("reached: {have} of {total}"),
    GoalState.MISSED: gettext_noop("missed: {have} of {total}"),
    GoalState.RECALLED: gettext_noop("build recalled: {have} of {total}"),
    GoalState.DELETED: gettext_noop("build deleted: {have} of {total}"),
    GoalState.UNCOUNTABLE: gettext_noop("people no longer visible: {have} of {total}"),
    GoalState.UNANSWERED: gettext_noop("no final count: {have} of {total}"),
    GoalState.WITHDRAWN: gettext_noop("no longer allowed: {have} of {total}"),
    GoalState.STOPPED: gettext_noop("stopped: {have} of {total}"),
}


def _mentioned(text: str) -> str:
    """Return a text that the bot wrote, escaped, with ids of people, groups and channels as mentions."""
    return _ID.sub(lambda match: f"<{_MENTIONS.get(match[1], '@')}{match[0]}>", escape_inline(text, 300))


def _when(day: str, clock: str) -> str:
    return date_tag(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC))


def _goal(state: str, have: str, total: str) -> str:
    return _(_GOALS[GoalState(state)], have=format_number(int(have)), total=format_number(int(total)))


def _rule(pattern: str, words: Callable[..., str]) -> Rule:
    return re.compile(pattern, re.ASCII), words


_TO = _rule(r"to (\w+)", lambda who: _("to {person}", person=_mentioned(who)))
_CHANNELS = (
    _rule(r"channel (\w+)", lambda which: _("channel {channel}", channel=_mentioned(which))),
    _rule(r"manager channel (\w+)", lambda which: _("names in reports in {channel}", channel=_mentioned(which))),
)
_FOR = _rule(r"(\w+) for (\w+)", lambda role, who: _("{role} for {person}", role=role, person=_mentioned(who)))
_IN = _rule(r"in (\w+)", lambda place: _("in {channel}", channel=_mentioned(place)))
_PEOPLE = _rule(r"(\d+) people", lambda number: ngettext("{number} person", "{number} people", int(number)))
_RULES: Mapping[AuditAction, tuple[Rule, ...]] = {
    AuditAction.SEND: (_TO,),
    AuditAction.REPORT_FAILURE: (_TO,),
    AuditAction.UNSUBSCRIBE: (_IN,),
    AuditAction.MUTE: (_rule(r"until (\S+) (\d\d:\d\d) UTC", lambda *at: _("until {when}", when=_when(*at))),),
    AuditAction.GRANT: (
        *_CHANNELS,
        _rule(r"(\w+) to (\w+)", lambda role, who: _("{role} to {person}", role=role, person=_mentioned(who))),
    ),
    AuditAction.REVOKE: (
        *_CHANNELS,
        _rule(r"(\w+) from (\w+)", lambda role, who: _("{role} from {person}", role=role, person=_mentioned(who))),
    ),
    AuditAction.ALLOWED: (_FOR,),
    AuditAction.DENIED: (_FOR,),
    AuditAction.NUDGE: (_PEOPLE,),
    AuditAction.FORGET: (
        _rule(r"(\d+) lines", lambda number: ngettext("{number} record", "{number} records", int(number))),
    ),
    AuditAction.GOAL: (
        _PEOPLE,
        _rule(rf"({'|'.join(_GOALS)}): (\d+) of (\d+)", _goal),
        _rule(
            r"(.+) of (.+) by (\d{4}-\d\d-\d\d) (\d\d:\d\d)",
            lambda share, place, *at: _(
                "{share} of {place} by {when}",
                share=escape_inline(share, 40),
                place=_mentioned(place),
                when=_when(*at),
            ),
        ),
    ),
    AuditAction.DIGEST: (
        _rule(
            r"(.+) in (\w+)",
            lambda what, place: _("{what} in {channel}", what=escape_inline(what, 120), channel=_mentioned(place)),
        ),
    ),
    AuditAction.UNRECALL: (_rule(r"(?s:was (.+))", lambda why: _("was {reason}", reason=escape_inline(why, 300))),),
}


def said(action: AuditAction, outcome: str) -> str:
    """Return the translated outcome of an action; typed text and unknown outcomes are returned as they are."""
    for pattern, words in _RULES.get(action, ()):
        if match := pattern.fullmatch(outcome):
            return words(*match.groups())
    if outcome in _WORDS and action is not AuditAction.RECALL:
        return _(_WORDS[AuditOutcome(outcome)])
    return _mentioned(outcome) if action in NAMING else escape_inline(outcome, 300)
