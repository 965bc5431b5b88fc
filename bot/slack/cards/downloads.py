"""Cards about downloads: counts in the headline, people in its thread; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from slack_sdk.models.blocks import ButtonElement

from bot.domain.downloads import By, PersonRow
from bot.domain.periods import Period, zone
from bot.domain.reports import Report
from bot.language import count, figure, later, say
from bot.slack import blocks, charts
from bot.slack.blocks import Block, File, Message
from bot.slack.cards import days
from bot.slack.cards import download_words as words
from bot.slack.charts import Cell
from bot.slack.wording import escape, inline, plain, when

PAGE = charts.TABLE_ROWS
COLUMNS = (later("Name"), later("Downloads"), later("Last version"), later("Last time"), later("Device"))
WHAT = {By.VERSION: later("Version"), By.OS: later("System"), By.DAY: later("Day"), By.SOURCE: later("Source")}
CHARTS = {
    By.VERSION: later("Downloads by version"),
    By.OS: later("Downloads by os"),
    By.SOURCE: later("Downloads by source"),
    By.DAY: later("Downloads by day"),
    By.PERSON: later("Downloads by day"),
}
TABLES = {
    By.VERSION: later("Downloads of {what} by version"),
    By.OS: later("Downloads of {what} by os"),
    By.SOURCE: later("Downloads of {what} by source"),
    By.DAY: later("Downloads of {what} by day"),
}


def headline(report: Report, *, by: str | None = None) -> Message:
    """The counts, without a thread; `by` is who asked for them."""
    return _headline(report, [_csv(report)], [say("Asked for by {person}", person=f"<@{by}>")] if by else [])


def here(report: Report, *, share: bool) -> Message | None:
    """What is said to the asker where the question was asked; None when there is nothing more to say."""
    if not report.summary.recorded:
        return None
    where = say("The people are in a thread of our direct messages.")
    buttons = [blocks.button(say("Share here"), "summary.share.v1", report.typed)] if share else []
    message = _headline(report, [*buttons, _csv(report)], [f"➡️ {where}"])
    return replace(message, text=f"{message.text} {where}")


def _csv(report: Report) -> ButtonElement:
    return blocks.button("CSV", "summary.csv.v1", report.typed, says=say("Each download as a file, for you alone"))


def _headline(report: Report, buttons: Sequence[ButtonElement], small: Sequence[str]) -> Message:
    if not report.summary.recorded:
        return nothing(report)
    title = say("*Downloads of {what}* {span}", what=inline(report.what, 160), span=report.span)
    recorded, more = words.recorded(report), [*words.compared(report), *words.newest(report)]
    text = " ".join([f"{title}: {recorded}".replace("*", ""), *more])
    body = [blocks.section("\n".join([title, recorded, *more]))]
    body += [blocks.context(line) for line in (*words.small_print(report), *small)]
    fits = report.typed and len(report.typed) <= blocks.BUTTON_VALUE  # cut short, a button would ask something else
    return Message(text, (*body, *([blocks.actions(*buttons)] if fits else ())))


def file(what: str, period: Period | None, content: File, lines: int) -> Message:
    """Each download as a file."""
    said = count(
        "Downloads of {what} {span}: {number} line.",
        "Downloads of {what} {span}: {number} lines.",
        lines,
        what=inline(what, 160),
        span=period.words if period else say("so far"),
    )
    return Message(said, file=content)


def nothing(report: Report) -> Message:
    """One line when there is nothing to tell."""
    links = words.links(report)
    more = [*([f"{links}."] if links else []), *words.late(report)]
    none = say("Downloads of {what} {span}: no downloads recorded.", what=inline(report.what, 160), span=report.span)
    return Message(" ".join([none, *more]))


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
    header = [say(one) for one in COLUMNS]
    table = charts.table(_caption(report, start, len(page)), header, [_row(one, report.tz) for one in page])
    lines = [_person(one) for one in page]
    small = [blocks.context(bucket) for bucket in words.buckets(report)]
    turn = _turning(report, number)
    text = "\n".join([*lines, *words.buckets(report)])
    plainer = Message(text, (*(blocks.section(part) for part in _sections(lines)), *small, *turn))
    return Message(text, (table, *small, *turn), plainer=plainer)


def _caption(report: Report, start: int, shown: int) -> str:
    if report.crowd > shown:
        said = later("{first}–{last} of {people} who downloaded {what}, times in {tz}")
        first, last = figure(start + 1), figure(start + shown)
        return say(said, first=first, last=last, people=words.crowd(report.crowd), what=report.what, tz=report.tz)
    return count(
        "{number} person who downloaded {what}, times in {tz}",
        "{number} people who downloaded {what}, times in {tz}",
        report.crowd,
        what=report.what,
        tz=report.tz,
    )


def _turning(report: Report, number: int) -> list[Block]:
    last = (report.crowd - 1) // PAGE
    to = [(say("‹ Earlier page"), number - 1)] * (number > 0) + [(say("Next page ›"), number + 1)] * (number < last)
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
    return f"{instant.astimezone(zone(tz)):%Y-%m-%d %H:%M}" if instant else say("without a date")


def _person(person: PersonRow) -> str:
    latest = person.latest
    details = [words.downloads(person.recorded)]
    if latest:
        details += [inline(one, 60) for one in (latest.version, latest.device, latest.os) if one]
        details.append(say("last {when}", when=when(latest.at)) if latest.at else say("without a date"))
    return f"*{inline(person.name, 80)}* · {' · '.join(details)}"


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
        By.DAY: tuple((f"{day:%Y-%m-%d}", number) for day, number in reversed(summary.days)),
    }.get(report.by, ())


def _chart(report: Report) -> Message:
    by_day = report.by in (By.PERSON, By.DAY)
    points, title = _points(report), say(CHARTS[report.by])
    drawn = charts.chart("line" if by_day else "bar", title, say("Downloads"), points)
    text = f"{title}: " + ", ".join(f"{escape(label)}: {figure(value)}" for label, value in points) + "."
    undated = report.summary.undated if by_day else 0
    without = count("{number} download without a date.", "{number} downloads without a date.", undated)
    small = [blocks.context(without)] * bool(undated)
    bars = charts.bars([(inline(label, 40), value) for label, value in points])
    plainer = Message(text, (blocks.section(f"*{title}*\n{bars}"), *small))
    return Message(text, (drawn, *small), plainer=plainer)


def _counts(report: Report) -> Message:
    found, now_on = _of(report), dict(report.adoption)
    title = say(TABLES[report.by], what=report.what)
    header, listed = [say(WHAT[report.by]), say("Downloads"), say("Share")], report.summary.listed or 1
    rows: list[tuple[Cell, ...]] = []
    for label, number in found:
        share = round(number * 100 / listed)
        row: tuple[Cell, ...] = (label, number, (share, f"{share} %"))
        rows.append((*row, now_on.get(label, 0)) if report.by is By.VERSION else row)
    header += [say("People on it now")] if report.by is By.VERSION else []
    shown = charts.fitting(rows)
    lines = [f"*{inline(label, 80)}* · {words.downloads(number)}" for label, number in found[:shown]]
    left_out = say("… and {number} more, which the CSV has.", number=figure(len(found) - shown))
    rest = [left_out] if len(found) > shown else []
    small = [blocks.context(line) for line in (*rest, *words.buckets(report))]
    text = "\n".join([f"{inline(title, 200)}:", *lines, *rest, *words.buckets(report)])
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
