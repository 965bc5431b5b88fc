"""`recall` and `unrecall`: withdraw a build for all users, and undo it."""

from __future__ import annotations

import asyncio

from slack_sdk.models.blocks import Option

from bot.commands import get
from bot.dispatch.context import CommandContext
from bot.dispatch.modal_submission import attribute_to_field
from bot.dispatch.registry import button, command, form, options
from bot.dispatch.targets import BuildReference, Filters, Rest
from bot.domain import build_labels, lookup
from bot.domain.build_labels import BuildLabel
from bot.domain.lookup import AmbiguousInput
from bot.domain.model import App, Build, Recall, Role
from bot.domain.text_limits import within
from bot.exceptions import NotFound, Outdated, UserInputError
from bot.i18n import Counted, Text, gettext_noop
from bot.i18n.verbatim import verbatim
from bot.slack.blocks import Message, Reply
from bot.slack.button_values import BuildValue
from bot.slack.views import recalls as cards

AT_ONCE = 8  # concurrent requests to Applivery


UNDO = gettext_noop("undo recalls")


@command(need=Role.RELEASER, act=gettext_noop("recall builds"))
async def recall(
    call: CommandContext, target: BuildReference | None = None, reason: Rest | None = None, *, filters: Filters
) -> Reply:
    """Recall a build: block new downloads and label its Slack messages as recalled.

    /applivery recall courier 2.4.0 "crash on login"
    /applivery recall courier #173
    """
    if target is None:
        return cards.ask_which()
    typed = str(reason or "")
    if not typed and " " in (target.which or "") and not build_labels.read(target.which or ""):
        # versions contain no blanks, so this is the reason, and the build has to be confirmed
        target, typed = BuildReference(target.app), target.which or ""
    build = (await target.resolve(call, filters)).build
    if not typed or target.which is None:
        return await _ask(call, build, typed)
    return await _recall(call, build, typed)


@button("recall.v1", need=Role.RELEASER, about_build=True)
async def pressed(call: CommandContext, value: str) -> Reply:
    """*Recall…* below a build: the form for the reason."""
    return await _ask(call, await _named(call, value))


@form("recall.v1", need=Role.RELEASER)
async def submitted(call: CommandContext, typed: dict[str, str]) -> Message:
    """Recall the build of the form, or the one for which it was opened."""
    value = typed.get("memory") or str(BuildValue(typed.get("recall.app", ""), typed.get("recall.build", "")))
    with attribute_to_field("recall.build"):
        build = await _named(call, value)
    with attribute_to_field("recall.reason"):
        return await _recall(call, build, typed.get("recall.reason", ""))


@options("recall.app", need=Role.RELEASER)
async def apps(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the apps whose builds the user may recall."""
    return await get.apps(call, typed, chosen)


@options("recall.build", need=Role.RELEASER)
async def builds(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the builds of the chosen app that can be recalled."""
    return await get.builds(call, typed, {"get.app": chosen.get("recall.app", "")})


async def _ask(call: CommandContext, build: Build, reason: str = "") -> Reply:
    before = await call.services.recalls.of(build.id)
    if before:
        return cards.recalled_before(build, before)
    return cards.ask(build, await call.services.recalls.reach(build), _fitting(reason) if reason else "")


async def _recall(call: CommandContext, build: Build, typed: str) -> Message:
    reason = _fitting(typed)
    standing, reach = await call.services.recalls.recall(call.asker, call.entrypoint, build, reason)
    if reach is None:
        return cards.recalled_before(build, standing)
    return cards.recalled(build, standing, reach, pages=call.services.links.can_install)


def _fitting(typed: str) -> str:
    """Return the reason in one line.

    Raises UserInputError if there is none, TextTooLong if a card could not show all of it.
    """
    reason = " ".join(typed.split())
    if not reason:
        raise UserInputError(
            Text("A recall needs a reason."), Text('Add one: `recall courier 2.4.0 "crash on login"`.')
        )
    return within(Text("The reason"), reason, cards.REASON)


# ------------------------------------------------------------------ undo


@command(need=Role.RELEASER, act=UNDO)
async def unrecall(call: CommandContext, target: BuildReference | None = None, *, filters: Filters) -> Message:
    """Undo a recall.

    /applivery unrecall courier 2.4.0
    /applivery unrecall courier
    """
    if target is None or target.which is None:
        return await _undo(call, await _only_one(call, target.app if target else None))
    recalls = await call.services.recalls.all()
    return await _undo(call, (await target.resolve(call, filters, prefer=lambda build: build.id in recalls)).build)


@button("unrecall.v1", need=Role.RELEASER, once=True, about_build=True, act=UNDO)
async def free(call: CommandContext, value: str) -> Message:
    """*Undo recall* below a recalled build."""
    return await _undo(call, await _named(call, value))


async def _undo(call: CommandContext, build: Build) -> Message:
    released = await call.services.recalls.release(call.asker, call.entrypoint, build)
    if released is None:
        return cards.not_recalled(build)
    return cards.unrecalled(build, *released)


async def _only_one(call: CommandContext, app: App | None) -> Build:
    """Return the only recalled build (of the app). Raises AmbiguousInput to let the user choose."""
    apps = {each_app.id: each_app for each_app in ([app] if app else await call.apps())}
    recalls = sorted(
        (recall for recall in (await call.services.recalls.all()).values() if recall.app_id in apps),
        key=lambda recall: recall.at,
        reverse=True,
    )
    if not recalls:
        none = (
            Text("No builds of {app} are currently recalled.", app=verbatim(app.name))
            if app
            else Text("No builds are currently recalled.")
        )
        raise UserInputError(none, commands=lookup.see_builds(app) if app else ())
    if len(recalls) == 1:
        return await call.build(recalls[0].app_id, recalls[0].build_id)
    semaphore = asyncio.Semaphore(AT_ONCE)
    there = [build for build in await asyncio.gather(*(_there(call, recall, semaphore) for recall in recalls)) if build]
    offered = [(BuildLabel(build, with_app=True), f"{build.app.id} {build.id}") for build in there]
    raise AmbiguousInput(Counted("{number} build is recalled.", "{number} builds are recalled.", len(recalls)), offered)


async def _there(call: CommandContext, recall: Recall, semaphore: asyncio.Semaphore) -> Build | None:
    try:
        async with semaphore:
            return await call.build(recall.app_id, recall.build_id)
    except NotFound:
        return None


async def _named(call: CommandContext, value: str) -> Build:
    wanted = BuildValue.parse(value)
    if not wanted.is_complete:
        raise Outdated(commands=((Text("See builds"), "builds"),))
    return await call.build(wanted.app_id, wanted.build_id)
