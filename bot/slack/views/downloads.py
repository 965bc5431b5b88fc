"""Cards about downloads: counts in the headline, people in its thread; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from msgspec import structs
from slack_sdk.models.blocks import ButtonElement

from bot.domain.downloads import GroupBy, PersonRow
from bot.domain.time_zones import local, zone
from bot.i18n import _, format_number, gettext_noop, ngettext
from bot.i18n.units import format_percent, percent
from bot.slack import blocks
from bot.slack.blocks import Block, FileAttachment, Message, charts
from bot.slack.blocks.charts import Cell
from bot.slack.button_values import PageValue
from bot.slack.markup import strip_formatting
from bot.slack.mrkdwn import date_tag, escape_inline
from bot.slack.views import report_series
from bot.slack.views import report_text as words

if TYPE_CHECKING:
    from bot.domain.reports import DownloadReport
    from bot.domain.timeparse.period import Period

Counted = tuple[str, int, *tuple[Cell, ...]]
"""A line of a table of counts: a label, how many, and what else there is to say."""

PAGE = charts.TABLE_ROWS
LABEL = 60  # characters of a label
COLUMNS = (
    gettext_noop("Name"),
    gettext_noop("Downloads"),
    gettext_noop("Last version"),
    gettext_noop("Last download"),
    gettext_noop("Device"),
)


def headline(report: DownloadReport, *, by: str | None = None) -> Message:
    """Return the counts without a thread; `by` is the user who requested them."""
    return _headline(report, [_csv(report)], [_("Requested by {person}", person=f"<@{by}>")] if by else [])


def here(report: DownloadReport, *, share: bool) -> Message:
    """Return the reply where the command was used; the thread is in the asker's direct messages."""
    warning = _("Everyone in this channel will see this report.")
    verb = {"confirm": warning, "verb": _("Share")}
    buttons = [blocks.button(_("Share here"), "summary.share.v1", report.typed, **verb)] if share else []
    return _headline(report, [*buttons, _csv(report)], [])


def _csv(report: DownloadReport) -> ButtonElement:
    label = _("CSV: one file with every download, only for you")
    return blocks.button("CSV", "summary.csv.v1", report.typed, accessibility_label=label)


def _headline(report: DownloadReport, buttons: Sequence[ButtonElement], small: Sequence[str]) -> Message:
    if not report.summary.recorded and not report.summary.failures:
        return nothing(report)
    title = _("Downloads of *{what}* {span}", what=escape_inline(report.what, 160), span=report.span)
    lines = [*words.failures(report), words.recorded(report), *words.compared(report)]
    newest = words.newest(report)
    small = [*words.late(report), *newest, *words.small_print(report), *small]
    body = [blocks.section("\n".join([title, *lines])), *([blocks.context("\n".join(small))] if small else [])]
    fits = report.typed and len(report.typed) <= blocks.BUTTON_VALUE  # a truncated value would be another query
    text = " ".join([strip_formatting(f"{title}:"), *(f"{strip_formatting(line)}." for line in (*lines, *newest))])
    return Message(text, (*body, *([blocks.actions(*buttons)] if fits else ())))


def file(what: str, period: Period | None, content: FileAttachment, lines: int, unlisted: int = 0) -> Message:
    """Return the downloads as a file; `unlisted` is how many more Applivery counts without listing them."""
    text = ngettext(
        "*{number} download* of {what} {span}, as CSV.",
        "*{number} downloads* of {what} {span}, as CSV.",
        lines,
        what=escape_inline(what, 160),
        span=period.words if period else _("so far"),
    )
    more = ngettext(
        "Applivery counts {number} more download than it lists.",
        "Applivery counts {number} more downloads than it lists.",
        unlisted,
    )
    return Message(f"{text} {more}" if unlisted else text, file=content)


def nothing(report: DownloadReport) -> Message:
    """Return the message for no downloads."""
    more = [*words.links(report), *words.claimed(report), *words.late(report)]
    none = _("*No downloads* of {what} {span}.", what=escape_inline(report.what, 160), span=report.span)
    return Message("\n".join([none, *more]))


def thread(report: DownloadReport) -> tuple[Message, ...]:
    """Return the replies below the headline: a chart, if there is one to draw, then a table."""
    if not (report.summary.failures if report.by is GroupBy.FAILURE else report.summary.recorded):
        return ()
    return (*_chart(report), table(report, 0))


