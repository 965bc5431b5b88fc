"""`subscriptions` and `unsubscribe`: list a channel's subscriptions; test, change and end them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from bot.commands import digests, imports, subscribe
from bot.dispatch.context import CommandContext
from bot.dispatch.modal_submission import attribute_to_field
from bot.dispatch.registry import MenuItem, button, command, form
from bot.dispatch.targets import Rest
from bot.domain import access, grammar, lookup, spelling, subscription_changes
from bot.domain.conversations import Conversation
from bot.domain.grammar import ParsedText
from bot.domain.model import EVENT_OF, Actor, App, Build, BuildEvent, CardEntry, Delivery, Role, SharedAs, Subscription
from bot.domain.states import PauseReason
from bot.domain.subscription_preview import rehearse
from bot.exceptions import ChannelUnverified, NotFoundByName, Outdated, SlackError, UserInputError
from bot.i18n import Counted, Text, _, gettext_noop, use_locale
from bot.slack.blocks import Message, Modal
from bot.slack.button_values import SubscriptionsPageValue, SubscriptionValue
from bot.slack.errors import OUT_OF_SIGHT
from bot.slack.views import access_recheck, channel_card, subscription_form
from bot.slack.views import subscriptions as cards
from bot.slack.views.subscription_names import EVERY_APP, app_of

CHANGE = gettext_noop("change subscriptions")
OTHER_CHANNELS = gettext_noop("change other channels' subscriptions")
TEST = gettext_noop("test subscriptions")


@command(need=Role.MEMBER, menu=MenuItem(6, gettext_noop("Subscriptions")))
async def subscriptions(call: CommandContext, which: str | None = None) -> Message:
    """List this channel's subscriptions, or all of them (admins).

    /applivery subscriptions
    /applivery subscriptions all
    /applivery subscriptions import
    Admins can import the channels of Applivery's own Slack integration.
    """
    if which is not None and spelling.bare(which) == "import":
        return await imports.preview(call)
    if which is not None and spelling.bare(which) != "all":
        raise UserInputError(
            Counted("Unknown word “{words}”.", "Unknown words “{words}”.", 1, words=which[:40]),
            near=["subscriptions", "subscriptions all", "subscriptions import"],
            replaces=None,
        )
    return await _listed(call, everywhere=which is not None)


@button("subscriptions.v1", need=Role.MEMBER, replaces_message=True)
async def turned(call: CommandContext, value: str) -> Message:
    """*Next* and *Previous* below the list, which is replaced by the other page."""
    wanted = SubscriptionsPageValue.parse(value)
    if wanted.page is None:
        raise Outdated(commands=digests.SEE_ALL)
    return await _listed(call, everywhere=wanted.everywhere, page=wanted.page)


async def _listed(call: CommandContext, *, everywhere: bool, page: int = 0) -> Message:
    if everywhere:
        access.require(call.asker.role, Role.ADMIN, act=gettext_noop("list all subscriptions"))
    # outside of channels: no channel has the id "nowhere", so the list is empty
    channel_id = None if everywhere else call.asker.channel_id or "nowhere"
    known = call.asker.app_roles.keys() if call.asker.outsider else None
    stored = await call.services.subscriptions.page(channel_id, page, cards.PAGE, app_ids=known)
    found = await as_they_stand(call, stored.found)
    handles = await subscribe.handles(call, [subscription for subscription, _ in found])
    listed = cards.subscriptions(
        found,
        handles,
        now=call.now,
        page=stored.number,
        pages=stored.pages,
        everywhere=everywhere,
        channel_id=call.asker.channel_id or "",
    )
    return listed if everywhere or page else await digests.listed(call, listed)


async def as_they_stand(
    call: CommandContext, found: Iterable[tuple[Subscription, datetime | None]]
) -> list[tuple[Subscription, datetime | None]]:
    """Return those whose app the user may know of; one without permission is shown as paused already."""
    lists = await call.services.channels.app_lists()
    asker = call.asker
    known = [
        (subscription, last)
        for subscription, last in found
        if not asker.outsider or subscription.app_id in asker.app_roles
    ]
    return [
        (replace(subscription, paused=subscription.paused or _withdrawn(asker, subscription, lists)), last)
        for subscription, last in known
    ]


def _withdrawn(asker: Actor, subscription: Subscription, lists: Mapping[str, Collection[str]]) -> PauseReason | None:
    channels = lists.get(subscription.app_id or "", ())
    if channels and subscription.channel_id not in channels:
        return PauseReason.CHANNEL
    role = asker.role_for(subscription.app_id) if subscription.app_id else asker.role
    return PauseReason.ROLE if asker.is_(subscription.created_by) and role < Role.RELEASER else None


async def meant(call: CommandContext, value: str) -> Subscription:
    """Return the subscription of a button or form, if the user may change it.

    In its channel, users with the role for its app may; from anywhere, admins and its owner, if still in that channel.
    Raises PermissionDenied, or UserInputError if it has ended.
    """
    wanted = SubscriptionValue.parse(value)
    channel_id = wanted.channel_id or call.asker.channel_id or ""
    if wanted.number is None or not channel_id:
        raise UserInputError(Text("There's no subscription with that number."), commands=digests.SEE_ALL)
    subscriptions = [
        candidate
        for candidate in await call.services.subscriptions.of_channel(channel_id)
        if candidate.id == wanted.number
    ]
    if channel_id != call.asker.channel_id and not subscriptions:
        access.require(call.asker.role, Role.ADMIN, act=OTHER_CHANNELS)
    for subscription in subscriptions:
        await _require_reach(call, subscription)
        return subscription
    raise _ended()


async def _require_reach(call: CommandContext, subscription: Subscription) -> None:
    """Raise PermissionDenied if the user may not change this subscription from this channel."""
    elsewhere = subscription.channel_id != call.asker.channel_id and call.asker.role < Role.ADMIN
    if elsewhere and not await _made_there(call, subscription):
        access.require(call.asker.role, Role.ADMIN, act=OTHER_CHANNELS)
    call.require_role(
        App(subscription.app_id, subscription.app_id, subscription.app_name) if subscription.app_id else None
    )


async def _usable(call: CommandContext, value: str) -> tuple[Subscription, CommandContext]:
    """Return the subscription as `meant` does, and the context moved to its channel, if its app may be used there."""
    subscription = await meant(call, value)
    return subscription, await _there(call, subscription)


async def _there(call: CommandContext, subscription: Subscription) -> CommandContext:
    """Return the context moved to the subscription's channel. Raises PermissionDenied if its app cannot be used."""
    asker = replace(call.asker, channel_id=subscription.channel_id)
    there = replace(call, asker=asker, conversation=Conversation.ELSEWHERE)
    if subscription.app_id is not None:
        await there.authorize_app(App(subscription.app_id, subscription.app_id, subscription.app_name))
    return there


