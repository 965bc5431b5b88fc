"""`attach`: attach a file from Slack to a processed build."""

from __future__ import annotations

from functools import partial

from slack_sdk.models.blocks import Option

from bot.commands import get
from bot.dispatch.context import CommandContext
from bot.dispatch.modal_submission import attribute_to_field
from bot.dispatch.registry import command, form, options, shortcut
from bot.dispatch.targets import BuildReference
from bot.domain import build_files, lookup
from bot.domain.builds import can_be_had
from bot.domain.model import App, Build, Role, Stage
from bot.exceptions import BuildNotProcessed, UserInputError
from bot.i18n import Text, _, gettext_noop
from bot.services.slack_uploads import UploadRequest
from bot.slack import blocks
from bot.slack.blocks import Block, Message, Modal, inputs
from bot.slack.button_values import BuildValue, FileValue
from bot.slack.mrkdwn import escape_inline, size
from bot.slack.views import uploads as cards


@command(need=Role.RELEASER, act=gettext_noop("attach files"))
async def attach(call: CommandContext, target: BuildReference | None = None) -> Modal:
    """Attach a file to a build.

    /applivery attach
    /applivery attach courier 2.4.0
    """
    await call.services.installation.require_scope("files:read")
    file = (inputs.file_input(_("File"), "attach.file"),)
    if target is None:
        return _form(file)
    return _form(file, build=(await target.resolve(call)).build)


@shortcut(
    "attach_file",
    need=Role.RELEASER,
    title="Attach to a build",
    description="Attach the posted file to a build in Applivery",
    command="attach",
    takes_files=lambda names: not any(map(build_files.extension, names)),
)
async def from_message(call: CommandContext, value: str | None) -> Modal:
    """*Attach to a build* on a message: takes its file, or its build if it is one of our cards."""
    await call.services.installation.require_scope("files:read")
    about = BuildValue.parse(value or "")
    build = await call.build(about.app_id, about.build_id) if about.is_complete else None
    files = call.source_message.files
    if not files and build is None:
        raise UserInputError(Text("That message has no file."), commands=((Text("Attach a file"), "attach"),))
    if not files:
        return _form((inputs.file_input(_("File"), "attach.file"),), build=build)
    if len(files) == 1:
        shown = blocks.section(f"*{escape_inline(files[0].name, 120)}* ({size(files[0].size)})")
        return _form((shown,), build=build, file_id=files[0].id)
    which = [blocks.option(f"{file.name} ({size(file.size)})", file.id) for file in files]
    return _form((inputs.static_select_input(_("File"), "attach.file", which, optional=False),), build=build)


def _form(file: tuple[Block, ...], *, build: Build | None = None, file_id: str = "") -> Modal:
    app = blocks.option(build.app.name, build.app.id) if build else None
    chosen = blocks.option(lookup.label(build), build.id) if build else None
    return Modal(
        "attach.v1",
        _("Attach to a build"),
        (
            *file,
            blocks.external_select(_("App"), "attach.app", hint=_("Type to find an app"), chosen=app),
            blocks.external_select(_("Build"), "attach.build", hint=_("Choose a ready build"), chosen=chosen),
        ),
        submit=_("Attach"),
        private_metadata=str(FileValue(file_id, build.app.id if build else "")),
    )


@options("attach.app", need=Role.RELEASER)
async def apps(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the apps to whose builds the user may attach files."""
    return await get.apps(call, typed, chosen)


@options("attach.build", need=Role.RELEASER)
async def builds(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the processed builds of the chosen app, newest first."""
    wanted = chosen.get("attach.app") or FileValue.parse(chosen.get("memory", "")).app_id
    app: App | None = next((candidate for candidate in await call.apps() if candidate.id == wanted), None)
    if app is None:
        return []
    recalled = await call.services.recalls.all()
    return await get.offered(call, app, typed, partial(can_be_had, recalled=recalled))


@form("attach.v1", need=Role.RELEASER)
async def submitted(call: CommandContext, typed: dict[str, str]) -> Message:
    """Start the upload of the attachment."""
    with attribute_to_field("attach.app"):
        app = await call.app(typed.get("attach.app", ""))
    with attribute_to_field("attach.build"):
        build = await call.build(app.id, typed.get("attach.build", ""))
        if build.stage is not Stage.READY:
            raise BuildNotProcessed(
                Text("That build isn't ready yet."),
                Text("Attach the file when the build is ready."),
            )
    with attribute_to_field("attach.file"):
        file = await call.services.uploads.get_file(
            typed.get("attach.file") or FileValue.parse(typed.get("memory", "")).file_id
        )
        build_files.check_size(file.name, file.size)
    load = UploadRequest(
        call.asker, build.app, file, build=build, entrypoint=call.entrypoint, reopen_value=await call.reopen_value()
    )
    if not await call.services.uploads.start(load):
        return Message(_("That file is already being attached. Progress is in your DMs."))
    return cards.begun(file.name, file.size, build.app, build)
