"""*It didn't install*: questions to the user in private that lead from a link to the cause."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.domain import devices as own_devices
from bot.domain import install_failures, install_rules
from bot.domain.devices import KnownDevice
from bot.domain.install_failures import Found
from bot.domain.model import Build, Role
from bot.domain.model.failures import FailureAnswers, FailureCause
from bot.exceptions import Outdated, PermissionDenied
from bot.i18n import Text, use_locale
from bot.slack.blocks import Message
from bot.slack.button_values import BuildValue
from bot.slack.failure_value import FailureValue
from bot.slack.views import install_failures as cards


@button("failed.v1", need=Role.MEMBER)
async def begin(call: CommandContext, value: str) -> Message:
    """*It didn't install* on a link: the cause, if it is known already, otherwise the first question."""
    wanted = BuildValue.parse(value)
    return await _step(call, FailureValue(wanted.app_id, wanted.build_id, wanted.detail))


@button("failed.step.v1", need=Role.MEMBER, replaces_message=True)
async def answered(call: CommandContext, value: str) -> Message:
    """An answer: the next question, or the cause and what to do."""
    return await _step(call, FailureValue.parse(value))


async def _step(call: CommandContext, value: FailureValue) -> Message:
    build = await _build(call, value)
    known = await _devices(call, build)
    step = install_failures.next_step(build, known, value.answers, call.now)
    if not isinstance(step, Found):
        return cards.asked(build, value, step)
    await call.services.failures.record(call.asker.user_id, build, step.rule.cause)
    return cards.found(
        build,
        value,
        step,
        installs=call.services.links.can_install,
        uploader=await _uploader(call, build),
        device=known.get(own_devices.platform_of(build) or ""),
    )


async def _build(call: CommandContext, value: FailureValue) -> Build:
    """Return the build of a button, if the user may get it."""
    if not value.is_complete:
        raise Outdated(commands=((Text("Get a build"), "get"),))
    return await call.build(value.app_id, value.build_id)


async def _devices(call: CommandContext, build: Build) -> own_devices.Devices:
    call.services.devices.begin(call.asker.user_id, build)
    return await call.services.devices.devices(call.asker.user_id, build)


async def _uploader(call: CommandContext, build: Build) -> str | None:
    """Return the uploader, unless that is the user, or may no longer see the app."""
    uploader = await call.services.failures.uploader_id(build)
    if uploader is None or call.asker.is_(uploader):
        return None
    try:
        await call.authorize_app(build.app, await call.services.access.resolve_actor(uploader, None))
    except PermissionDenied:
        return None
    return uploader


# ------------------------------------------------------------------ notifying the uploader


@button("failed.tell.v1", need=Role.MEMBER, replaces_message=True)
async def ask_to_tell(call: CommandContext, value: str) -> Message:
    """*Tell the uploader*: shows what would be sent."""
    wanted = FailureValue.parse(value)
    build = await _build(call, wanted)
    uploader, device = await _uploader(call, build), await _device(call, build)
    if uploader is None:
        return cards.kept()
    language = await call.services.access.language(uploader)
    return cards.preview(build, wanted, call.asker.user_id, uploader, device, language=language)


@button("failed.send.v1", need=Role.MEMBER, once=True, replaces_message=True)
async def tell(call: CommandContext, value: str) -> Message:
    """*Send*: a direct message to the uploader alone."""
    wanted = FailureValue.parse(value)
    build = await _build(call, wanted)
    uploader = await _uploader(call, build)
    rule = install_rules.rule_of(build, wanted.answers.cause or FailureCause.OTHER)
    if uploader is None or rule is None:
        return cards.kept()
    device = await _device(call, build) if wanted.names_device else None
    await call.services.failures.record_report(call.asker, call.entrypoint, uploader, build)
    with use_locale(await call.services.access.language(uploader)):
        report = cards.for_uploader(build, rule, call.asker.user_id, device)
    done = cards.told(uploader)
    return Message(done.text, done.blocks, copies=((uploader, report),))


async def _device(call: CommandContext, build: Build) -> KnownDevice | None:
    return (await _devices(call, build)).get(own_devices.platform_of(build) or "")


@button("failed.keep.v1", need=Role.MEMBER, replaces_message=True)
async def keep(call: CommandContext, value: str) -> Message:
    """*Cancel*: back to the cause."""
    wanted = FailureValue.parse(value)
    answers = FailureAnswers(cause=wanted.answers.cause)
    return await _step(call, FailureValue(wanted.app_id, wanted.build_id, wanted.kind, answers))
