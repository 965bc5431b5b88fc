"""Sentences of a download report: counts of downloads and people, compared with the previous period; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.domain import platforms
from bot.domain.downloads import NO_VERSION, GroupBy
from bot.i18n import _, format_number, gettext_noop, ngettext
from bot.i18n.units import format_percent, percent
from bot.slack.blocks import charts
from bot.slack.mrkdwn import date_tag, escape_inline

if TYPE_CHECKING:
    from bot.domain.adoption import Version
    from bot.domain.reports import DownloadReport

VERSIONS, KINDS = 6, 10  # entries in the small print; the last sums up the others


def downloads(number: int) -> str:
    """Return a number of downloads."""
    return ngettext("{number} download", "{number} downloads", number)


def crowd(number: int) -> str:
    """Return a number of people."""
    return ngettext("{number} person", "{number} people", number)


def recorded(report: DownloadReport) -> str:
    """Return the total in bold, then how many people downloaded it and how many downloads are unattributed."""
    number, unnamed = report.summary.recorded, report.summary.unnamed
    parts = [f"*{downloads(number)}*"]
    if report.crowd and unnamed:
        named = format_number(number - unnamed)
        parts.append(_("{people} ({downloads})", people=crowd(report.crowd), downloads=named))
    elif report.crowd:
        parts.append(crowd(report.crowd))
    if unnamed:
        parts.append(_("anonymous ({downloads})", downloads=format_number(unnamed)))
    return " · ".join(parts)


def failures(report: DownloadReport) -> list[str]:
    """Return the number of reports by *It didn't install*, for a report by cause."""
    if report.by is not GroupBy.FAILURE:
        return []
    return [failed_installs(sum(number for _label, number in report.summary.failures))]


def failed_installs(number: int) -> str:
    """Return a number of failed installs."""
    return ngettext("{number} failed install", "{number} failed installs", number)


def compared(report: DownloadReport) -> list[str]:
    """Return the comparison with the previous period, if there is one."""
    before = report.before
    if before is None:
        return []
    more = report.summary.recorded - before.recorded
    return [f"{_change(more, before.words, before.recorded)} · {_change_of_people(report.crowd, before.crowd)}"]


def _change(by: int, before: str, then: int) -> str:
    count = format_number(then)
    if not by:
        return _("Same as {before} ({then})", before=before, then=count)
    text = gettext_noop("▲ {number} more than {before} ({then})")
    if by < 0:
        text = gettext_noop("▼ {number} fewer than {before} ({then})")
    return _(text, number=format_number(abs(by)), before=before, then=count)


def _change_of_people(now: int, then: int) -> str:
    by, count = now - then, format_number(then)
    if not by:
        return _("same number of people ({then})", then=count)
    if by > 0:
        return ngettext("▲ {number} more person ({then})", "▲ {number} more people ({then})", by, then=count)
    return ngettext("▼ {number} fewer person ({then})", "▼ {number} fewer people ({then})", -by, then=count)


def newest(report: DownloadReport) -> list[str]:
    """Return how many people have the newest version for their platform, and the others by the reason."""
    adoption = report.adopted
    if adoption is None or not report.crowd:
        return []
    text = _(
        "On the newest version ({version}): {on_it} of {people} ({share})",
        version=_versions(adoption.versions),
        on_it=format_number(adoption.newest),
        people=crowd(report.crowd),
        share=format_percent(percent(adoption.newest, report.crowd)),
    )
    older = _("Older: {number}", number=format_number(adoption.older))
    recalled = _("Recalled: {number}", number=format_number(adoption.recalled))
    unknown = _("Unknown: {number}", number=format_number(adoption.unknown))
    others = [older] * bool(adoption.older) + [recalled] * bool(adoption.recalled) + [unknown] * bool(adoption.unknown)
    return [" · ".join([text, *others])]


def _versions(versions: Sequence[Version]) -> str:
    """Return the version if it is the newest on every platform, otherwise each with its platform."""
    if len({version for _, version in versions}) == 1:
        return escape_inline(versions[0][1] or _(NO_VERSION), 40)
    return " · ".join(
        escape_inline(f"{platforms.name(on)} {version or _(NO_VERSION)}".strip(), 60) for on, version in versions
    )


def small_print(report: DownloadReport) -> list[str]:
    """Return the small print: the versions, and the sources of the numbers."""
    summary, lines = report.summary, []
    top = charts.limit_points(summary.versions, VERSIONS, _other_versions)
    if len(top) > 1:  # a single version has the number of the headline
        shown = " · ".join(f"{escape_inline(version, 40)}: {format_number(number)}" for version, number in top)
        lines.append(_("By version: {versions}", versions=shown))
    return [*lines, *links(report), *claimed(report)]


def _other_versions(number: int) -> str:
    return ngettext("{number} other version", "{number} other versions", number)


def claimed(report: DownloadReport) -> list[str]:
    """Return the note that Applivery's totals differ from its list, if they do."""
    summary = report.summary
    if not summary.incomplete:
        return []
    totals = summary.recorded if summary.claimed is None else summary.claimed
    return [
        ngettext(
            "Applivery counts {number} download but lists only {listed}.",
            "Applivery counts {number} downloads but lists only {listed}.",
            totals,
            listed=format_number(summary.listed),
        )
    ]


def links(report: DownloadReport) -> list[str]:
    """Return the number of links requested in Slack, for comparison with unattributed downloads."""
    if not report.links:
        return []
    number = format_number(report.links)
    asked = _("Links requested in Slack: {number}", number=number)
    if report.remembered is not None:
        asked = ngettext(
            "Links requested in Slack (last {number} day): {links}",
            "Links requested in Slack (last {number} days): {links}",
            report.remembered,
            links=number,
        )
    unnamed = report.summary.unnamed
    return [" · ".join([asked, *[_("Unattributed: {number}", number=format_number(unnamed))] * bool(unnamed)])]


def buckets(report: DownloadReport) -> list[str]:
    """Return the unattributed downloads, a line for each member type."""
    found = [(bucket.label, bucket.recorded) for bucket in report.summary.buckets]
    shown = charts.limit_points(found, KINDS, _other_kinds)
    return [f"_{escape_inline(label, 80)}_ · {downloads(recorded_)}" for label, recorded_ in shown]


def _other_kinds(number: int) -> str:
    return ngettext("{number} other kind of member", "{number} other kinds of members", number)


def late(report: DownloadReport) -> list[str]:
    """Return the note that a scheduled report was sent late, if it was."""
    return [_("Sent late. It was due {when}.", when=date_tag(report.late))] if report.late else []
