"""Messages about subscriptions: what was saved or changed, the list of a channel, a test, and pauses; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import ButtonElement

from bot.domain import mutes, subscription_changes
from bot.domain.timeparse import schedule
from bot.i18n import _, gettext_noop
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.button_values import SubscriptionsPageValue, SubscriptionValue
from bot.slack.mrkdwn import code, date_tag, escape_inline
from bot.slack.views.subscription_names import (
    app_name,
    app_of,
    channel_name,
    kinds,
    listed,
    typed_filters,
    why_paused,
)
from bot.slack.views.subscription_preview import matches_none, preview

if TYPE_CHECKING:
    from bot.domain.model import Subscription
    from bot.domain.subscription_changes import OptionChange
    from bot.domain.subscription_preview import SubscriptionPreview

PAGE = 10  # subscriptions
# While Slack does not send the handles of user groups
NO_HANDLES: Mapping[str, str] = {}
RESUMED = gettext_noop("Held announcements will be posted now.")


def value(subscription: Subscription) -> str:
    """Return the value of a subscription's buttons, which also work in other channels."""
    return str(SubscriptionValue.of(subscription))


# ------------------------------------------------------------------ saved


def subscribed(
    subscription: Subscription,
    tried: SubscriptionPreview | None = None,
    handles: Mapping[str, str] = NO_HANDLES,
    *,
    resumed: bool = False,
    here: bool = True,
) -> Message:
    """Return the confirmation of a new subscription, and which of the newest builds match it."""
    head = _("*Subscribed {channel} to {app}* ({kinds}).", **_names(subscription))
    undo = blocks.button(
        _("Undo"),
        "unsubscribe.v1",
        value(subscription),
        accessibility_label=_("Undo: unsubscribe from {app}", app=app_of(subscription)),
    )
    lines = [_sentences(head, _next(subscription, tried, here=here), _(RESUMED) if resumed else "")]
    return _result(subscription, [*lines, typed_filters(subscription, handles)], tried, undo)


def updated(
    subscription: Subscription,
    before: Subscription,
    undo: str,
    tried: SubscriptionPreview | None = None,
    handles: Mapping[str, str] = NO_HANDLES,
    *,
    resumed: bool = False,
) -> Message:
    """Return what was changed, whose it was, and a button that restores it by the key `undo`.

    If nothing was changed, the subscription was paused and is resumed.
    """
    names, changed = _names(subscription), _changes(before, subscription, handles)
    taken = before.created_by != subscription.created_by
    if len(changed) == 1:
        head = _("*Updated {app} in {channel}*", **names)
        first = f"{head}: " + _("was {before}, now {after}.", before=changed[0][0], after=changed[0][1])
    elif changed:
        first = "\n".join((_("*Updated {app} in {channel}*", **names), *_bullets(changed)))
    elif taken:
        first = _("*{app} in {channel} is yours now* ({kinds}).", **names)
    else:
        first = _("*Resumed {app} in {channel}* ({kinds}).", **names)
    was = _("<@{person}> had set it up.", person=before.created_by) if taken else ""
    says = _("Undo the change to {app}", app=app_of(subscription))
    back = blocks.button(_("Undo"), "undo.subscription.v1", undo, accessibility_label=says)
    last = back if changed or taken else _unsubscribe(subscription)
    return _result(subscription, [first, _sentences(was, _(RESUMED) if resumed else "")], tried, last)


def unchanged(
    subscription: Subscription,
    tried: SubscriptionPreview | None = None,
    handles: Mapping[str, str] = NO_HANDLES,
    *,
    resumed: bool = False,
) -> Message:
    """Return the reply if the channel already has the same subscription, and who created it."""
    head = _("*Already subscribed to {app} in {channel}* ({kinds}).", **_names(subscription))
    made = _("Set up by <@{person}>.", person=subscription.created_by)
    lines = [_sentences(head, made, _(RESUMED) if resumed else ""), typed_filters(subscription, handles)]
    return _result(subscription, lines, tried, _unsubscribe(subscription))


def replace_or_keep(
    before: Subscription, after: Subscription, replacing: str, handles: Mapping[str, str] = NO_HANDLES
) -> Message:
    """Return the question before another person's subscription is replaced; `replacing` is the button's value."""
    head = _(
        "*Replace <@{person}>'s subscription to {app} in {channel}?*",
        person=before.created_by,
        app=app_name(before),
        channel=channel_name(before.channel_id),
    )
    text = "\n".join((head, *_bullets(_changes(before, after, handles))))
    buttons = blocks.actions(
        blocks.button(
            _("Replace"),
            "replace.v1",
            replacing,
            style="primary",
            accessibility_label=_("Replace the subscription to {app}", app=app_of(before)),
        ),
        blocks.button(
            _("Keep"),
            "keep.v1",
            value(before),
            accessibility_label=_("Keep the subscription to {app}", app=app_of(before)),
        ),
    )
    return Message(text, (blocks.section(text), buttons))


