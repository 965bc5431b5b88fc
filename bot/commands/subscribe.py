"""`subscribe`: announce an app's future builds in this channel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec.structs import replace
from slack_sdk.models.blocks import Option

from bot.commands import get
from bot.dispatch.context import CommandContext
from bot.dispatch.modal_submission import InvalidFields, attribute_to_field
from bot.dispatch.registry import MenuItem, button, command, form, options
from bot.dispatch.targets import AppName
from bot.domain import delivery_options, filters, grammar, lookup, mentions, subscription_changes
from bot.domain.audit import Entrypoint
from bot.domain.conversations import Conversation
from bot.domain.grammar import NO_WORDS, ParsedText
from bot.domain.lookup import AmbiguousInput
from bot.domain.model import App, Build, DeliveryOptions, Role, Subscription
from bot.domain.states import PauseReason
from bot.domain.subscription_preview import LOOKED_AT, rehearse
from bot.exceptions import (
    BotError,
    ChannelUnavailable,
    FeatureOff,
    PermissionDenied,
    SlackError,
    UserInputError,
)
from bot.i18n import Text, _, gettext_noop
from bot.slack import blocks
from bot.slack.blocks import Message, Modal, Reply
from bot.slack.views import subscription_form
from bot.slack.views import subscriptions as cards
from bot.slack.views.errors import CHOICES
from bot.slack.views.subscription_names import EVERY_APP

Wishes = Annotated[ParsedText, *filters.KEYS, *delivery_options.KEYS]
TRIED_APPS = 60  # apps that the preview of `*` reads from Applivery
RACES = 3  # attempts, if others change the same subscription at the same time


@command(
    need=Role.RELEASER,
    menu=MenuItem(5, gettext_noop("Subscribe this channel"), gettext_noop("Subscribe")),
    act=gettext_noop("subscribe channels"),
)
async def subscribe(call: CommandContext, app: AppName | None = None, *, wishes: Wishes) -> Reply:
    """Announce an app's builds in this channel.

    /applivery subscribe courier
    /applivery subscribe courier on:processed branch:release/* -tag:nightly
    /applivery subscribe courier format:compact threads:off group:version label:"Staging"
    /applivery subscribe courier mention:@mobile-qa quiet:22:00-08:00 tz:Europe/Madrid
    /applivery subscribe * on:failed digest:daily@09:00
    """
    channel_id = await speakable(call, call.asker.channel_id)
    await _manner(call, wishes)  # reports errors before the user has to choose an app
    if app is None and call.entrypoint is Entrypoint.BUTTON and len(await call.apps()) > 1:
        return await ask(call, wishes)
    return await save(call, channel_id, await _app(call, app), wishes)


async def _app(call: CommandContext, typed: str | None) -> App | None:
    """Return the app, or None for every app, which requires the role for all apps."""
    if typed == "*":
        call.require_role(None)
        return None
    if typed:
        return await call.app(typed)
    try:
        return await call.only_app(None)
    except AmbiguousInput as error:
        all_apps = [(Text("Every app"), "*")] if call.asker.role >= call.required_role else []
        more = [*all_apps, (Text("Use a form"), "")]  # a command without words opens the form
        few = len(error.choices) + len(more) <= CHOICES
        every_choice = [*error.choices, *more] if few else [*more, *error.choices]
        raise AmbiguousInput(error.sentence, every_choice, error.next_step) from None


async def speakable(call: CommandContext, channel_id: str | None, *, fixed: bool = False) -> str:
    """Return the channel if the bot can post in it. Otherwise raises ChannelUnavailable with what to do.

    `fixed` is whether only this channel will do, so that the user is not offered another one.
    """
    if not channel_id:
        raise UserInputError(
            Text("This command only works in a channel."),
            Text("Run it in the channel where builds should be announced."),
        )
    shared = PermissionDenied(
        Text("This channel is shared with another organisation, so builds can't be announced in it."),
        Text("Choose a channel that isn't shared."),
        reason=PauseReason.SHARED,
    )
    kind = call.conversation if channel_id == call.asker.channel_id else Conversation.ELSEWHERE
    try:
        await call.services.channels.require_postable(channel_id, kind, shared)
    except ChannelUnavailable as error:
        error.is_here = error.is_here and not fixed
        raise
    return channel_id


# ------------------------------------------------------------------ saving


async def save(
    call: CommandContext, channel_id: str, app: App | None, wishes: ParsedText, *, seen: str = "", races: int = RACES
) -> Message:
    """Preview the subscription on the newest builds and save it in place of the one for the same app.

    Another user's is replaced only if it is unchanged since this user has `seen` it; otherwise they are asked. A
    channel that refused messages before is resumed, and what was held for it is posted. Raises UserInputError for an
    invalid value.
    """
    events, query, manner = filters.events(wishes), filters.query(wishes), await _manner(call, wishes)
    builds = await newest(replace(call, asker=replace(call.asker, channel_id=channel_id)), app)
    tried = rehearse(events, query, builds)
    subscriptions = call.services.subscriptions
    before = await subscriptions.find(channel_id, app)
    if before:
        after = replace(before, events=events, query=query, manner=manner)
        known = await handles(call, [before, after])
        protected = subscription_changes.is_protected(before, call.asker, seen)
        own = call.asker.is_(before.created_by)
        if not subscription_changes.changes(before, after) and (protected or (own and not before.paused)):
            resumed = await subscriptions.resume(channel_id)
            return cards.unchanged(before, tried, known, resumed=resumed)
        if protected:
            words = ParsedText((), wishes.options)
            replacing = f"{cards.value(before)} {subscription_changes.version(before)} {grammar.explain(words)}"
            return cards.replace_or_keep(before, after, await call.services.drafts.store(replacing), known)
    saved = await subscriptions.save(
        call.asker,
        call.entrypoint,
        channel_id=channel_id,
        app=app,
        every_app=EVERY_APP,
        events=events,
        query=query,
        options=manner,
        baseline=builds,
        expected=before,
    )
    if saved is None:
        if not races:
            raise UserInputError(Text("Somebody else is changing this subscription."), Text("Try again in a moment."))
        return await save(call, channel_id, app, wishes, seen=seen, races=races - 1)
    known = await handles(call, [saved.subscription, *([before] if before else [])])
    if before:
        return cards.updated(saved.subscription, before, saved.undo, tried, known, resumed=saved.resumed)
    here = channel_id == call.asker.channel_id
    return cards.subscribed(saved.subscription, tried, known, resumed=saved.resumed, here=here)


async def _manner(call: CommandContext, wishes: ParsedText) -> DeliveryOptions:
    """Return the delivery options, with the id of the group to mention; also checks the events."""
    filters.events(wishes)
    manner = delivery_options.manner(wishes, call.asker.tz)
    if not manner.mention:
        return manner
    with attribute_to_field("subscribe.mention"):
        try:
            known = await call.services.channels.group_handles()
        except FeatureOff:
            raise
        except SlackError as error:
            raise SlackError(
                Text("I couldn't look up user groups in Slack."),
                Text("Try again, or leave out `mention:`."),
                code=error.code,
            ) from error
        return replace(manner, mention=mentions.group(manner.mention, known))


async def newest(
    call: CommandContext, app: App | None, words: ParsedText = NO_WORDS, *, most: int | None = None
) -> list[Build]:
    """Return the newest builds that pass the filters, of the app or of each app that the user may use."""
    if app:
        builds = call.services.apps.builds
        return await (builds(app, words, limit=most) if most else builds(app, words))
    return await call.services.builds.of_apps((await call.apps())[:TRIED_APPS], words, limit=most or LOOKED_AT)


async def handles(call: CommandContext, subscriptions: Iterable[Subscription]) -> dict[str, str]:
    """Return the handles of the user groups to mention, by id, as far as Slack sends them."""
    if not any(subscription.manner.mention for subscription in subscriptions):
        return {}
    try:
        return await call.services.channels.group_handles()
    except SlackError:
        return {}


# ------------------------------------------------------------------ the form


@button("subscribe.v1", need=Role.RELEASER)
async def pressed(call: CommandContext, value: str) -> Modal:
    """*Subscribe this channel*, in the message that a channel gets when the bot is invited."""
    return await ask(call, NO_WORDS)


async def ask(call: CommandContext, words: ParsedText) -> Modal:
    """Return the form, filled in with what is known already."""
    apps = await call.apps()
    return subscription_form.ask(
        words,
        call.asker.tz,
        blocks.option(apps[0].name, apps[0].id) if len(apps) == 1 else None,
        in_dm=call.is_in_dm,
    )


@form("subscribe.v1", need=Role.RELEASER)
async def submitted(call: CommandContext, typed: dict[str, str]) -> Message:
    """Save the subscription of the form; errors are shown next to their fields."""
    channel_id = await speakable(call, call.asker.channel_id)
    wishes = read(call, typed)
    with attribute_to_field("subscribe.app"):
        app = await _app(call, typed.get("subscribe.app", ""))
    with attribute_to_field("subscribe.filters"):
        return await save(call, channel_id, app, wishes)


def read(call: CommandContext, typed: dict[str, str]) -> ParsedText:
    """Return the form as typed words. Raises InvalidFields."""
    line = grammar.parse(typed.get("subscribe.filters", ""))
    parts = {"subscribe.filters": line, **subscription_form.lines(typed)}
    wrong: dict[str, BotError] = {}
    for name, words in parts.items():
        try:
            checked(words)
            filters.events(words)
            filters.query(words)
            delivery_options.manner(words, call.asker.tz)
        except UserInputError as problem:
            wrong[name] = problem
    if wrong:
        raise InvalidFields(wrong)
    return subscription_form.read(typed)


def checked(words: ParsedText) -> None:
    """Raise UserInputError if the line of filters contains anything else."""
    wrong = subscription_form.unknown(words)
    if wrong is None:
        return
    sentence = Text("“{word}” isn't a filter.", word=wrong[0][:40])
    if wrong[1]:
        raise UserInputError(sentence, near=[f"{wrong[1][0]}:"], replaces=wrong[0])
    raise UserInputError(sentence, Text("Write filters like `branch:release/*` or `os:ios`."))


@options("subscribe.app", need=Role.RELEASER)
async def apps(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the apps whose name matches the text typed so far, and `*` if the user may subscribe to all apps."""
    fits = lookup.has(f"* {EVERY_APP} {_('Every app')}", typed)
    every = [_every()] if call.asker.role >= call.required_role and fits else []
    return [*every, *await get.apps(call, typed, chosen)]


def _every() -> Option:
    return blocks.option(_("Every app"), "*")
