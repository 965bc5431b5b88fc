"""Cards about digests: what was saved, what a place has, what has ended or stopped, and the summary itself; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from slack_sdk.models.blocks import ButtonElement

from bot.domain import schedules
from bot.domain.digests import Digest
from bot.domain.downloads import By
from bot.domain.reports import Report
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.cards import downloads
from bot.slack.wording import inline, when

SHOWN = 20


def begun(digest: Digest, *, names: bool) -> Message:
    """What was saved, said back in words."""
    who = "" if names else " It has counts only: people are named in manager channels (`grant #channel manager`)."
    nothing = "stays silent" if digest.quiet else "says so in one line"
    text = (
        f"Done: a summary of {_words(digest)}, the first one {when(digest.due_at)}. "
        f"When there is nothing new it {nothing}.{who}"
    )
    return Message(text, (blocks.section(text), blocks.actions(_end(digest))))


def _words(digest: Digest) -> str:
    which = f" {inline(digest.which, 60)}" if digest.which else ""
    by = f" by {digest.by.value}" if digest.by is not By.PERSON else ""
    when_ = schedules.explain(schedules.parse(digest.schedule))
    return f"*downloads of {inline(digest.app_name, 80)}{which}*{by} {when_} ({inline(digest.tz, 60)})"


def _end(digest: Digest) -> ButtonElement:
    return blocks.button(
        "End it",
        "undigest.v1",
        str(digest.id),
        says=f"End summary d{digest.id}",
        confirm="This summary comes no more.",
    )


def listed(message: Message, found: Sequence[Digest]) -> Message:
    """The same message with the digests of a place below."""
    if not found:
        return message
    body: list[Block] = list(message.blocks) or [blocks.section(message.text)]
    for one in found[:SHOWN]:
        paused = f"\n⏸ paused: {inline(one.paused)}" if one.paused else ""
        quiet = ", silent when nothing is new" if one.quiet else ""
        line = f"*d{one.id}* · {_words(one)}{quiet}\n_by <@{one.created_by}> {when(one.created_at)}_{paused}"
        body.append(blocks.section(line, accessory=_end(one)))
    text = "; ".join(f"d{one.id}: {_words(one)}" for one in found)
    return replace(message, text=f"{message.text} Summaries: {text}.", blocks=tuple(body))


def ended(digest: Digest) -> Message:
    """It comes no more."""
    return Message(f"Done: no more summaries of {_words(digest)}.")


def paused(digest: Digest, why: str) -> Message:
    """What its maker is told, once, when one can come no more."""
    where = "to you" if digest.private else f"in <#{digest.place}>"
    return Message(f"I stopped the summary of {_words(digest)} {where}: {why}")


def summary(report: Report) -> Message:
    """One digest: a headline, and its thread."""
    return replace(downloads.headline(report), thread=downloads.thread(report))
