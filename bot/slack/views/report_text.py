"""Sentences of a download report: how many, by how many users, compared with the time before; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.domain import platforms
from bot.domain.downloads import NO_VERSION
from bot.i18n import _, format_number, gettext_noop, ngettext
from bot.i18n.units import percent
from bot.slack.blocks import charts
from bot.slack.mrkdwn import date_tag, escape_inline

if TYPE_CHECKING:
    from bot.domain.adoption import Version
    from bot.domain.reports import DownloadReport

VERSIONS, KINDS = 6, 10  # lines or words in the small print; the last adds up the others


def downloads(number: int) -> str:
    """Return a number of downloads."""
    return ngettext("{number} download", "{number} downloads", number)


def crowd(number: int) -> str:
    """Return a number of people."""
    return ngettext("{number} person", "{number} people", number)


def recorded(report: DownloadReport) -> str:
    """How many were recorded, in bold, and by how many people."""
    number, unnamed, people = report.summary.recorded, report.summary.unnamed, crowd(report.crowd)
    if not unnamed:
        return ngettext(
            "*{number} download recorded* by {people}.",
            "*{number} downloads recorded* by {people}.",
            number,
            people=people,
        )
    return ngettext(
        "*{number} download recorded*: {named} by {people}, {unnamed} anonymous.",
        "*{number} downloads recorded*: {named} by {people}, {unnamed} anonymous.",
        number,
        named=format_number(number - unnamed),
        people=people,
        unnamed=format_number(unnamed),
    )


def compared(report: DownloadReport) -> list[str]:
    """Against the period before, where there is one."""
    before = report.before
    if before is None:
        return []
    text = _(
        "{downloads} and {people} than in {before} ({recorded} by {crowd}).",
        downloads=_more_downloads(report.summary.recorded - before.recorded),
        people=_more_people(report.crowd - before.crowd),
        before=before.words,
        recorded=format_number(before.recorded),
        crowd=crowd(before.crowd),
    )
    return [text[:1].upper() + text[1:]]


def _more_downloads(by: int) -> str:
    if not by:
        return _("no more downloads")
    if by > 0:
        return ngettext("{number} more download", "{number} more downloads", by)
    return ngettext("{number} fewer download", "{number} fewer downloads", -by)


def _more_people(by: int) -> str:
    if not by:
        return _("no more people")
    if by > 0:
        return ngettext("{number} more person", "{number} more people", by)
    return ngettext("{number} fewer person", "{number} fewer people", -by)


def newest(report: DownloadReport) -> list[str]:
    """How many people are on the newest version of their platform, and the others by why they are not."""
    adoption = report.adopted
    if adoption is None or not report.crowd:
        return []
    text = _(
        "Newest version {version}: {on_it} of {people} ({percent} %)",
        version=_versions(adoption.versions),
        on_it=format_number(adoption.newest),
        people=crowd(report.crowd),
        percent=percent(adoption.newest, report.crowd),
    )
    older = _("{older} still on an old build", older=format_number(adoption.older))
    recalled = _("{number} on a recalled build", number=format_number(adoption.recalled))
    unknown = _("{number} on an unknown version", number=format_number(adoption.unknown))
    others = [older] * bool(adoption.older) + [recalled] * bool(adoption.recalled) + [unknown] * bool(adoption.unknown)
    return [f"{'; '.join([text, *others])}."]


def _versions(versions: Sequence[Version]) -> str:
    """Return one version when it is the newest on every platform, else each with its platform."""
    if len({version for _, version in versions}) == 1:
        return escape_inline(versions[0][1] or _(NO_VERSION), 40)
    return " · ".join(
        escape_inline(f"{platforms.name(on)} {version or _(NO_VERSION)}".strip(), 60) for on, version in versions
    )


def small_print(report: DownloadReport) -> list[str]:
    """Return the small print: whether it is late, its versions, and what the numbers are based on."""
    summary = report.summary
    lines = late(report)
    if top := charts.limit_points(summary.versions, VERSIONS, _other_versions):
        shown = " · ".join(f"{escape_inline(version, 40)}: {format_number(number)}" for version, number in top)
        lines.append(_("By version: {versions}", versions=shown))
    if both := links(report):
        lines.append(both)
    return [*lines, *claimed(report)]


def _other_versions(number: int) -> str:
    return ngettext("{number} other version", "{number} other versions", number)


def claimed(report: DownloadReport) -> list[str]:
    """That Applivery's own totals differ from what it lists, when they do."""
    summary = report.summary
    if not summary.incomplete:
        return []
    text = gettext_noop("Applivery’s own totals: {claimed}. It lists {listed} one by one.")
    totals = summary.recorded if summary.claimed is None else summary.claimed
    return [_(text, claimed=format_number(totals), listed=format_number(summary.listed))]


def links(report: DownloadReport) -> str:
    """Both sides of the story: what was asked for here, and what Applivery recorded."""
    if not report.links:
        return ""
    recorded_ = ngettext(
        "{number} download recorded by Applivery", "{number} downloads recorded by Applivery", report.summary.recorded
    )
    unknown = report.summary.unnamed
    anonymous = [_("{unknown} of them not attributable", unknown=format_number(unknown))] if unknown else []
    return " · ".join([_asked(report.links, report.remembered), recorded_, *anonymous])


def _asked(links_: int, remembered: int | None) -> str:
    if remembered is None:
        return ngettext("{number} link asked for in Slack", "{number} links asked for in Slack", links_)
    return ngettext(
        "{number} link asked for in Slack (in the {days} days I remember)",
        "{number} links asked for in Slack (in the {days} days I remember)",
        links_,
        days=format_number(remembered),
    )


def buckets(report: DownloadReport) -> list[str]:
    """Return the anonymous downloads, a line for each member type."""
    found = [(bucket.label, bucket.recorded) for bucket in report.summary.buckets]
    shown = charts.limit_points(found, KINDS, _other_kinds)
    return [f"_{escape_inline(label, 80)}_ · {downloads(recorded_)}" for label, recorded_ in shown]


def _other_kinds(number: int) -> str:
    return ngettext("{number} other kind of member", "{number} other kinds of members", number)


def late(report: DownloadReport) -> list[str]:
    """That a digest comes late, when it does."""
    return [_("Late: this was due {when}, and I was away.", when=date_tag(report.late))] if report.late else []