def _ended() -> UserInputError:
    return UserInputError(Text("That subscription has already ended."), commands=digests.SEE_ALL)


async def _made_there(call: CommandContext, subscription: Subscription) -> bool:
    """Return whether the user created it and is still in its channel; True if the bot cannot see the channel."""
    me = call.asker.user_id
    if not call.asker.is_(subscription.created_by):
        return False
    try:
        place = subscription.channel_id
        return place.startswith("D") or await call.services.channels.is_member(place, me)
    except SlackError as error:
        if error.code in OUT_OF_SIGHT:
            return True
        raise ChannelUnverified from error


# ------------------------------------------------------------------ ending


@command(need=Role.RELEASER, act=gettext_noop("unsubscribe channels"))
async def unsubscribe(call: CommandContext, which: Rest | None = None) -> Message:
    """Stop announcing an app in this channel.

    /applivery unsubscribe courier
    /applivery unsubscribe 3
    """
    if which and (ended := await digests.ended(call, spelling.bare(which))):
        return ended
    subscriptions = await call.services.subscriptions.of_channel(call.asker.channel_id)
    if which is None:
        return (
            await _end(call, cards.value(subscriptions[0]))
            if len(subscriptions) == 1
            else cards.which_to_end(subscriptions, call.asker.channel_id or "")
        )
    fitting = meant_by(which, subscriptions)
    if not fitting and which != "*" and not spelling.bare(which).lstrip("#").isdecimal():
        app = await call.app(which)
        fitting = [subscription for subscription in subscriptions if subscription.app_id == app.id]
    if not fitting:
        raise NotFoundByName(
            Text("subscription in this channel"),
            which,
            every=[(app_of(subscription), f"#{subscription.id}") for subscription in subscriptions],
            otherwise=Text("This channel has no subscriptions."),
        )
    return await _end(call, cards.value(fitting[0]))


def meant_by(typed: str, subscriptions: Sequence[Subscription]) -> list[Subscription]:
    """Return the subscriptions with this number, or this name or id of their app; `*` is every app."""
    for way in spelling.WAYS:
        wanted = way(typed.removeprefix("#"))
        if fitting := [
            subscription for subscription in subscriptions if wanted in {way(name) for name in _names(subscription)}
        ]:
            return fitting
    return []


