"""The audit log: a line for each entry, its pages, and a button for the whole log as a file; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.domain.audit import AuditAction, AuditEntry, AuditOutcome
from bot.exceptions import UnexpectedError, by_kind
from bot.i18n import _, gettext_noop
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.blocks.paging import PagedItems, page_buttons
from bot.slack.mrkdwn import escape_inline, split_lines, time_tag
from bot.slack.views import audit_outcomes

MORE = "more.audit.v1"
# Names of actions; others are shown as they are stored.
ACTIONS = {
    AuditAction.GET: gettext_noop("get"),
    AuditAction.SHARE: gettext_noop("share"),
    AuditAction.SEND: gettext_noop("send"),
    AuditAction.UPLOAD: gettext_noop("upload"),
    AuditAction.ATTACH: gettext_noop("attach a file to"),
    AuditAction.SUBSCRIBE: gettext_noop("subscribe to"),
    AuditAction.UNSUBSCRIBE: gettext_noop("unsubscribe from"),
    AuditAction.MUTE: gettext_noop("mute"),
    AuditAction.RECALL: gettext_noop("recall"),
    AuditAction.UNRECALL: gettext_noop("undo the recall of"),
    AuditAction.DOWNLOADS: gettext_noop("see the downloads of"),
    AuditAction.DIGEST: gettext_noop("schedule reports on"),
    AuditAction.NUDGE: gettext_noop("ask people to try"),
    AuditAction.GOAL: gettext_noop("set a goal for"),
    AuditAction.GRANT: gettext_noop("grant"),
    AuditAction.REVOKE: gettext_noop("revoke"),
    AuditAction.BISECT: gettext_noop("bisect"),
    AuditAction.FORGET: gettext_noop("delete records"),
    AuditAction.REPORT_FAILURE: gettext_noop("report a failed install of"),
    AuditAction.ASK: gettext_noop("request access"),
    AuditAction.ALLOWED: gettext_noop("allow access"),
    AuditAction.DENIED: gettext_noop("deny access"),
}
# Actions for which no app means every app.
OF_EVERY_APP = (AuditAction.SUBSCRIBE, AuditAction.DIGEST)
# Usual outcomes, which are not shown.
USUAL = (AuditOutcome.MINTED, AuditOutcome.TICKET, AuditOutcome.SHARED, AuditOutcome.UPLOADED)


def listed(
    page: PagedItems[AuditEntry],
    apps: Mapping[str, str],
    builds: Mapping[str, str],
    *,
    typed: str,
    whole: str,
    now: datetime,
    tz: str,
) -> Message:
    """Return a page of the log; `typed` is the command for the same entries, `whole` the command for the file."""
    lines = [_line(entry, apps, builds, now, tz) for entry in page.items]
    more = blocks.menu(blocks.menu_item(_("Download as CSV"), "run.v1", whole))
    small = [blocks.context(piece) for piece in split_lines("\n".join(lines), blocks.SECTION_TEXT)]
    text = _("Audit log: {lines}", lines=" ".join(lines))
    return Message(text, (*small, *page_buttons(page, MORE, typed, menu=more)))


def _line(entry: AuditEntry, apps: Mapping[str, str], builds: Mapping[str, str], now: datetime, tz: str) -> str:
    named = escape_inline(apps.get(entry.app_id, entry.app_id), 60) if entry.app_id else ""
    what = f" {named or _('every app')}" if named or entry.action in OF_EVERY_APP else ""
    build = f" {_build(entry.build_id, builds)}" if entry.build_id else ""
    action = _(ACTIONS.get(entry.action) or escape_inline(entry.action, 40))
    when = time_tag(entry.at, now, tz)
    return " · ".join(part for part in (when, f"<@{entry.user_id}>", f"{action}{what}{build}", _outcome(entry)) if part)


def _build(build_id: str, names: Mapping[str, str]) -> str:
    return escape_inline(names[build_id], 140) if build_id in names else f"`{escape_inline(build_id, 24)}`"


def _outcome(entry: AuditEntry) -> str:
    """Return the outcome unless it is a usual one, with ids of people, groups and channels as mentions."""
    if entry.outcome in USUAL:
        return ""
    if entry.outcome == AuditOutcome.UNEXPECTED:
        return f"❌ {_(UnexpectedError.sentence)}"
    if (problem := by_kind(entry.outcome)) and problem.sentence:
        return f"❌ {_(problem.sentence)}"
    return audit_outcomes.said(entry.action, entry.outcome)
