"""Cards about subscriptions: what was saved and would have come, what a channel hears of, and what stopped; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from slack_sdk.models.blocks import ButtonElement

from bot.domain import filters, manners
from bot.domain.model import Build, Event, Subscription
from bot.domain.rehearsal import Rehearsal
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.cards.builds import platform_name
from bot.slack.wording import inline, when

PAGE = 10  # subscriptions; each takes two of a message's fifty blocks
NAMED = 5
# What is left of a handle when Slack does not tell it
NO_HANDLES: Mapping[str, str] = {}
ENDS = "The channel hears no more of it."

_PAUSED = {
    "is_archived": "the channel is archived",
    "not_in_channel": "I am no longer in the channel",
    "channel_not_found": "I can no longer see the channel",
}


def words(one: Subscription, handles: Mapping[str, str] = NO_HANDLES) -> str:
    """A subscription as one sentence; `handles` has what people call the user groups, by id."""
    said = inline(filters.explain(one.app_name if one.app_id else None, one.events, one.query, one.manner), 600)
    if not one.manner.mention:
        return said
    handle = handles.get(one.manner.mention)
    who = f"@{inline(handle, 80)}" if handle else "a user group"
    return f"{said}{',' if manners.explain(one.manner) else ';'} mentioning {who}"


def value(one: Subscription) -> str:
    """What a subscription's buttons carry: they work in another channel too, for who may."""
    return f"{one.channel_id}/{one.id}"


# ------------------------------------------------------------------ saved


def subscribed(
    one: Subscription,
    tried: Rehearsal | None = None,
    handles: Mapping[str, str] = NO_HANDLES,
    *,
    replaced: bool = False,
    resumed: bool = False,
    here: bool = True,
) -> Message:
    """What was saved, said back in words, and what it would have posted."""
    channel = "this channel" if here else f"<#{one.channel_id}>"
    done = f"Changed: {channel} now hears of" if replaced else f"Done: {channel} hears of"
    text = f"{done} {words(one, handles)}. History stays quiet; the next build is the first."
    if resumed:
        text += " I could not speak there for a while; what was kept back comes now."
    would = dry_run(one, tried)
    body = [blocks.section(text), *([blocks.section(f"🧪 {would}")] if would else [])]
    buttons = blocks.actions(_edit(one), _remove(one, "Unsubscribe"))
    return Message(f"{text} {would}".rstrip(), (*body, buttons))


def dry_run(one: Subscription, tried: Rehearsal | None) -> str:
    """Which of the newest builds would have been posted, or what may be too narrow; empty when it is about none."""
    if tried is None:
        return ""
    if not tried.looked:
        return "There is no build yet that it could be tried on."
    last = f"the last {len(tried.looked)} builds" if len(tried.looked) > 1 else "the only build there is"
    if not tried.would:
        return f"None of {last} would have posted{_why_none(one, tried)}"
    named = [_name(build, with_app=one.app_id is None) for build in tried.would[:NAMED]]
    more = f" and {len(tried.would) - NAMED} more" if len(tried.would) > NAMED else ""
    return f"{len(tried.would)} of {last} would have posted: {', '.join(named)}{more}."


def _why_none(one: Subscription, tried: Rehearsal) -> str:
    if tried.fitting:
        ends = " or ".join(event.value for event in one.events if event in (Event.PROCESSED, Event.FAILED))
        fit = (
            "" if not tried.there else f" {len(tried.fitting)} of them fit{'s' * (len(tried.fitting) == 1)} the filter."
        )
        return f": none of them {'has' if ends == 'failed' else 'was'} {ends}.{fit}"
    have = "; ".join(
        f"{key} {', '.join(inline(fact, 40) for fact in facts[:NAMED])}{', …' * (len(facts) > NAMED)}"
        if facts
        else f"no {key}"
        for key, facts in tried.there
    )
    return f". The filter may be too narrow: they have {have}."


def _name(build: Build, *, with_app: bool) -> str:
    app = f"{inline(build.app.name, 60)} " if with_app else ""
    number = f" ({inline(build.number, 40)})" if build.number else ""
    return f"{app}{inline(build.version or 'no version', 60)}{number} {platform_name(build)}".rstrip()


# ------------------------------------------------------------------ the list


def subscriptions(
    found: Sequence[tuple[Subscription, datetime | None]],
    handles: Mapping[str, str] = NO_HANDLES,
    *,
    now: datetime,
    page: int = 0,
    everywhere: bool = False,
) -> Message:
    """What a channel is subscribed to, or every channel: who asked for it, when, and when something came last.

    Each comes with the time of its last post. `page` counts from 0; one that is not there is the nearest.
    """
    if not found:
        return _nothing(everywhere)
    pages = (len(found) + PAGE - 1) // PAGE
    page = max(0, min(page, pages - 1))
    shown = found[page * PAGE : (page + 1) * PAGE]
    whose = "every channel" if everywhere else "this channel"
    which = f" (page {page + 1} of {pages})" if pages > 1 else ""
    body: list[Block] = [blocks.section(f"*Subscriptions of {whose}*{which}")]
    for one, last in shown:
        body += [blocks.section(_entry(one, last, handles, now, everywhere)), _buttons(one)]
    if pages > 1:
        body.append(_turning(page, pages, everywhere))
    listed = "; ".join(f"{one.id}: {_where(one, everywhere)}{words(one, handles)}" for one, _ in shown)
    return Message(f"Subscriptions of {whose}{which}: {listed}.", tuple(body))


