"""Cards about downloads: counts in the headline, people in its thread; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from slack_sdk.models.blocks import ButtonElement

from bot.domain.downloads import By, PersonRow
from bot.domain.periods import Period, zone
from bot.domain.reports import Report
from bot.slack import blocks, charts
from bot.slack.blocks import Block, File, Message
from bot.slack.cards import days
from bot.slack.charts import Cell
from bot.slack.wording import escape, inline, plain, when

PAGE = charts.TABLE_ROWS
WHAT = {By.VERSION: "Version", By.OS: "System", By.SOURCE: "Source", By.DAY: "Day"}


def headline(report: Report, *, by: str | None = None) -> Message:
    """The counts, without a thread; `by` is who asked for them."""
    return _headline(report, [_csv(report)], [f"Asked for by <@{by}>"] if by else [])


def here(report: Report, *, share: bool) -> Message | None:
    """What is said to the asker where the question was asked; None when there is nothing more to say."""
    if not report.summary.recorded:
        return None
    where = "The people are in a thread of our direct messages."
    buttons = [blocks.button("Share here", "summary.share.v1", report.typed)] if share else []
    message = _headline(report, [*buttons, _csv(report)], [f"➡️ {where}"])
    return replace(message, text=f"{message.text} {where}")


def _csv(report: Report) -> ButtonElement:
    return blocks.button("CSV", "summary.csv.v1", report.typed, says="Each download as a file, for you alone")


def _headline(report: Report, buttons: Sequence[ButtonElement], small: Sequence[str]) -> Message:
    if not report.summary.recorded:
        return nothing(report)
    recorded = f"{_count(report.summary.recorded, 'download')} recorded"
    what, who = inline(report.what, 160), _who(report)
    more = [*_compared(report), *_newest(report)]
    text = " ".join([f"Downloads of {what} {report.span}: {recorded}{who}.", *more])
    body = [blocks.section("\n".join([f"*Downloads of {what}* {report.span}", f"*{recorded}*{who}.", *more]))]
    body += [blocks.context(line) for line in (*_small_print(report), *small)]
    fits = report.typed and len(report.typed) <= blocks.BUTTON_VALUE  # cut short, a button would ask something else
    return Message(text, (*body, *([blocks.actions(*buttons)] if fits else ())))


def file(what: str, period: Period | None, content: File, lines: int) -> Message:
    """Each download as a file."""
    span = period.words if period else "so far"
    return Message(f"Downloads of {inline(what, 160)} {span}: {_count(lines, 'line')}.", file=content)


def nothing(report: Report) -> Message:
    """One line when there is nothing to tell."""
    links = _links(report)
    more = [*([f"{links}."] if links else []), *_late(report)]
    return Message(" ".join([f"Downloads of {inline(report.what, 160)} {report.span}: no downloads recorded.", *more]))


def _late(report: Report) -> list[str]:
    return [f"Late: this was due {when(report.late)}, and I was away."] if report.late else []


def thread(report: Report) -> tuple[Message, ...]:
    """What hangs below the headline: a chart where there is one to draw, then a table."""
    if not report.summary.recorded:
        return ()
    below = [_chart(report)] if _points(report) else []
    if report.by is By.PERSON and report.named:
        return (*below, people(report, 0))
    if report.by is By.PERSON:  # who they are is not said here: what they took is
        report = replace(report, by=By.VERSION)
    return (*below, _counts(report))


def people(report: Report, number: int) -> Message:
    """A page of the people as a table, with buttons to the pages beside it; `number` counts from 0."""
    every, start = report.summary.people, number * PAGE
    page = every[start : start + PAGE]
    span = f"{start + 1}–{start + len(page)} of " if report.crowd > len(page) else ""
    caption = f"{span}{_crowd(report.crowd)} who downloaded {report.what}, times in {report.tz}"
    header = ("Name", "Downloads", "Last version", "Last time", "Device")
    table = charts.table(caption, header, [_row(one, report.tz) for one in page])
    lines = [_person(one) for one in page]
    small = [blocks.context(bucket) for bucket in _buckets(report)]
    turn = _turning(report, number)
    text = "\n".join([*lines, *_buckets(report)])
    plainer = Message(text, (*(blocks.section(part) for part in _sections(lines)), *small, *turn))
    return Message(text, (table, *small, *turn), plainer=plainer)


def _turning(report: Report, number: int) -> list[Block]:
    last = (report.crowd - 1) // PAGE
    to = [("‹ Earlier page", number - 1)] * (number > 0) + [("Next page ›", number + 1)] * (number < last)
    if not to or not report.typed or len(report.typed) > blocks.BUTTON_VALUE - 10:
        return []
    return [blocks.actions(*(blocks.button(label, f"page.v1#{one}", f"{one} {report.typed}") for label, one in to))]


def _row(person: PersonRow, tz: str) -> tuple[Cell, ...]:
    """One line of the table; so narrow that a page of them always fits into one."""
    latest = person.latest
    version, device = (latest.version, latest.device) if latest else (None, None)
    when_ = _at(latest.at if latest else None, tz)
    return plain(person.name, 32), person.recorded, plain(version or "", 14), when_, plain(device or "", 22)


def _at(instant: datetime | None, tz: str) -> str:
    """A time that sorts as a text."""
    return f"{instant.astimezone(zone(tz)):%Y-%m-%d %H:%M}" if instant else "without a date"


def _person(person: PersonRow) -> str:
    latest = person.latest
    details = [_count(person.recorded, "download")]
    if latest:
        details += [inline(one, 60) for one in (latest.version, latest.device, latest.os) if one]
        details.append(f"last {when(latest.at)}" if latest.at else "without a date")
    return f"*{inline(person.name, 80)}* · {' · '.join(details)}"


# ------------------------------------------------------------------ the headline's words


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _crowd(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def _who(report: Report) -> str:
    unnamed = report.summary.unnamed
    if not unnamed:
        return f" by {_crowd(report.crowd)}"
    return f": {report.summary.recorded - unnamed} by {_crowd(report.crowd)}, {unnamed} by nobody we can name"


def _compared(report: Report) -> list[str]:
    before = report.before
    if before is None:
        return []
    downloads = _difference(report.summary.recorded - before.recorded, "download", "downloads")
    crowd = _difference(report.crowd - before.crowd, "person", "people")
    words = f"{downloads} and {crowd} than in {before.words} ({before.recorded} by {_crowd(before.crowd)})."
    return [words[:1].upper() + words[1:]]


def _difference(by: int, noun: str, nouns: str) -> str:
    sign = "more" if by > 0 else "fewer"
    return f"{abs(by)} {sign} {noun if abs(by) == 1 else nouns}" if by else f"no more {nouns}"


def _newest(report: Report) -> list[str]:
    if not report.newest or not report.crowd:
        return []
    on_it, crowd = report.on_newest, report.crowd
    older = f"; {crowd - on_it} still on an old build" if on_it < crowd else ""
    return [
        f"Newest version {inline(report.newest, 40)}: {on_it} of {_crowd(crowd)} ({on_it * 100 // crowd} %){older}."
    ]


def _small_print(report: Report) -> list[str]:
    summary = report.summary
    lines = _late(report)
    if summary.versions:
        top = " · ".join(f"{inline(version, 40)}: {count}" for version, count in summary.versions[:5])
        lines.append(f"By version: {top}{' · …' if len(summary.versions) > 5 else ''}")
    if links := _links(report):
        lines.append(links)
    if summary.incomplete:
        lines.append(f"Applivery counts {summary.recorded}, and lists {summary.listed} of them one by one.")
    return lines


def _links(report: Report) -> str:
    """Both sides of the story: what was asked for here, and what Applivery recorded."""
    if not report.links:
        return ""
    asked = f"{_count(report.links, 'link')} asked for in Slack"
    asked += f" (in the {report.remembered} days I remember)" if report.remembered else ""
    unknown = sum(one.recorded for one in report.summary.buckets)
    recorded = f"{_count(report.summary.recorded, 'download')} recorded by Applivery"
    return " · ".join([asked, recorded, *([f"{unknown} of them not attributable"] if unknown else [])])


def _buckets(report: Report) -> list[str]:
    return [f"_{inline(one.label, 80)}_ · {_count(one.recorded, 'download')}" for one in report.summary.buckets]


# ------------------------------------------------------------------ the thread's tables and charts


def _points(report: Report) -> Sequence[tuple[str, int]]:
    if report.by in (By.PERSON, By.DAY):
        found = days.points(report.summary.days, report.stretch)
        return found if len(found) > 1 else ()
    return _of(report)[: charts.POINTS]


def _of(report: Report) -> Sequence[tuple[str, int]]:
    summary = report.summary
    return {
        By.VERSION: summary.versions,
        By.OS: summary.systems,
        By.SOURCE: summary.sources,
        By.DAY: tuple((f"{day:%Y-%m-%d}", count) for day, count in reversed(summary.days)),
    }.get(report.by, ())


def _chart(report: Report) -> Message:
    by = "by day" if report.by in (By.PERSON, By.DAY) else f"by {report.by.value}"
    points, title = _points(report), f"Downloads {by}"
    drawn = charts.chart("line" if by == "by day" else "bar", title, "Downloads", points)
    text = f"{title}: " + ", ".join(f"{escape(label)}: {value}" for label, value in points) + "."
    undated = report.summary.undated if by == "by day" else 0
    small = [blocks.context(f"{_count(undated, 'download')} without a date.")] * bool(undated)
    words = charts.bars([(inline(label, 40), value) for label, value in points])
    plainer = Message(text, (blocks.section(f"*{title}*\n{words}"), *small))
    return Message(text, (drawn, *small), plainer=plainer)


def _counts(report: Report) -> Message:
    found, now_on = _of(report), dict(report.adoption)
    title = f"Downloads of {report.what} by {report.by.value}"
    header, listed = [WHAT[report.by], "Downloads", "Share"], report.summary.listed or 1
    rows: list[tuple[Cell, ...]] = []
    for label, count in found:
        share = round(count * 100 / listed)
        row: tuple[Cell, ...] = (label, count, (share, f"{share} %"))
        rows.append((*row, now_on.get(label, 0)) if report.by is By.VERSION else row)
    header += ["People on it now"] if report.by is By.VERSION else []
    shown = charts.fitting(rows)
    lines = [f"*{inline(label, 80)}* · {_count(count, 'download')}" for label, count in found[:shown]]
    rest = [f"… and {len(found) - shown} more, which the CSV has."] if len(found) > shown else []
    small = [blocks.context(line) for line in (*rest, *_buckets(report))]
    text = "\n".join([f"{inline(title, 200)}:", *lines, *rest, *_buckets(report)])
    if not rows:
        return Message(text)
    plainer = Message(text, (*(blocks.section(part) for part in _sections(lines)), *small))
    return Message(text, (charts.table(title, header, rows), *small), plainer=plainer)


def _sections(lines: Sequence[str]) -> list[str]:
    """Lines packed into paragraphs that stay within a section's limit."""
    parts = [""]
    for line in lines:
        if len(parts[-1]) + len(line) + 1 > blocks.SECTION_TEXT:
            parts.append("")
        parts[-1] += f"\n{line}" if parts[-1] else line
    return parts
