"""`upload`: upload a build from a message or a form to Applivery; notifications by mail need a confirmation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Sequence

from msgspec.structs import replace
from slack_sdk.models.blocks import Option

from bot.commands import get
from bot.dispatch.context import CommandContext
from bot.dispatch.modal_submission import attribute_to_field
from bot.dispatch.registry import command, form, options, shortcut
from bot.domain import build_files, uploads
from bot.domain.model import App, Role
from bot.domain.uploads import UploadMetadata
from bot.exceptions import UserInputError
from bot.i18n import Text, _, gettext_noop, ngettext
from bot.services.slack_uploads import UploadRequest
from bot.slack import blocks
from bot.slack.blocks import Block, Message, Modal, Reply, inputs
from bot.slack.mrkdwn import escape_inline, size, truncate
from bot.slack.source_message import SourceFile
from bot.slack.views import uploads as cards

COLLABORATORS, EMPLOYEES = "collaborators", "employees"
COUNT_SECONDS = 1.5  # the second form has to open within three seconds after the first was submitted
WHOLE = "changelog.whole"  # the preset value with the whole changelog, of which the form shows the beginning
LANGUAGES = (
    (gettext_noop("English"), "en"),
    (gettext_noop("Spanish"), "es"),
    (gettext_noop("French"), "fr"),
    (gettext_noop("German"), "ge"),
    (gettext_noop("Italian"), "it"),
    (gettext_noop("Chinese"), "zh"),
    (gettext_noop("Portuguese"), "pt"),
    (gettext_noop("Russian"), "ru"),
)


@command(need=Role.RELEASER, act=gettext_noop("upload builds"))
async def upload(call: CommandContext, app: App | None = None) -> Modal:
    """Upload a build to Applivery.

    /applivery upload
    /applivery upload courier
    """
    await call.services.installation.require_scope("files:read")
    kinds = " ".join(f".{extension}" for extension in build_files.EXTENSIONS)
    hint = _("{kinds}, up to 4 GB", kinds=kinds)
    return _form((inputs.file_input(_("Build"), "upload.file", hint=hint),), app=app)


@shortcut(
    "upload_build",
    need=Role.RELEASER,
    title="Upload to Applivery",
    description="Upload the posted build to Applivery",
    command="upload",
    takes_files=lambda names: any(map(build_files.extension, names)),
)
async def from_message(call: CommandContext, value: str | None) -> Modal:
    """*Upload to Applivery* on a message with a build file; its text is the default changelog."""
    await call.services.installation.require_scope("files:read")
    files = call.source_message.files
    if not files:
        raise UserInputError(Text("That message has no file."), commands=((Text("Upload a build"), "upload"),))
    good = [
        file for file in files if not file.name or build_files.extension(file.name)
    ]  # files without a name are looked up on submission
    if not good:
        build_files.check(files[0].name, 1)
    if len(good) == 1:
        build_files.check_size(good[0].name, 1 if good[0].size is None else good[0].size)
        return _form((blocks.section(_named(good[0])),), file_id=good[0].id, changelog=call.source_message.text)
    which = [blocks.option(f"{file.name} ({size(file.size)})", file.id) for file in good]
    return _form(
        (inputs.static_select_input(_("Build"), "upload.file", which, optional=False),),
        changelog=call.source_message.text,
    )


def _named(file: SourceFile) -> str:
    name = file.name or _("File in this message")
    return f"*{escape_inline(name, 120)}* ({size(file.size)})"


def _form(file: tuple[Block, ...], *, app: App | None = None, file_id: str = "", changelog: str = "") -> Modal:
    chosen = blocks.option(app.name, app.id) if app else None
    mails = [
        blocks.option(_("Collaborators"), COLLABORATORS),
        blocks.option(_("Employees with store access"), EMPLOYEES),
    ]
    twice = _("Tick to send email. You'll confirm first.")
    given = {WHOLE: changelog} if len(changelog) > inputs.LONGEST else {}
    return Modal(
        "upload.v1",
        _("Upload a build"),
        (
            *file,
            blocks.external_select(_("App"), "upload.app", hint=_("Type to find an app"), chosen=chosen),
            inputs.text_input(
                _("Version name"),
                "upload.version",
                max_length=100,
                hint=_("Leave empty to use the version in the file"),
            ),
            inputs.text_input(_("Tags"), "upload.tags", max_length=500, hint=_("Separate with commas")),
            inputs.textarea(_("What's new"), "upload.changelog", value=changelog, hint=_hint(changelog)),
            inputs.checkbox_input(_("Email"), "upload.mail", mails, hint=twice),
        ),
        submit=_("Upload"),
        private_metadata=file_id,
        preset_values=given,
    )


def _hint(changelog: str) -> str:
    """Return the hint for a changelog that is too long for an input."""
    if len(changelog) <= inputs.LONGEST:
        return ""
    return _("Only the start is shown. Leave it unchanged to upload the whole text.")


def _whole(typed: dict[str, str], name: str) -> str | None:
    """Return the changelog of a form: the typed text, or the whole original if its beginning is unchanged."""
    shown, whole = typed.get(name), typed.get(WHOLE, "")
    return whole if whole and (shown or "").split() == truncate(whole, inputs.LONGEST).split() else shown


@options("upload.app", need=Role.RELEASER)
async def apps(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the apps that the user may upload to, and whose name matches the text typed so far."""
    return await get.apps(call, typed, chosen)


