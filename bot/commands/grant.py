"""`grant` and `revoke`: roles for people and user groups, for every app or one, and which channels an app is for."""

from __future__ import annotations

import re
from contextlib import suppress

from bot.domain import choice
from bot.domain.model import App, Role
from bot.errors import AppliveryProblem, BadInput, SlackProblem
from bot.slack.blocks import Message
from bot.slack.command import Call, command
from bot.slack.wording import inline

# Slack writes mentions so in a command whose text it escapes.
# https://docs.slack.dev/interactivity/implementing-slash-commands#escaping_users_warning
_PERSON = re.compile(r"<@([UW][A-Za-z0-9_]+)(?:\|[^>]*)?>")
_GROUP = re.compile(r"<!subteam\^(S[A-Za-z0-9_]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#([CG][A-Za-z0-9_]+)(?:\|[^>]*)?>")


@command(need=Role.ADMIN)
async def grant(call: Call, who: str, role: str | None = None, *, app: str | None = None) -> Message:
    """Give a role to a person or a user group, or open an app to a channel.

    /applivery grant @bruno releaser
    /applivery grant @qa-team manager app:courier
    /applivery grant #releases app:courier
    /applivery grant #leads manager
    The first channel granted to an app closes it everywhere else. In a manager channel, download summaries name people.
    """
    of = await call.house.catalogue.app(app) if app else None
    call.require(of)
    if (channel := _CHANNEL.fullmatch(who)) and role:
        return await _managers(call, channel[1], role, of)
    if channel:
        await call.house.store.allow_in(_one_app(of).id, channel[1], call.asker.user_id)
        await call.write_down("grant", f"channel {channel[1]}", app_id=_one_app(of).id)
        name = inline(_one_app(of).name, 80)
        return Message(f"Done: {name} can be used in <#{channel[1]}>, and only in the channels on its list.")
    given = _role(role)
    grantee = _grantee(who)
    await call.house.store.grant(call.asker.team_id, grantee, given, of.id if of else None, call.asker.user_id)
    await call.write_down("grant", f"{given.name.lower()} to {grantee}", app_id=of.id if of else None)
    return Message(f"Done: {_mention(grantee)} is now *{given.name.lower()}*{_where(of)}.")


@command(need=Role.ADMIN)
async def revoke(call: Call, who: str, *, app: str | None = None) -> Message:
    """Take a role back, or take a channel off an app's list.

    /applivery revoke @bruno
    /applivery revoke @qa-team app:courier
    /applivery revoke #releases app:courier
    /applivery revoke #leads
    """
    of = await call.house.catalogue.app(app) if app else None
    call.require(of)
    if (channel := _CHANNEL.fullmatch(who)) and of is None:
        return await _no_managers(call, channel[1])
    if channel:
        done = await call.house.store.disallow_in(_one_app(of).id, channel[1])
        await call.write_down("revoke", f"channel {channel[1]}", app_id=_one_app(of).id)
        left = (await call.house.store.allowed_channels()).get(_one_app(of).id)
        rest = (
            "it can still be used in " + ", ".join(f"<#{one}>" for one in sorted(left))
            if left
            else "it is open everywhere"
        )
        was = "is off" if done else "was not on"
        return Message(f"<#{channel[1]}> {was} the list of {inline(_one_app(of).name, 80)}; {rest}.")
    grantee = _grantee(who)
    role = await call.house.store.revoke(call.asker.team_id, grantee, of.id if of else None)
    kept = "" if of else await _kept(call, grantee)
    if role is None and kept:
        raise BadInput(f"They have no role for every app. {kept}", "Name the app to take it back: `app:…`.")
    if role is None:
        raise BadInput(f"Nothing was granted to them{_where(of)}.", "See who was given what with `audit`.")
    await call.write_down("revoke", f"{role.name.lower()} from {grantee}", app_id=of.id if of else None)
    said = f"Done: {_mention(grantee)} is no longer *{role.name.lower()}*{_where(of)}."
    return Message(f"{said} {inline(kept, 500)}".rstrip())


async def _managers(call: Call, channel_id: str, role: str, app: App | None) -> Message:
    if _role(role) is not Role.MANAGER or app:
        raise BadInput("A channel can be a `manager` channel, for every app.", "For example `grant #leads manager`.")
    with suppress(SlackProblem):
        if (await call.house.places.channel(channel_id)).shared:
            why = "That channel is shared with another organisation, and people are not named to others."
            raise BadInput(why, "Choose one of your own.")
    await call.house.store.name_people_in(channel_id, call.asker.user_id)
    await call.write_down("grant", f"manager channel {channel_id}")
    return Message(f"Done: download summaries in <#{channel_id}> name people; everybody there can read them.")


async def _no_managers(call: Call, channel_id: str) -> Message:
    done = await call.house.store.name_nobody_in(channel_id)
    await call.write_down("revoke", f"manager channel {channel_id}")
    was = "is no longer" if done else "was not"
    return Message(f"<#{channel_id}> {was} a manager channel: download summaries there have counts only.")


async def _kept(call: Call, grantee: str) -> str:
    """The roles somebody has for single apps, as a sentence; they outlive the role for every app."""
    given = [one for one in await call.house.store.grants(call.asker.team_id) if one.grantee == grantee and one.app_id]
    names: dict[str, str] = {}
    with suppress(AppliveryProblem):  # a role is taken back while Applivery is away too
        names = {one.id: one.name for one in await call.house.catalogue.apps()} if given else {}
    roles = [f"{one.role.name.lower()} for {names.get(one.app_id or '', 'another app')}" for one in given]
    return f"They are still {', '.join(roles)}." if roles else ""


def _one_app(app: App | None) -> App:
    if app is None:
        raise BadInput("For which app?", "Add it, for example `app:courier`.")
    return app


def _grantee(who: str) -> str:
    found = _PERSON.fullmatch(who) or _GROUP.fullmatch(who)
    if not found:
        raise BadInput(
            f"I cannot tell who “{who[:60]}” is.", "Type @ and pick the person or user group from Slack's list."
        )
    return found[1]


def _mention(grantee: str) -> str:
    return f"<!subteam^{grantee}>" if grantee.startswith("S") else f"<@{grantee}>"


def _role(word: str | None) -> Role:
    names = [role.name.lower() for role in Role]
    if word and word.casefold() in names:
        return Role[word.upper()]
    near = choice.closest(word or "", names) if word else ()
    hint = f"Did you mean `{near[0]}`?" if near else "There are " + ", ".join(f"`{name}`" for name in names) + "."
    raise BadInput(f"There is no role “{word[:40]}”." if word else "Which role?", hint)


def _where(app: App | None) -> str:
    return f" for {inline(app.name, 80)}" if app else ""
