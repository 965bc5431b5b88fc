"""Cards about who has not downloaded a build yet, and the polite question to try it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.downloads import Missing
from bot.domain.model import Build
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.cards import builds as buildcards
from bot.slack.wording import inline

SHOWN = 150  # people; a mention takes some 15 characters of a section's 3,000


def headline(what: str, place: str, found: Missing) -> Message:
    """The counts, for whoever may read them; `place` is a mention of the group or channel."""
    every = len(found.have) + len(found.lack)
    text = f"*{len(found.have)} of {every}* people of {place} have downloaded *{inline(what, 160)}*."
    if not found.lack:
        text += " Nobody is missing." if every else ""
    return Message(text, (blocks.section(text),))


def here(head: Message) -> Message:
    """What is said to the asker where the question was asked."""
    where = "Who they are is in a thread of our direct messages."
    return replace(head, text=f"{head.text} {where}", blocks=(*head.blocks, blocks.context(f"➡️ {where}")))


def counts(found: Missing) -> Message:
    """What a channel's thread is told: no names."""
    parts = [f"{len(found.lack)} not yet", *_unknown(found)]
    return Message(f"{' · '.join(parts)}. The names went to whoever asked, alone.")


def names(what: str, place: str, found: Missing, typed: str) -> Message:
    """Who they are, for the asker alone, with a button to ask them."""
    title = f"*{inline(what, 160)}* · {place}"
    lines = [title, f"*Not yet* ({len(found.lack)}): {_people(found.lack)}"]
    if found.unknown:
        lines.append(f"_No e-mail in Slack_ ({len(found.unknown)}): {_people(found.unknown)}")
    body: list[Block] = [blocks.section("\n".join(lines[:2])), *(blocks.section(line) for line in lines[2:])]
    if found.lack and len(typed) <= blocks.BUTTON_VALUE:
        ask = "Each of them gets one friendly message from me, in your name, with a button to get the build."
        body.append(blocks.actions(blocks.button("Ask them politely", "nudge.v1", typed, confirm=ask)))
        body.append(blocks.context("At most once for each build and person, and never to whoever has opted out."))
    return Message("\n".join(lines), tuple(body))


def _people(people: Sequence[str]) -> str:
    shown = ", ".join(f"<@{one}>" for one in people[:SHOWN])
    return f"{shown} and {len(people) - SHOWN} more" if len(people) > SHOWN else shown or "nobody"


def _unknown(found: Missing) -> list[str]:
    return [f"{len(found.unknown)} whose e-mail Slack does not tell"] if found.unknown else []


def nudge(builds: Sequence[Build], asker: str) -> Message:
    """What somebody gets who has not tried a build yet."""
    build = builds[0]
    what = f"{inline(build.app.name, 80)} {inline(build.version, 60)}".strip()
    text = f"<@{asker}> would be glad if you tried *{what}*. If you have a minute, here it is."
    platforms = {one.platform: one for one in reversed(builds)}
    several = len(platforms) > 1
    get = [
        blocks.button(
            f"Get it for {buildcards.platform_name(one)}" if several and one.platform else "Get build",
            f"get.v1#{number}",
            f"{one.app.id}/{one.id}",
            style=None if number else "primary",
        )
        for number, one in enumerate(list(platforms.values())[:3])
    ]
    stop = blocks.button("Do not ask me again", "unnudge.v1", "stop")
    small = blocks.context("I ask at most once for each build, and not at all if you would rather not.")
    return Message(text, (blocks.section(text), blocks.actions(*get, stop), small))


def nudged(what: str, asked: int, left_alone: int) -> Message:
    """What the asker hears when they have been asked."""
    if not asked:
        return Message(f"I asked nobody about {inline(what, 160)}: everybody was asked before, or would rather not be.")
    people = "1 person" if asked == 1 else f"{asked} people"
    rest = f" I left {left_alone} alone: asked before, opted out, or not able to use me." if left_alone else ""
    return Message(f"I asked {people} to try {inline(what, 160)}.{rest}")
