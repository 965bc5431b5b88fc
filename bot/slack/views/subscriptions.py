"""Messages about subscriptions: what was saved, its preview, the list of a channel, and pauses; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import ButtonElement

from bot.domain import delivery_options, filters, mutes
from bot.i18n import _, gettext_noop
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.button_values import SubscriptionsPageValue, SubscriptionValue
from bot.slack.mrkdwn import date_tag, escape, escape_inline, truncate
from bot.slack.views.subscription_names import PAUSED, app_of
from bot.slack.views.subscription_preview import dry_run

if TYPE_CHECKING:
    from bot.domain.model import Subscription
    from bot.domain.subscription_preview import SubscriptionPreview

PAGE = 10  # subscriptions; each takes two of a message's fifty blocks
# A handle that Slack does not give
NO_HANDLES: Mapping[str, str] = {}
ENDS = gettext_noop("The channel hears no more of it.")


def words(subscription: Subscription, handles: Mapping[str, str] = NO_HANDLES) -> str:
    """Return a subscription as one sentence; `handles` has what people call the user groups, by id."""
    text = truncate(
        escape(
            filters.explain(
                subscription.app_name if subscription.app_id else None,
                subscription.events,
                subscription.query,
                subscription.manner,
            )
        ),
        1200,
    )
    if not subscription.manner.mention:
        return text
    handle = handles.get(subscription.manner.mention)
    group = f"@{escape_inline(handle, 80)}" if handle else _("a user group")
    if delivery_options.explain(subscription.manner):
        return _("{subscription}, mentioning {group}", subscription=text, group=group)
    return _("{subscription}; mentioning {group}", subscription=text, group=group)


def value(subscription: Subscription) -> str:
    """Return the value of a subscription's buttons: they work in another channel too, for users who may."""
    return str(SubscriptionValue.of(subscription))


# ------------------------------------------------------------------ saved


def subscribed(
    subscription: Subscription,
    tried: SubscriptionPreview | None = None,
    handles: Mapping[str, str] = NO_HANDLES,
    *,
    replaced: bool = False,
    resumed: bool = False,
    here: bool = True,
) -> Message:
    """Return the confirmation of what was saved, and what it would have posted."""
    sentence = gettext_noop(
        "Done: {channel} hears of {subscription}. History stays quiet; the next build is the first."
    )
    if replaced:
        sentence = gettext_noop(
            "Changed: {channel} now hears of {subscription}. History stays quiet; the next build is the first."
        )
    channel = _("this channel") if here else f"<#{subscription.channel_id}>"
    text = _(sentence, channel=channel, subscription=words(subscription, handles))
    if resumed:
        text += " " + _("I could not speak there for a while; what was kept back comes now.")
    would = dry_run(subscription, tried)
    body = [blocks.section(text), *([blocks.section(f"🧪 {would}")] if would else [])]
    buttons = blocks.actions(_edit(subscription), _remove(subscription, _("Unsubscribe")))
    return Message(f"{text} {would}".rstrip(), (*body, buttons))


# ------------------------------------------------------------------ the list


def subscriptions(
    found: Sequence[tuple[Subscription, datetime | None]],
    handles: Mapping[str, str] = NO_HANDLES,
    *,
    now: datetime,
    page: int = 0,
    everywhere: bool = False,
) -> Message:
    """Return what a channel is subscribed to, or every channel: who asked for it, when, and when something came last.

    Each comes with the time of its last post. `page` counts from 0; one that is not there is the nearest.
    """
    if not found:
        return _nothing(everywhere)
    pages = (len(found) + PAGE - 1) // PAGE
    page = max(0, min(page, pages - 1))
    shown = found[page * PAGE : (page + 1) * PAGE]
    head = _("Subscriptions of every channel") if everywhere else _("Subscriptions of this channel")
    which = " " + _("(page {page} of {pages})", page=page + 1, pages=pages) if pages > 1 else ""
    body: list[Block] = [blocks.section(f"*{head}*{which}")]
    body += rows(shown, handles, now=now, everywhere=everywhere)
    if pages > 1:
        body.append(_turning(page, pages, everywhere))
    listed = "; ".join(
        f"{subscription.id}: {_where(subscription, everywhere)}{words(subscription, handles)}"
        for subscription, _ in shown
    )
    return Message(f"{head}{which}: {listed}.", tuple(body))


def rows(
    found: Sequence[tuple[Subscription, datetime | None]],
    handles: Mapping[str, str],
    *,
    now: datetime,
    everywhere: bool = True,
) -> list[Block]:
    """Two blocks for each: what it is and when something came last, and its buttons."""
    return [
        block
        for subscription, last in found
        for block in (blocks.section(_entry(subscription, last, handles, now, everywhere)), _buttons(subscription))
    ]


def _nothing(everywhere: bool) -> Message:
    if everywhere:
        return Message(_("No channel is subscribed to anything yet. Try `subscribe` in one, with the name of an app."))
    text = _("This channel is subscribed to nothing yet. Try `subscribe` with the name of an app.")
    return Message(text, (blocks.section(text), blocks.actions(blocks.button(_("Subscribe"), "run.v1", "subscribe"))))