def table(report: DownloadReport, number: int) -> Message:
    """Return the table of people, from page `number` on, or of the counts by another group."""
    if report.by is GroupBy.FAILURE:
        return _failures(report)
    if report.by is GroupBy.PERSON and report.named:
        return people(report, number)
    # without names: the versions that were downloaded
    return _counts(structs.replace(report, by=GroupBy.VERSION) if report.by is GroupBy.PERSON else report)


def people(report: DownloadReport, number: int) -> Message:
    """Return a page of the table of people, with buttons to other pages; `number` counts from 0."""
    start = number * PAGE
    page = report.summary.people[start : start + PAGE]
    labels = report.labels()[: start + PAGE]
    header = [_(column) for column in COLUMNS]
    table = charts.table(_caption(report, start, len(page)), header, _rows(page, labels, report.tz))
    names = charts.distinguish_labels(labels, 80)[start:]
    lines = [_person(name, row) for name, row in zip(names, page, strict=True)]
    small = [blocks.context(bucket) for bucket in words.buckets(report)]
    turn = _turning(report, number)
    text = "\n".join([*lines, *words.buckets(report)])
    plainer = Message(text, (*blocks.paragraphs(lines), *small, *turn))
    return Message(text, (table, *small, *turn), fallback=plainer)


def _rows(page: Sequence[PersonRow], labels: Sequence[str], tz: str) -> list[tuple[Cell, ...]]:
    """Return the rows of a page of people, labels last, narrow enough to fit into one table."""
    for width in (charts.CELL, 60, 32, 24, 16, 12):
        names = charts.distinguish_labels(labels, width)[len(labels) - len(page) :]
        rows = [_row(name, row, tz, width) for name, row in zip(names, page, strict=True)]
        if charts.count_fitting_rows(rows) == len(rows):
            break
    return rows


def _caption(report: DownloadReport, start: int, shown: int) -> str:
    if report.crowd > shown:
        text = gettext_noop("{first}–{last} of {people} who downloaded {what}, times in {tz}")
        first, last = format_number(start + 1), format_number(start + shown)
        return _(text, first=first, last=last, people=words.crowd(report.crowd), what=report.what, tz=report.tz)
    return ngettext(
        "{number} person who downloaded {what}, times in {tz}",
        "{number} people who downloaded {what}, times in {tz}",
        report.crowd,
        what=report.what,
        tz=report.tz,
    )


def _turning(report: DownloadReport, number: int) -> list[Block]:
    last = (report.crowd - 1) // PAGE
    to = [(_("‹ Earlier page"), number - 1)] * (number > 0) + [(_("Next page ›"), number + 1)] * (number < last)
    if not to or not report.typed or len(report.typed) > blocks.BUTTON_VALUE - 10:
        return []
    return [
        blocks.actions(
            *(
                blocks.button(label, f"page.v1#{each_number}", str(PageValue(each_number, report.typed)))
                for label, each_number in to
            )
        )
    ]