def kept(subscription: Subscription) -> Message:
    """Return the reply to *Keep*."""
    return Message(
        _(
            "*Nothing changed.* <@{person}>'s subscription to {app} stays.",
            person=subscription.created_by,
            app=app_name(subscription),
        )
    )


def undone(subscription: Subscription, handles: Mapping[str, str] = NO_HANDLES) -> Message:
    """Return the confirmation of what was restored, and whose it is."""
    head = _("*Undone: {channel} is subscribed to {app} as before* ({kinds}).", **_names(subscription))
    made = _("Set up by <@{person}>.", person=subscription.created_by)
    return _result(subscription, [f"{head} {made}", typed_filters(subscription, handles)])


def unsubscribed(subscription: Subscription, undo: str, user_id: str) -> Message:
    """Return the confirmation of an end, with the owner if it is another user, and a button that restores it."""
    text = _("*Unsubscribed {channel} from {app}.*", **_names(subscription))
    if subscription.created_by != user_id:
        text += " " + _("<@{person}> had set it up.", person=subscription.created_by)
    says = _("Undo: subscribe to {app} again", app=app_of(subscription))
    back = blocks.button(_("Undo"), "undo.subscription.v1", undo, accessibility_label=says)
    return Message(text, (blocks.section(text), blocks.actions(back)))


def _names(subscription: Subscription) -> dict[str, str]:
    channel, app = channel_name(subscription.channel_id), app_name(subscription)
    return {"channel": channel, "app": app, "kinds": kinds(subscription.events)}


