"""Cards about subscriptions: what was saved, what a channel hears of, and what stopped; pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import filters
from bot.domain.model import Subscription
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.wording import inline, when

SHOWN_SUBSCRIPTIONS = 45


def subscribed(subscription: Subscription, replaced: bool) -> Message:
    """What was saved, said back in words."""
    words = _subscription_words(subscription)
    changed = "Changed: this channel now hears of" if replaced else "Done: this channel hears of"
    text = f"{changed} {words}. History stays quiet; the next build is the first."
    remove = blocks.button(
        "Unsubscribe", "unsubscribe.v1", str(subscription.id), confirm="This channel hears no more of it."
    )
    return Message(text, (blocks.section(text), blocks.actions(remove)))


def _subscription_words(one: Subscription) -> str:
    return inline(filters.explain(one.app_name if one.app_id else None, one.events, one.query), 500)


def subscriptions(found: Sequence[Subscription]) -> Message:
    """What a channel is subscribed to: who asked for it, and when."""
    if not found:
        return Message("This channel is subscribed to nothing yet. Try `subscribe` with the name of an app.")
    body: list[Block] = []
    for one in found[:SHOWN_SUBSCRIPTIONS]:
        paused = f"\n⏸ paused: {inline(one.paused)}" if one.paused else ""
        line = f"*{one.id}* · {_subscription_words(one)}\n_by <@{one.created_by}> {when(one.created_at)}_{paused}"
        remove = blocks.button(
            "Remove",
            "unsubscribe.v1",
            str(one.id),
            says=f"Remove subscription {one.id}",
            confirm="This channel hears no more of it.",
        )
        body.append(blocks.section(line, accessory=remove))
    if len(found) > SHOWN_SUBSCRIPTIONS:
        body.append(blocks.context(f"… and {len(found) - SHOWN_SUBSCRIPTIONS} more that do not fit here."))
    text = "; ".join(f"{one.id}: {_subscription_words(one)}" for one in found)
    return Message(f"Subscriptions of this channel: {text}.", tuple(body))


def paused(one: Subscription, bot_name: str) -> Message:
    """What its maker is told, once, when a channel stops taking messages."""
    why = {
        "is_archived": "the channel is archived",
        "not_in_channel": "I am no longer in the channel",
        "channel_not_found": "I can no longer see the channel",
    }.get(one.paused or "", f"Slack says `{inline(one.paused or 'no', 60)}`")
    text = (
        f"I stopped announcing {_subscription_words(one)} in <#{one.channel_id}>: {why}. "
        f"Invite me again with `/invite @{inline(bot_name, 40)}` there, then subscribe again."
    )
    return Message(text, (blocks.section(text),))