def _row(name: str, person: PersonRow, tz: str, width: int) -> tuple[Cell, ...]:
    """Return one line of the table."""
    latest = person.latest
    version, device = (latest.version, latest.device) if latest else (None, None)
    when_ = _at(latest.at if latest else None, tz)
    return (
        name,
        person.recorded,
        charts.fit_label(version or "", 14),
        when_,
        charts.fit_label(device or "", min(22, width * 2 // 3)),
    )


def _at(instant: datetime | None, tz: str) -> str:
    """Return a time in a format that sorts as text."""
    return f"{local(instant, zone(tz)):%Y-%m-%d %H:%M}" if instant else _("without a date")


def _person(name: str, person: PersonRow) -> str:
    latest = person.latest
    details = [words.downloads(person.recorded)]
    if latest:
        details += [escape_inline(text, 60) for text in (latest.version, latest.device, latest.os) if text]
        details.append(_("last {when}", when=date_tag(latest.at)) if latest.at else _("without a date"))
    return f"*{escape_inline(name, 80)}* · {' · '.join(details)}"


# ------------------------------------------------------------------ the thread's tables and charts


def _chart(report: DownloadReport) -> tuple[Message, ...]:
    """Return the chart of the counts; none for a single day, and without counts."""
    if not report.by.description.chart:
        bucket, points = report_series.series(report.summary.days, report.stretch)
        return (_drawn("line", _(bucket.value), points, report.summary.undated),) if len(points) > 1 else ()
    points = charts.limit_points(_of(report), charts.POINTS, _others)
    unit = _("Failed installs") if report.by is GroupBy.FAILURE else ""
    return (_drawn("bar", _(report.by.description.chart), points, 0, unit),) if points else ()


def _of(report: DownloadReport) -> charts.Points:
    summary = report.summary
    if report.by is GroupBy.DAY:
        undated = [(_("without a date"), summary.undated)] * bool(summary.undated)
        return [*((f"{day:%Y-%m-%d}", number) for day, number in reversed(summary.days)), *undated]
    counts = report.by.description.counts(summary)
    if report.by is GroupBy.VERSION:
        versions = {version for version, _ in counts}
        return [*counts, *((text, 0) for text, _ in report.versions_now if text not in versions)]
    return counts


def _others(number: int) -> str:
    return ngettext("{number} other", "{number} others", number)


def _drawn(kind: Literal["line", "bar"], title: str, points: charts.Points, undated: int, unit: str = "") -> Message:
    drawn = charts.chart(kind, title, unit or _("Downloads"), points)
    text = (
        f"{title}: " + ", ".join(f"{escape_inline(label, 80)}: {format_number(value)}" for label, value in points) + "."
    )
    without = ngettext("{number} download without a date.", "{number} downloads without a date.", undated)
    small = [blocks.context(without)] * bool(undated)
    bars = charts.text_bars([(escape_inline(label, 40), value) for label, value in points])
    plainer = Message(f"{text} {without}" if undated else text, (blocks.section(f"*{title}*\n{bars}"), *small))
    return replace(plainer, blocks=(drawn, *small), fallback=plainer)


def _counts(report: DownloadReport) -> Message:
    found, title = _of(report), _(report.by.description.table, what=report.what)
    most = charts.count_fitting_rows(_lines(report, found))
    while charts.count_fitting_rows(rows := _lines(report, charts.limit_points(found, most, _others))) < len(rows):
        most -= 1
    header = [_(report.by.description.heading), _("Downloads"), _("Percentage")]
    header += [_("People on it now")] if report.by is GroupBy.VERSION else []
    lines = [f"*{escape_inline(label, 80)}* · {words.downloads(number)}" for label, number, *_ in rows]
    rest = [_("The CSV has every row.")] * (len(rows) < len(found))
    small = [blocks.context(line) for line in (*rest, *words.buckets(report))]
    text = "\n".join([f"{escape_inline(title, 200)}:", *lines, *rest, *words.buckets(report)])
    plainer = Message(text, (*blocks.paragraphs(lines), *small))
    return Message(text, (charts.table(title, header, rows), *small), fallback=plainer)


def _failures(report: DownloadReport) -> Message:
    """Return the failed installs by cause as a table; people are not stored with them."""
    counts, title = report.summary.failures, _(report.by.description.table, what=report.what)
    whole = sum(number for _label, number in counts)
    rows: list[tuple[Cell, ...]] = []
    for label, number in counts:
        share = percent(number, whole)
        rows.append((label, number, (share, format_percent(share))))
    lines = [f"*{label}* · {words.failed_installs(number)}" for label, number in counts]
    header = [_(report.by.description.heading), _("Failed installs"), _("Percentage")]
    small = blocks.context(_("One answer for each person and build, without names."))
    text = "\n".join([f"{escape_inline(title, 200)}:", *lines])
    plainer = Message(text, (*blocks.paragraphs(lines), small))
    return Message(text, (charts.table(title, header, rows), small), fallback=plainer)


def _lines(report: DownloadReport, points: charts.Points) -> list[Counted]:
    """Return the lines of a table of counts; the last line includes people on versions that were left out."""
    rows: list[Counted] = []
    now_on = dict(report.versions_now)
    for label, (name, number) in zip(
        charts.distinguish_labels((text for text, _number in points), LABEL), points, strict=True
    ):
        share = percent(number, report.summary.recorded)
        shown: Cell = (share, format_percent(share))
        if report.by is GroupBy.VERSION:
            last = len(rows) == len(points) - 1
            rows.append((label, number, shown, now_on.pop(name, 0) + sum(now_on.values()) * last))
        else:
            rows.append((label, number, shown))
    return rows
