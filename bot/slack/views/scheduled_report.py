"""Messages about scheduled reports: saved, listed, stopped or paused, and the report itself; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import ButtonElement

from bot import i18n
from bot.domain.model import ReportKind
from bot.domain.timeparse import schedule
from bot.i18n import _, gettext_noop, ngettext
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.blocks.paging import PagedItems, page_buttons
from bot.slack.mrkdwn import date_tag, escape_inline
from bot.slack.views import downloads
from bot.slack.views.pause_reasons import WHY

if TYPE_CHECKING:
    from bot.domain.reports import DownloadReport
    from bot.domain.scheduled_reports import ScheduledReport

SHOWN = 10
MORE = "more.digests.v1"
Names = Mapping[str, str]  # names of builds by id
NO_NAMES: Names = {}


def begun(digest: ScheduledReport, builds: Names = NO_NAMES, *, names: bool) -> Message:
    """Return the confirmation of a new scheduled report; `builds` has the names of builds."""
    what = _words(digest, builds)
    said = _("*Scheduled:* {report}. The first one is due {when}.", report=what, when=date_tag(digest.due_at))
    small = [_("Skipped when nothing is new") if digest.skip_if_empty else _("One line when nothing is new")]
    small += [] if names else [_("Counts only in this channel")]
    body = (blocks.section(said), blocks.context(" · ".join(small)), blocks.actions(_end(digest)))
    return Message(" ".join([said, *(f"{each}." for each in small)]), body)


def _words(digest: ScheduledReport, builds: Names = NO_NAMES) -> str:
    if digest.kind is ReportKind.FORECAST:
        return _forecast_words(digest)
    which = f" {escape_inline(builds.get(digest.build_ref, digest.build_ref), 60)}" if digest.build_ref else ""
    what, tz = f"{escape_inline(digest.app_name, 80)}{which}", escape_inline(digest.tz, 60)
    return _(
        digest.group_by.description.scheduled, what=what, when=schedule.explain(schedule.parse(digest.schedule)), tz=tz
    )


def _forecast_words(digest: ScheduledReport) -> str:
    when = schedule.explain(schedule.parse(digest.schedule))
    facts = {"when": when, "tz": escape_inline(digest.tz, 60), "app": escape_inline(digest.app_name, 80)}
    return ngettext(
        "forecast of {app} for {number} day {when} ({tz})",
        "forecast of {app} for {number} days {when} ({tz})",
        digest.horizon_days,
        **facts,
    )


def _end(digest: ScheduledReport) -> ButtonElement:
    says = _("Stop report d{number} on {app}", number=str(digest.id), app=digest.app_name)
    return blocks.button(_("Stop report"), f"undigest.v1#{digest.id}", str(digest.id), accessibility_label=says)


def _menu(digest: ScheduledReport) -> object:
    stop = blocks.menu_item(_("Stop report"), "undigest.v1", str(digest.id))
    return blocks.menu(stop, action=f"{blocks.MENU}#report{digest.id}")


def listed(message: Message, page: PagedItems[ScheduledReport], builds: Names = NO_NAMES) -> Message:
    """Return the message with a page of the scheduled reports of a channel or user added."""
    if not page.items:
        return message
    head = _("Scheduled reports")
    body: list[Block] = [*message.blocks, blocks.section(f"*{head}*")]
    body += [blocks.section(_line(report, builds), accessory=_menu(report)) for report in page.items]
    body += page_buttons(page, MORE, "")
    listed = "; ".join(f"d{report.id}: {_words(report, builds)}" for report in page.items)
    return replace(message, text=f"{message.text} {head}: {listed}.".strip(), blocks=tuple(body))


def _line(digest: ScheduledReport, builds: Names) -> str:
    state = [f"d{digest.id}", f"<@{digest.created_by}>"]
    if digest.skip_if_empty:
        state.append(_("skipped when nothing is new"))
    if digest.paused:
        state.append(_("⚠️ paused: {reason}", reason=_why(digest.paused)))
    words = _words(digest, builds)
    return " · ".join([f"{words[:1].upper()}{words[1:]}", *state])


def _why(reason: str) -> str:
    """Return why a report is paused: a known reason translated, another as it was stored."""
    known = {str(withdrawal): words for withdrawal, words in WHY.items()}
    return _(known[reason]) if reason in known else escape_inline(reason)


def ended(digest: ScheduledReport, undo: str, builds: Names = NO_NAMES) -> Message:
    """Return the confirmation that a report was ended, with a button that restores it by the key `undo`."""
    text = _("*Stopped the scheduled report:* {report}.", report=_words(digest, builds))
    says = _("Undo: schedule the report on {app} again", app=digest.app_name)
    back = blocks.button(_("Undo"), "undo.digest.v1", undo, accessibility_label=says)
    return Message(text, (blocks.section(text), blocks.actions(back)))


def restored(digest: ScheduledReport, builds: Names = NO_NAMES) -> Message:
    """Return the confirmation that a report was restored."""
    what, when = _words(digest, builds), date_tag(digest.due_at)
    return Message(_("*Scheduled again:* {report}. The next one is due {when}.", report=what, when=when))


def paused(digest: ScheduledReport, why: str, builds: Names = NO_NAMES) -> Message:
    """Return the notice to the owner when a report can no longer be made, and a button that ends it."""
    what = _words(digest, builds)
    text = _("⚠️ *Paused your scheduled report:* {report}. {why}", report=what, why=why)
    if not digest.private:
        sentence = gettext_noop("⚠️ *Paused the scheduled report in {place}:* {report}. {why}")
        text = _(sentence, place=f"<#{digest.target_id}>", report=what, why=why)
    return Message(text, (blocks.section(text), blocks.actions(_end(digest))))


def summary(report: DownloadReport) -> Message:
    """Return one report: a headline and its thread, in the language that was chosen for its readers."""
    with i18n.use_locale(i18n.locale_of(report.language) or i18n.current_locale()):
        return replace(downloads.headline(report), thread=downloads.thread(report))
