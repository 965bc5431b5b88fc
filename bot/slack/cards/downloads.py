"""Cards about downloads: counts in the headline, people in its thread; pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.downloads import PersonRow, Summary
from bot.domain.periods import Period
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.wording import inline, when

SHOWN_PEOPLE = 100
PEOPLE_A_MESSAGE = 25


def downloads(what: str, summary: Summary, period: Period | None) -> Message:
    """The headline, for whoever may read it, with the people in its thread."""
    span = period.words if period else "so far"
    recorded = f"{summary.recorded} download{_s(summary.recorded)} recorded"
    people = f"{len(summary.people)} {'person' if len(summary.people) == 1 else 'people'}"
    others = sum(bucket.recorded for bucket in summary.buckets)
    named = summary.recorded - others
    who = f": {named} by {people}, {others} by nobody we can name" if others else f" by {people}"
    head = f"{what} {span}: {recorded}{who}."
    if not summary.recorded:
        return Message(f"{what} {span}: no downloads recorded.")
    body = [blocks.section(f"*{what}* {span}\n*{recorded}*{who}.")]
    if summary.versions:
        top = " · ".join(f"{inline(version, 40)}: {count}" for version, count in summary.versions[:5])
        body.append(blocks.context(f"By version: {top}"))
    if summary.incomplete:
        body.append(
            blocks.context(f"Applivery counts {summary.recorded}, and lists {summary.listed} of them one by one.")
        )
    return Message(head, tuple(body), thread=tuple(_people(summary)))


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _people(summary: Summary) -> list[Message]:
    lines = [_person(person) for person in summary.people[:SHOWN_PEOPLE]]
    if len(summary.people) > SHOWN_PEOPLE:
        lines.append(f"… and {len(summary.people) - SHOWN_PEOPLE} more people.")
    lines += [
        f"_{inline(bucket.label, 80)}_ · {bucket.recorded} download{_s(bucket.recorded)}" for bucket in summary.buckets
    ]
    pages = [lines[at : at + PEOPLE_A_MESSAGE] for at in range(0, len(lines), PEOPLE_A_MESSAGE)]
    return [Message("\n".join(page), tuple(blocks.section(part) for part in _sections(page))) for page in pages]


def _sections(lines: Sequence[str]) -> list[str]:
    """Lines packed into paragraphs that stay within a section's limit."""
    parts = [""]
    for line in lines:
        if len(parts[-1]) + len(line) + 1 > blocks.SECTION_TEXT:
            parts.append("")
        parts[-1] += f"\n{line}" if parts[-1] else line
    return parts


def _person(person: PersonRow) -> str:
    latest = person.latest
    details = [f"{person.recorded} download{_s(person.recorded)}"]
    if latest:
        details += [inline(one, 60) for one in (latest.version, latest.device, latest.os) if one]
        details.append(f"last {when(latest.at)}" if latest.at else "without a date")
    return f"*{inline(person.name, 80)}* · {' · '.join(details)}"