def _entry(
    subscription: Subscription, last: datetime | None, handles: Mapping[str, str], now: datetime, everywhere: bool
) -> str:
    posted = _("last posted {when}", when=date_tag(last)) if last else _("nothing posted yet")
    by = _("by <@{person}> {when}", person=subscription.created_by, when=date_tag(subscription.created_at))
    lines = [
        f"*{subscription.id}* · {_where(subscription, everywhere)}{words(subscription, handles)}",
        f"_{by} · {posted}_",
    ]
    if until := mutes.mute_ends(subscription, now):
        lines.append(_("🔕 muted until {when}", when=date_tag(until)))
    if subscription.paused:
        lines.append(_("⏸ paused: {reason}", reason=_why_paused(subscription)))
    return "\n".join(lines)


def _where(subscription: Subscription, everywhere: bool) -> str:
    return f"<#{subscription.channel_id}> · " if everywhere else ""


def _buttons(subscription: Subscription) -> Block:
    name = _by_number(subscription)
    test, mute = _("Post a test card of {subscription}", subscription=name), _("Mute {app}", app=name)
    return blocks.actions(
        blocks.button(_("Test"), "test.v1", value(subscription), accessibility_label=test),
        _edit(subscription),
        blocks.button(_("Mute"), "mute.v1", value(subscription), accessibility_label=mute),
        _remove(subscription, _("Remove")),
    )


def _by_number(subscription: Subscription) -> str:
    return _("subscription {number}, {app}", number=subscription.id, app=app_of(subscription))


def _edit(subscription: Subscription) -> ButtonElement:
    says = _("Edit {subscription}", subscription=_by_number(subscription))
    return blocks.button(_("Edit"), "edit.v1", value(subscription), accessibility_label=says)


def _remove(subscription: Subscription, label: str) -> ButtonElement:
    return blocks.button(
        label,
        "unsubscribe.v1",
        value(subscription),
        accessibility_label=f"{label}: {_by_number(subscription)}",
        confirm=_(ENDS),
    )


def _turning(page: int, pages: int, everywhere: bool) -> Block:
    before, after = (str(SubscriptionsPageValue(everywhere, number)) for number in (page - 1, page + 1))
    back = blocks.button(_("Previous"), "subscriptions.v1#previous", before, accessibility_label=_("The page before"))
    on = blocks.button(_("Next"), "subscriptions.v1#next", after, accessibility_label=_("The page after"))
    return blocks.actions(*([back] if page else []), *([on] if page + 1 < pages else []))


def which_to_end(subscriptions: Sequence[Subscription]) -> Message:
    """Several could be meant: each with a button that ends it."""
    if not subscriptions:
        return _nothing(everywhere=False)
    text = _("Which one is to end?")
    body = [
        blocks.section(f"*{subscription.id}* · {words(subscription)}", accessory=_remove(subscription, _("Remove")))
        for subscription in subscriptions[: blocks.MESSAGE_BLOCKS - 2]
    ]
    left = len(subscriptions) - len(body)
    more = [blocks.context(_("… and {number} more; `subscriptions` lists them all.", number=left))] if left else []
    listed = "; ".join(f"{subscription.id}: {words(subscription)}" for subscription in subscriptions)
    return Message(f"{text} {listed}.", (blocks.section(f"*{text}*"), *body, *more))


# ------------------------------------------------------------------ trying it


NO_BUILDS = gettext_noop("It is about no builds, so there is no card to show.")
NO_BUILD_YET = gettext_noop("There is no build yet to show.")


def trial(subscription: Subscription, channel: Message, note: str = "") -> Message:
    """Return the answer to a test; the channel gets a copy of its own."""
    posted = _("I posted a test card in <#{channel}>.", channel=subscription.channel_id)
    return Message(f"{posted} {note}".rstrip(), copies=((subscription.channel_id, channel),))


def tried_out(subscription: Subscription, card: Message, handles: Mapping[str, str] = NO_HANDLES) -> Message:
    """Return what the channel gets of a test: the card, or the sentence why there is none, marked as a test."""
    mark = _(
        "🔔 Test: this is how <#{channel}> hears of {subscription}.",
        channel=subscription.channel_id,
        subscription=words(subscription, handles),
    )
    if not card.blocks:
        mark, card = f"{mark} {card.text}", Message("")
    return Message(f"{mark} {card.text}".rstrip(), (blocks.section(mark), *card.blocks))


# ------------------------------------------------------------------ stopped


def paused(subscription: Subscription, bot_name: str) -> Message:
    """Return the notice to the owner when a channel refuses messages, and how it resumes."""
    sentence = gettext_noop(
        "I stopped announcing {subscription} in <#{channel}>: {why}. "
        "As soon as I am in it again ({invite}), I go on by myself, and say what came meanwhile."
    )
    if subscription.paused == "is_archived":
        sentence = gettext_noop(
            "I stopped announcing {subscription} in <#{channel}>: {why}. As soon as it is back from the archive "
            "and I am in it ({invite}), I go on by myself, and say what came meanwhile."
        )
    text = _(
        sentence,
        subscription=words(subscription),
        channel=subscription.channel_id,
        why=_why_paused(subscription),
        invite=f"`/invite @{escape_inline(bot_name, 40)}`",
    )
    return Message(text, (blocks.section(text),))


def _why_paused(subscription: Subscription) -> str:
    if subscription.paused in PAUSED:
        return _(PAUSED[subscription.paused])
    return _("Slack says `{code}`", code=escape_inline(subscription.paused or "no", 60))