def _names(subscription: Subscription) -> tuple[str, ...]:
    every = () if subscription.app_id else ("*", EVERY_APP)
    return (str(subscription.id), app_of(subscription), subscription.app_id or "", *every)


@button("unsubscribe.v1", need=Role.RELEASER)
async def ended(call: CommandContext, value: str) -> Message:
    """*Unsubscribe* in a subscription's menu, and *Undo* below a new one."""
    return await _end(call, value)


async def _end(call: CommandContext, value: str) -> Message:
    subscription = await meant(call, value)
    removed = await call.services.subscriptions.end(call.asker, call.entrypoint, subscription)
    if removed is None:
        raise _ended()
    return cards.unsubscribed(*removed, call.asker.user_id)


@button("undo.subscription.v1", need=Role.RELEASER, replaces_message=True, act=CHANGE)
async def undo(call: CommandContext, value: str) -> Message:
    """*Undo* below a change or an end: restores the former subscription, unless it was changed again since."""
    change = await call.services.subscriptions.change(value)
    if change is None:
        raise UserInputError(Text("This change is too old to undo."), commands=digests.SEE_ALL)
    await _require_reach(call, change.before)
    there = await _there(call, change.before)
    channel_id = await subscribe.speakable(call, change.before.channel_id, fixed=True)
    builds = await subscribe.newest(there, await _app_of(call, change.before))
    restored = await call.services.subscriptions.undo(call.asker, call.entrypoint, change, builds)
    if restored is None:
        raise UserInputError(
            Text("{app} was changed again later, so this can't be undone.", app=app_of(change.before)),
            commands=digests.SEE_ALL,
        )
    await call.services.subscriptions.resume(channel_id)
    return cards.undone(restored, await subscribe.handles(call, [restored]))


@button("resume.v1", need=Role.RELEASER, act=CHANGE)
async def resumed(call: CommandContext, value: str) -> Message:
    """*Resume* and *Take over* below the notice of a pause: saves it as the user's, if they may do so now."""
    subscription, _ = await _usable(call, value)
    channel_id = await subscribe.speakable(call, subscription.channel_id, fixed=True)
    words = ParsedText((), subscription_changes.options(subscription))
    seen = subscription_changes.version(subscription)
    return await subscribe.save(call, channel_id, await _app_of(call, subscription), words, seen=seen)


@button("sharefull.v1", need=Role.RELEASER, act=CHANGE)
async def shared_in_full(call: CommandContext, value: str) -> Message:
    """*Keep announcing* below the notice that a channel is now shared with another organisation."""
    return await _decided(call, value, SharedAs.FULL)


@button("sharebare.v1", need=Role.RELEASER, act=CHANGE)
async def shared_without_details(call: CommandContext, value: str) -> Message:
    """*Announce without changelogs* below the same notice."""
    return await _decided(call, value, SharedAs.BARE)


async def _decided(call: CommandContext, value: str, shared: SharedAs) -> Message:
    subscription = await meant(call, value)
    await call.services.subscriptions.decide_sharing(call.asker, call.entrypoint, subscription, shared)
    return access_recheck.decided(subscription, shared)


# ------------------------------------------------------------------ changing


@button("edit.v1", need=Role.RELEASER, act=CHANGE)
async def edit(call: CommandContext, value: str) -> Modal:
    """*Edit*: the form with the saved values."""
    if value.startswith("new/"):  # in earlier versions the button contained the words of a refused form
        raise Outdated
    subscription, _ = await _usable(call, value)
    saved = subscription_form.typed(subscription, await subscribe.handles(call, [subscription]), call.asker.tz)
    about = f"{cards.value(subscription)} {subscription_changes.version(subscription)}"
    return subscription_form.edit(subscription, saved, call.asker.tz, about)


@form("edit.v1", need=Role.RELEASER, act=CHANGE)
async def changed(call: CommandContext, typed: dict[str, str]) -> Message:
    """Save the form in place of the subscription for which it was opened."""
    about, _separator, seen = typed.get("memory", "").partition(" ")
    subscription, _ = await _usable(call, about)
    channel_id = await subscribe.speakable(call, subscription.channel_id, fixed=True)
    wishes = subscribe.read(call, typed)
    with attribute_to_field("subscribe.filters"):
        return await subscribe.save(call, channel_id, await _app_of(call, subscription), wishes, seen=seen)