def _sentences(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _next(subscription: Subscription, tried: SubscriptionPreview | None, *, here: bool) -> str:
    """Return what happens next; empty for a subscription without build events."""
    if tried is None:
        return ""
    if subscription.manner.digest:
        when = schedule.explain(schedule.parse(subscription.manner.digest))
        return _("Builds will be posted together {schedule}.", schedule=when)
    if subscription.query:
        there = gettext_noop("The next matching build will be posted there.")
        return _("The next matching build will be posted here.") if here else _(there)
    return _("The next build will be posted here.") if here else _("The next build will be posted there.")


def _result(
    subscription: Subscription,
    lines: Sequence[str],
    tried: SubscriptionPreview | None = None,
    *last: ButtonElement,
) -> Message:
    """Return the saved subscription with its buttons, and the preview in small print."""
    text, would = "\n".join(line for line in lines if line), preview(subscription, tried)
    small = [blocks.context(would)] if would else []
    edit = _edit(subscription, _("Edit filters") if matches_none(tried) else _("Edit"))
    return Message(
        "\n".join(part for part in (text, would) if part),
        (blocks.section(text), *small, blocks.actions(_test(subscription), edit, *last)),
    )


# Texts for options that are not set.
_UNSET = {
    "os": gettext_noop("all platforms"),
    "branch": gettext_noop("all branches"),
    "tag": gettext_noop("all tags"),
    "version": gettext_noop("all versions"),
    "by": gettext_noop("all uploaders"),
    "format": gettext_noop("full cards"),
    "threads": gettext_noop("threads on"),
    "group": gettext_noop("one card per platform"),
    "mention": gettext_noop("no mention"),
    "label": gettext_noop("no label"),
    "digest": gettext_noop("no digest"),
    "quiet": gettext_noop("no quiet hours"),
}


def _bullets(changes: Sequence[tuple[str, str]]) -> list[str]:
    return [f"• {was} → {now}" for was, now in changes]


def _changes(before: Subscription, after: Subscription, handles: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the former and the new value of each option that differs."""
    found = [
        change
        for change in subscription_changes.changes(before, after)
        if change.key != "tz" or (change.before and change.after)  # otherwise the zone is shown with the times
    ]
    return [_pair(change, before, after, handles) for change in found]


def _pair(
    change: OptionChange, before: Subscription, after: Subscription, handles: Mapping[str, str]
) -> tuple[str, str]:
    if change.key == "on":
        return kinds(before.events), kinds(after.events)
    was, now = (_typed(change.key, typed, handles) for typed in (change.before, change.after))
    return was, now


def _typed(key: str, typed: str, handles: Mapping[str, str]) -> str:
    if not typed:
        return _(_UNSET[key])
    handle = handles.get(typed.removeprefix("mention:")) if key == "mention" else None
    return code(f"mention:@{handle}" if handle else typed, 1200)


# ------------------------------------------------------------------ the list


def subscriptions(
    shown: Sequence[tuple[Subscription, datetime | None]],
    handles: Mapping[str, str] = NO_HANDLES,
    *,
    now: datetime,
    page: int = 0,
    pages: int = 1,
    everywhere: bool = False,
    channel_id: str = "",
) -> Message:
    """Return a page of the subscriptions of a channel or of all channels: app, creator and state.

    `shown` are those on this page, each with the time of its last post, if any. `page` counts from 0.
    """
    if not shown:
        return _nothing(everywhere, channel_id)
    head = _("All subscriptions")
    if not everywhere:
        head = _("Subscriptions in {channel}", channel=channel_name(shown[0][0].channel_id))
    which = " " + _("(page {page} of {pages})", page=page + 1, pages=pages) if pages > 1 else ""
    body: list[Block] = [blocks.section(f"*{head}*{which}")]
    body += rows(shown, handles, now=now, everywhere=everywhere)
    if pages > 1:
        body.append(_turning(page, pages, everywhere))
    said = "; ".join(_entry(subscription, last, handles, now, everywhere) for subscription, last in shown)
    return Message(f"{head}{which}: {said}.", tuple(body))


def rows(
    found: Sequence[tuple[Subscription, datetime | None]],
    handles: Mapping[str, str],
    *,
    now: datetime,
    everywhere: bool = True,
) -> list[Block]:
    """Return a block for each subscription: its name, its state, and a menu of actions."""
    return [
        blocks.section(_entry(subscription, last, handles, now, everywhere), accessory=_menu(subscription, number))
        for number, (subscription, last) in enumerate(found)
    ]


def _nothing(everywhere: bool, channel_id: str = "") -> Message:
    if everywhere:
        return Message(_("*No channel is subscribed to an app yet.*"))
    text = _(
        "*No subscriptions in {channel} yet.* Subscribe to an app to post its new builds here.",
        channel=channel_name(channel_id),
    )
    begin = blocks.button(_("Subscribe to an app"), "run.v1", "subscribe", style="primary")
    return Message(text, (blocks.section(text), blocks.actions(begin)))


def _entry(
    subscription: Subscription, last: datetime | None, handles: Mapping[str, str], now: datetime, everywhere: bool
) -> str:
    parts = [channel_name(subscription.channel_id, everywhere=True)] if everywhere else []
    parts += [f"*{app_name(subscription)}*", kinds(subscription.events), typed_filters(subscription, handles)]
    parts += [f"#{subscription.id}", f"<@{subscription.created_by}>"]
    if subscription.paused:
        parts.append(_("⚠️ paused: {reason}", reason=why_paused(subscription)))
    elif until := mutes.mute_ends(subscription, now):
        parts.append(_("muted until {when}", when=date_tag(until)))
    elif last is None:
        parts.append(_("no posts yet"))
    return " · ".join(part for part in parts if part)


def _menu(subscription: Subscription, number: int) -> object:
    about = value(subscription)
    return blocks.menu(
        blocks.menu_item(_("Edit"), "edit.v1", about),
        blocks.menu_item(_("Test"), "test.v1", about),
        blocks.menu_item(_("Mute"), "mute.v1", about),
        blocks.menu_item(_("Unsubscribe"), "unsubscribe.v1", about),
        action=f"{blocks.MENU}#subscription{number}",
    )


def _test(subscription: Subscription) -> ButtonElement:
    says = _("Test the card of {app}", app=app_of(subscription))
    return blocks.button(_("Test"), "test.v1", value(subscription), accessibility_label=says)


def _edit(subscription: Subscription, label: str) -> ButtonElement:
    return blocks.button(label, "edit.v1", value(subscription), accessibility_label=f"{label}: {app_of(subscription)}")


def _unsubscribe(subscription: Subscription) -> ButtonElement:
    """Return the button that ends a subscription, which can be undone."""
    label = _("Unsubscribe")
    says = f"{label}: {app_of(subscription)}"
    return blocks.button(label, "unsubscribe.v1", value(subscription), accessibility_label=says)


def _end(subscription: Subscription, number: int) -> ButtonElement:
    """Return the button to end one of several subscriptions, with the app's name."""
    app = app_of(subscription)
    says = _("{app}: unsubscribe", app=app)
    return blocks.button(app, f"unsubscribe.v1#{number}", value(subscription), accessibility_label=says)


def _resume(subscription: Subscription) -> ButtonElement:
    label = _("Resume")
    says = f"{label}: {app_of(subscription)}"
    return blocks.button(label, "resume.v1", value(subscription), accessibility_label=says)


def _turning(page: int, pages: int, everywhere: bool) -> Block:
    before, after = (str(SubscriptionsPageValue(everywhere, number)) for number in (page - 1, page + 1))
    back = blocks.button(_("Previous"), "subscriptions.v1#previous", before, accessibility_label=_("Previous page"))
    on = blocks.button(_("Next"), "subscriptions.v1#next", after, accessibility_label=_("Next page"))
    return blocks.actions(*([back] if page else []), *([on] if page + 1 < pages else []))


def which_to_end(subscriptions: Sequence[Subscription], channel_id: str) -> Message:
    """Return the question which subscription to end, with a button for each."""
    if not subscriptions:
        return _nothing(everywhere=False, channel_id=channel_id)
    text = _("*Unsubscribe {channel} from:*", channel=channel_name(channel_id))
    which = [_end(subscription, number) for number, subscription in enumerate(subscriptions)]
    rows = [
        blocks.actions(*which[first : first + blocks.ACTIONS_ELEMENTS])
        for first in range(0, len(which), blocks.ACTIONS_ELEMENTS)
    ]
    return Message(f"{text} {listed([app_name(each) for each in subscriptions])}.", (blocks.section(text), *rows))


# ------------------------------------------------------------------ testing


NO_BUILDS = gettext_noop("This subscription doesn't announce builds, so there's no card to show.")
NO_BUILD_YET = gettext_noop("No builds yet, so there's no card to show.")
OTHER_BUILD = gettext_noop("No recent build matches. This is the newest one.")


def trial(subscription: Subscription, card: Message, channel: str, handles: Mapping[str, str], note: str) -> Message:
    """Return the preview of an announcement for the asker alone; `channel` is the name of the channel to post it in.

    `card` has no blocks if there is nothing to show.
    """
    head = _("*Preview of {app} in {channel}* ({kinds}). Only you can see it.", **_names(subscription))
    lines = "\n".join(line for line in (head, typed_filters(subscription, handles), note) if line)
    seen = _("Everyone in {channel} will see it.", channel=channel_name(subscription.channel_id))
    if subscription.manner.mention:
        seen += " " + _("A test doesn't mention anyone.")
    label = _("Post to #{channel}", channel=channel) if channel else _("Post here")
    post = blocks.button(label, "posttest.v1", value(subscription))
    below = (blocks.divider(), blocks.actions(post), blocks.context(seen))
    text = "\n".join(part for part in (lines, card.text) if part)
    return Message(text, (blocks.section(lines), *card.blocks, *below))


def tested(subscription: Subscription, card: Message) -> Message:
    """Return the reply to a test that is posted in the channel, with the card as a copy."""
    posted = _("*Test posted to {channel}.*", channel=channel_name(subscription.channel_id))
    return Message(posted, copies=((subscription.channel_id, card),))


def posted_test(subscription: Subscription, card: Message, handles: Mapping[str, str] = NO_HANDLES) -> Message:
    """Return the message of a test in the channel: the card, or why there is none, marked as a test."""
    head = _("*Test:* {app} posts {kinds} here.", **_names(subscription))
    mark = "\n".join(line for line in (head, typed_filters(subscription, handles)) if line)
    if not card.blocks:
        mark, card = f"{mark}\n{card.text}", Message("")
    return Message(f"{mark}\n{card.text}".rstrip(), (blocks.section(mark), *card.blocks))


# ------------------------------------------------------------------ stopped


def paused(subscription: Subscription, bot_name: str) -> Message:
    """Return the notice to the owner when a channel refuses messages, and how it resumes."""
    channel, app = channel_name(subscription.channel_id), app_name(subscription)
    head = _("⚠️ *{app} is paused in {channel}*: {why}.", app=app, channel=channel, why=why_paused(subscription))
    invite = f"`/invite @{escape_inline(bot_name, 40)}`"
    step = gettext_noop("Type {invite} there to resume. Builds from this time will be posted then.")
    if subscription.paused == "is_archived":
        step = gettext_noop("Unarchive it and type {invite} there to resume, or unsubscribe.")
    elif subscription.paused == "channel_not_found":
        step = gettext_noop(
            "Type {invite} there to resume. If the channel was converted or shared, subscribe there again."
        )
    elif subscription.paused == "team_access_not_granted":
        step = gettext_noop("Ask an org admin to add it again. Announcements will then resume automatically.")
    elif subscription.paused != "not_in_channel":
        step = gettext_noop("Allow the bot to post there. Announcements will then resume automatically.")
    text = f"{head}\n{_(step, invite=invite)}"
    button = _unsubscribe(subscription) if subscription.paused == "is_archived" else _resume(subscription)
    return Message(text, (blocks.section(text), blocks.actions(button)))