def _nothing(everywhere: bool) -> Message:
    if everywhere:
        return Message("No channel is subscribed to anything yet. Try `subscribe` in one, with the name of an app.")
    text = "This channel is subscribed to nothing yet. Try `subscribe` with the name of an app."
    return Message(text, (blocks.section(text), blocks.actions(blocks.button("Subscribe", "run.v1", "subscribe"))))


def _entry(
    one: Subscription, last: datetime | None, handles: Mapping[str, str], now: datetime, everywhere: bool
) -> str:
    posted = f"last posted {when(last)}" if last else "nothing posted yet"
    lines = [
        f"*{one.id}* · {_where(one, everywhere)}{words(one, handles)}",
        f"_by <@{one.created_by}> {when(one.created_at)} · {posted}_",
    ]
    if one.muted_until and one.muted_until > now:
        lines.append(f"🔕 muted until {when(one.muted_until)}")
    if one.paused:
        lines.append(f"⏸ paused: {_why_paused(one)}")
    return "\n".join(lines)


def _where(one: Subscription, everywhere: bool) -> str:
    return f"<#{one.channel_id}> · " if everywhere else ""


def _buttons(one: Subscription) -> Block:
    name = f"subscription {one.id}, {one.app_name}"
    return blocks.actions(
        blocks.button("Test", "test.v1", value(one), says=f"Post a test card of {name}"),
        _edit(one),
        blocks.button("Mute", "mute.v1", value(one), says=f"Mute {name}"),
        _remove(one, "Remove"),
    )


def _edit(one: Subscription) -> ButtonElement:
    return blocks.button("Edit", "edit.v1", value(one), says=f"Edit subscription {one.id}, {one.app_name}")


def _remove(one: Subscription, label: str) -> ButtonElement:
    says = f"{label}: subscription {one.id}, {one.app_name}"
    return blocks.button(label, "unsubscribe.v1", value(one), says=says, confirm=ENDS)


def _turning(page: int, pages: int, everywhere: bool) -> Block:
    which = "all" if everywhere else "here"
    back = blocks.button("Previous", "subscriptions.v1#previous", f"{which}/{page - 1}", says="The page before")
    on = blocks.button("Next", "subscriptions.v1#next", f"{which}/{page + 1}", says="The page after")
    return blocks.actions(*([back] if page else []), *([on] if page + 1 < pages else []))


def which_to_end(found: Sequence[Subscription]) -> Message:
    """Several could be meant: each with a button that ends it."""
    if not found:
        return _nothing(everywhere=False)
    text = "Which one is to end?"
    body = [
        blocks.section(f"*{one.id}* · {words(one)}", accessory=_remove(one, "Remove"))
        for one in found[: blocks.MESSAGE_BLOCKS - 2]
    ]
    left = len(found) - len(body)
    more = [blocks.context(f"… and {left} more; `subscriptions` lists them all.")] if left else []
    listed = "; ".join(f"{one.id}: {words(one)}" for one in found)
    return Message(f"{text} {listed}.", (blocks.section(f"*{text}*"), *body, *more))


# ------------------------------------------------------------------ trying it


def trial(one: Subscription, card: Message | None, note: str, handles: Mapping[str, str] = NO_HANDLES) -> Message:
    """What the asker hears of a test; the channel gets a copy of its own: the card, marked as a test."""
    mark = f"🔔 Test: this is how <#{one.channel_id}> hears of {words(one, handles)}."
    if card is None:
        card, mark = Message(""), f"{mark} {note}"
    shown = Message(f"{mark} {card.text}".rstrip(), (blocks.section(mark), *card.blocks))
    return Message(f"I posted a test card in <#{one.channel_id}>. {note}".rstrip(), copies=((one.channel_id, shown),))


# ------------------------------------------------------------------ stopped


def paused(one: Subscription, bot_name: str) -> Message:
    """What its maker is told, once, when a channel stops taking messages, and how it goes on."""
    why, invite = _why_paused(one), f"`/invite @{inline(bot_name, 40)}`"
    when_back = "it is back from the archive and I am in it" if one.paused == "is_archived" else "I am in it again"
    again = f"As soon as {when_back} ({invite}), I go on by myself"
    text = f"I stopped announcing {words(one)} in <#{one.channel_id}>: {why}. {again}, and say what came meanwhile."
    return Message(text, (blocks.section(text),))


def _why_paused(one: Subscription) -> str:
    return _PAUSED.get(one.paused or "", f"Slack says `{inline(one.paused or 'no', 60)}`")