@button("replace.v1", need=Role.RELEASER, replaces_message=True, act=CHANGE)
async def replaced(call: CommandContext, value: str) -> Message:
    """*Replace* below the question whether another person's subscription is to be replaced."""
    about, seen, words = [*value.split(" ", 2), "", ""][:3]
    subscription, _ = await _usable(call, about)
    channel_id = await subscribe.speakable(call, subscription.channel_id, fixed=True)
    return await subscribe.save(call, channel_id, await _app_of(call, subscription), grammar.parse(words), seen=seen)


@button("keep.v1", need=Role.MEMBER, replaces_message=True)
async def kept(call: CommandContext, value: str) -> Message:
    """*Keep* below that question."""
    return cards.kept(await meant(call, value))


async def _app_of(call: CommandContext, subscription: Subscription) -> App | None:
    if subscription.app_id is None:
        return None
    for app in await call.services.apps.apps():
        if app.id == subscription.app_id:
            return app
    raise UserInputError(
        Text("“{app}” was deleted in Applivery.", app=subscription.app_name),
        Text("Run `unsubscribe` to remove the subscription."),
    )


# ------------------------------------------------------------------ testing


@button("test.v1", need=Role.RELEASER, act=TEST)
async def test(call: CommandContext, value: str) -> Message:
    """*Test*: a preview of the card of the newest matching build, for the user alone."""
    subscription, there = await _usable(call, value)
    channel_id = await subscribe.speakable(call, subscription.channel_id, fixed=True)
    handles = await subscribe.handles(call, [subscription])
    card, note = await _card(call, subscription, there)
    named = (await call.services.channels.look_up(channel_id)).name
    return cards.trial(subscription, card, named, handles, note)


@button("posttest.v1", need=Role.RELEASER, once=True, replaces_message=True, act=TEST)
async def posted(call: CommandContext, value: str) -> Message:
    """*Post to #releases* below that preview: posts the card with working buttons and without a mention."""
    subscription, there = await _usable(call, value)
    await subscribe.speakable(call, subscription.channel_id, fixed=True)
    handles = await subscribe.handles(call, [subscription])
    with use_locale(call.services.language):
        card, _ = await _card(call, subscription, there)
        shown = cards.posted_test(subscription, card, handles)
    return cards.tested(subscription, shown)


async def _card(call: CommandContext, subscription: Subscription, there: CommandContext) -> tuple[Message, str]:
    """Return the card of the newest matching build with a note if none matches, or a sentence if there is no card."""
    app = await _app_of(call, subscription)
    recalled = await call.services.recalls.all()
    builds = [each for each in await _to_show(there, subscription, app) if each.id not in recalled]
    tried = rehearse(subscription.events, subscription.query, builds, most=len(builds))
    if tried is None or not tried.looked:
        return Message(_(cards.NO_BUILDS if tried is None else cards.NO_BUILD_YET)), ""
    build = next(iter(tried.would or tried.fitting or tried.looked))
    shown = (
        [build]
        if not subscription.manner.grouped
        else [each for each in tried.would or [build] if _together(each, build)]
    )
    announcement = await _announcement(call, subscription, shown)
    card = channel_card.card(announcement, call.services.dashboard, call.now)
    return card, "" if tried.would else _(cards.OTHER_BUILD)


async def _to_show(call: CommandContext, subscription: Subscription, app: App | None) -> list[Build]:
    """Return the newest builds, plus the newest one that matches the filters if none of those does."""
    builds = await subscribe.newest(call, app)
    words = grammar.parse(subscription.query)
    if any(lookup.fits(build, words) for build in builds):
        return builds
    return [*builds, *await subscribe.newest(call, app, words, most=1)]


def _together(build: Build, other: Build) -> bool:
    return (build.app.id, build.version) == (other.app.id, other.version)


async def _announcement(call: CommandContext, subscription: Subscription, builds: list[Build]) -> Delivery:
    """Return the announcement that the channel would have got for these builds (newest first)."""
    recalls = await call.services.recalls.all()
    newest = await call.details(builds[0])
    shown = [CardEntry(each, recall=recalls.get(each.id)) for each in [newest, *builds[1:]]]
    return Delivery(
        id=0,
        channel_id=subscription.channel_id,
        event=EVENT_OF.get(newest.stage, BuildEvent.UPLOADED),
        build=newest,
        key="",
        manner=replace(subscription.manner, mention=""),
        shown=tuple(reversed(shown)),
    )
