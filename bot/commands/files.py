"""`files`: list the attachments of a build, each with a personal link."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button, command
from bot.dispatch.targets import BuildReference, Filters
from bot.domain.model import Build, FileKind, Role
from bot.exceptions import UserInputError
from bot.i18n import Text
from bot.slack.blocks import Message
from bot.slack.blocks.paging import parse_page_value
from bot.slack.button_values import BuildValue
from bot.slack.views import links as cards


@command(need=Role.MEMBER)
async def files(call: CommandContext, target: BuildReference | None = None, *, filters: Filters) -> Message:
    """List a build's attachments.

    /applivery files courier
    /applivery files courier 2.4.0
    """
    build = (await (target or BuildReference(None)).resolve(call, filters)).build
    return await _listed(call, await call.details(build))


@button("files.v1", need=Role.MEMBER, about_build=True)
async def pressed(call: CommandContext, value: str) -> Message:
    """The *Attachments* button of a build."""
    wanted = BuildValue.parse(value)
    return await _listed(call, await call.build(wanted.app_id, wanted.build_id))


@button(cards.MORE_FILES, need=Role.MEMBER, replaces_message=True)
async def turned(call: CommandContext, value: str) -> Message:
    """*More* and *Previous* below the list, which is replaced by the other page."""
    page, build = parse_page_value(value)
    wanted = BuildValue.parse(build)
    return await _listed(call, await call.build(wanted.app_id, wanted.build_id), page)


async def _listed(call: CommandContext, build: Build, page: int = 0) -> Message:
    return cards.attachments(build, await call.services.recalls.of(build.id), page)


@button("file.v1", need=Role.MEMBER, once=True, for_link=True)
async def open_attachment(call: CommandContext, value: str) -> Message:
    """Return a link to an attachment; Applivery requires `type=auto` for its token."""
    wanted = BuildValue.parse(value)
    build = await call.build(wanted.app_id, wanted.build_id)
    attachment = next((it for it in build.attachments if it.id == wanted.detail), None)
    if attachment is None:
        raise UserInputError(
            Text("That file is no longer attached to this build."),
            commands=((Text("See files"), f"files {build.app.id} {build.id}"),),
        )
    link = await call.services.links.issue(
        call.asker,
        build,
        FileKind.AUTO,
        entrypoint=call.entrypoint,
        file_id=attachment.id,
        reserved=call.reserved_link,
    )
    return cards.attachment_link(build, attachment, link, call.asker, call.now)