@form("upload.v1", need=Role.RELEASER)
async def submitted(call: CommandContext, typed: dict[str, str]) -> Reply:
    """Start the upload of the form, or ask for confirmation if people will be notified by mail."""
    with attribute_to_field("upload.app"):
        app = await call.app(typed.get("upload.app", ""))
    file_id = typed.get("upload.file") or typed.get("memory") or ""
    mail = typed.get("upload.mail", "").split(",")
    details = UploadMetadata(
        version_name=typed.get("upload.version"),
        tags=uploads.tags([typed.get("upload.tags", "")]),
        changelog=_whole(typed, "upload.changelog"),
        notify_collaborators=COLLABORATORS in mail,
        notify_employees=EMPLOYEES in mail,
    )
    with attribute_to_field("upload.file"):
        if details.mails:
            return await _sure(call, app, file_id, details)
        return await _begin(call, app, file_id, details)


# ------------------------------------------------------------------ mail


async def _sure(call: CommandContext, app: App, file_id: str, details: UploadMetadata) -> Modal:
    """Return the confirmation form: how many people get mail, by Applivery's lists, and its text."""
    recipients = call.services.uploads.recipient_counter(app)
    asked = [
        (details.notify_collaborators, _collaborators, recipients.collaborators),
        (details.notify_employees, _employees, recipients.employees),
    ]
    counts = await asyncio.gather(*(_in_time(ask()) for ticked, _, ask in asked if ticked))
    groups = [
        words(number) for words, number in zip((words for ticked, words, _ in asked if ticked), counts, strict=True)
    ]
    return _question(app, file_id, details, groups, None if None in counts else sum(number or 0 for number in counts))


def _question(app: App, file_id: str, details: UploadMetadata, groups: Sequence[str], total: int | None) -> Modal:
    memory = {
        "file": file_id,
        "app": app.id,
        "version": details.version_name,
        "tags": details.tags,
        COLLABORATORS: details.notify_collaborators,
        EMPLOYEES: details.notify_employees,
    }
    changelog = details.changelog or ""
    return Modal(
        "upload.sure.v1",
        _("Email people?") if total is None else ngettext("Email {number} person?", "Email {number} people?", total),
        (
            blocks.section(_mailed(app, groups, total)),
            inputs.textarea(_("Message in the email"), "sure.message"),
            inputs.static_select_input(
                _("Email language"),
                "sure.language",
                [blocks.option(_(name), short) for name, short in LANGUAGES],
            ),
            inputs.textarea(_("What's new"), "sure.changelog", value=changelog, hint=_hint(changelog)),
            blocks.context(_("Nothing is uploaded yet. To upload without email, cancel and untick the boxes.")),
        ),
        submit=_("Upload and email"),
        private_metadata=json.dumps(memory, ensure_ascii=False),
        preset_values={WHOLE: changelog} if len(changelog) > inputs.LONGEST else {},
    )


async def _in_time(counted: Awaitable[int | None]) -> int | None:
    try:
        async with asyncio.timeout(COUNT_SECONDS):
            return await counted
    except TimeoutError:
        return None


def _mailed(app: App, groups: Sequence[str], total: int | None) -> str:
    name = escape_inline(app.name, 80)
    people = _("{some} and {others}", some=groups[0], others=groups[1]) if len(groups) == 2 else groups[0]
    if total is None:
        return _(
            "When {app} is ready, Applivery will email {people}.\nThe exact number isn't available right now.",
            app=name,
            people=people,
        )
    return _(
        "When {app} is ready, Applivery will email *{total}*: {people}.",
        total=ngettext("{number} person", "{number} people", total),
        people=people,
        app=name,
    )


def _collaborators(number: int | None) -> str:
    if number is None:
        return _("every collaborator")
    return ngettext("{number} collaborator", "{number} collaborators", number)


def _employees(number: int | None) -> str:
    if number is None:
        return _("every employee with store access")
    return ngettext("{number} employee with store access", "{number} employees with store access", number)


@form("upload.sure.v1", need=Role.RELEASER)
async def confirmed(call: CommandContext, typed: dict[str, str]) -> Reply:
    """Start the upload with mail."""
    memory = json.loads(typed.get("memory") or "{}")
    app = await call.app(str(memory.get("app")))
    details = UploadMetadata(
        version_name=memory.get("version"),
        tags=tuple(memory.get("tags") or ()),
        changelog=_whole(typed, "sure.changelog"),
        notify_collaborators=bool(memory.get(COLLABORATORS)),
        notify_employees=bool(memory.get(EMPLOYEES)),
        notify_message=typed.get("sure.message"),
        notify_language=typed.get("sure.language"),
    )
    return await _begin(call, app, str(memory.get("file")), details)


# ------------------------------------------------------------------ starting


async def _begin(call: CommandContext, app: App, file_id: str, details: UploadMetadata) -> Message:
    file = await call.services.uploads.get_file(file_id)
    build_files.check(file.name, file.size)
    name = await call.services.access.display_name(call.asker.user_id)
    details = replace(details, deployer=uploads.by_person(name))
    load = UploadRequest(
        call.asker, app, file, details, entrypoint=call.entrypoint, reopen_value=await call.reopen_value()
    )
    if not await call.services.uploads.start(load):
        return Message(_("That file is already uploading to this app. Progress is in your DMs."))
    return cards.begun(file.name, file.size, app)
