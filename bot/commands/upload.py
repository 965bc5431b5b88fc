"""`upload`: a build from Slack to Applivery, out of a message or picked in a form; mail after a second question."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import replace

from slack_sdk.models.blocks import Option

from bot.commands import get
from bot.domain import formats, uploads
from bot.domain.model import App, Role
from bot.domain.uploads import Details
from bot.errors import BadInput
from bot.slack import blocks, inputs
from bot.slack.blocks import Block, Form, Message, Reply
from bot.slack.cards import uploads as cards
from bot.slack.carrier import Load
from bot.slack.command import Call, command, form, options, shortcut
from bot.slack.quoted import QuotedFile
from bot.slack.wording import inline, size

COLLABORATORS, EMPLOYEES = "collaborators", "employees"
COUNT_SECONDS = 1.5  # the second form has to be open within three of the first one's end
AGAIN_SECONDS = 30.0
LANGUAGES = (
    ("English", "en"),
    ("Spanish", "es"),
    ("French", "fr"),
    ("German", "ge"),
    ("Italian", "it"),
    ("Chinese", "zh"),
    ("Portuguese", "pt"),
    ("Russian", "ru"),
)


@command(need=Role.RELEASER)
async def upload(call: Call, app: App | None = None) -> Form:
    """Upload a build to Applivery; a form asks for the file.

    /applivery upload
    /applivery upload courier
    """
    kinds = " ".join(f".{one}" for one in formats.EXTENSIONS)
    return _form((inputs.file("Build", "upload.file", hint=f"{kinds}, up to 4 GB"),), app=app)


@shortcut("upload_build", need=Role.RELEASER)
async def from_message(call: Call, value: str | None) -> Form:
    """*Upload to Applivery* on a message with a build in it; its words are the changelog until somebody edits them."""
    files = call.quoted.files
    if not files:
        raise BadInput(
            "There is no file in that message.", f"Use the one with the file, or `{call.house.command} upload`."
        )
    good = [one for one in files if not one.name or formats.extension(one.name)]  # unnamed: looked up when it is sent
    if not good:
        formats.check(files[0].name, 1)
    if len(good) == 1:
        formats.check_size(good[0].name, 1 if good[0].size is None else good[0].size)
        return _form((blocks.section(_named(good[0])),), file_id=good[0].id, changelog=call.quoted.text)
    which = [blocks.option(f"{one.name} ({size(one.size)})", one.id) for one in good]
    return _form((inputs.choice("Build", "upload.file", which, optional=False),), changelog=call.quoted.text)


def _named(file: QuotedFile) -> str:
    return f"*{inline(file.name or 'The file of the message', 120)}* ({size(file.size)})"


def _form(file: tuple[Block, ...], *, app: App | None = None, file_id: str = "", changelog: str = "") -> Form:
    chosen = blocks.option(app.name, app.id) if app else None
    mails = [blocks.option("Collaborators", COLLABORATORS), blocks.option("Employees of the store", EMPLOYEES)]
    return Form(
        "upload.v1",
        "Upload a build",
        (
            *file,
            blocks.pick("App", "upload.app", hint="Type to find an app", chosen=chosen),
            inputs.line("Version name", "upload.version", most=100, hint="Empty: the one in the file"),
            inputs.line("Tags", "upload.tags", most=500, hint="With commas between"),
            inputs.lines("What is new", "upload.changelog", value=changelog),
            inputs.ticks("Send mail to", "upload.mail", mails, hint="Nobody unless ticked; you are asked once more"),
        ),
        submit="Upload",
        memory=file_id,
    )


@options("upload.app", need=Role.RELEASER)
async def apps(call: Call, typed: str, chosen: dict[str, str]) -> list[Option]:
    """The apps this person may upload to, whose name fits what has been typed so far."""
    return await get.apps(call, typed, chosen)


@form("upload.v1", need=Role.RELEASER)
async def submitted(call: Call, typed: dict[str, str]) -> Reply:
    """What was filled in: begins at once, or asks once more when people are to be mailed."""
    app = await call.app(typed.get("upload.app", ""))
    file_id = typed.get("upload.file") or typed.get("memory") or ""
    mail = typed.get("upload.mail", "").split(",")
    details = Details(
        version_name=typed.get("upload.version"),
        tags=uploads.tags([typed.get("upload.tags", "")]),
        changelog=typed.get("upload.changelog"),
        notify_collaborators=COLLABORATORS in mail,
        notify_employees=EMPLOYEES in mail,
    )
    if details.mails:
        return await _sure(call, app, file_id, details)
    return await _begin(call, app, file_id, details)


# ------------------------------------------------------------------ mail


async def _sure(call: Call, app: App, file_id: str, details: Details) -> Form:
    """The second form: how many people it mails, by Applivery's own lists, and what they read."""
    audience = call.house.applivery.audience(app)
    asked = [
        (details.notify_collaborators, "collaborator", audience.collaborators),
        (details.notify_employees, "employee of the store", audience.employees),
    ]
    counts = await asyncio.gather(*(_in_time(count()) for ticked, _, count in asked if ticked))
    groups = list(zip([name for ticked, name, _ in asked if ticked], counts, strict=True))
    total = sum(count or 0 for _, count in groups)
    known = all(count is not None for _, count in groups)
    memory = {
        "file": file_id,
        "app": app.id,
        "version": details.version_name,
        "tags": details.tags,
        COLLABORATORS: details.notify_collaborators,
        EMPLOYEES: details.notify_employees,
    }
    return Form(
        "upload.sure.v1",
        f"Mail {total} {'person' if total == 1 else 'people'}?" if known else "Mail people?",
        (
            blocks.section(_mailed(app, groups, total if known else None)),
            inputs.lines("Words for the mail", "sure.message"),
            inputs.choice("Language of the mail", "sure.language", [blocks.option(*one) for one in LANGUAGES]),
            inputs.lines("What is new", "sure.changelog", value=details.changelog or ""),
            blocks.context("Nothing is uploaded yet. *Cancel*, and leave the boxes unticked, to upload without mail."),
        ),
        submit="Upload and mail",
        memory=json.dumps(memory, ensure_ascii=False),
    )


async def _in_time(count: Awaitable[int | None]) -> int | None:
    try:
        async with asyncio.timeout(COUNT_SECONDS):
            return await count
    except TimeoutError:
        return None


def _mailed(app: App, groups: list[tuple[str, int | None]], total: int | None) -> str:
    name = inline(app.name, 80)
    parts = " and ".join(f"{_many(count, what)}" for what, count in groups)
    if total is None:
        return (
            f"When {name} is processed, Applivery mails {parts}.\nI could not count all of them: "
            "this bot's Service Account may not list people, or Applivery was slow."
        )
    return f"When it is processed, Applivery mails *{_many(total, 'person')}*: {parts} of {name}."


def _many(count: int | None, what: str) -> str:
    one, _, rest = what.partition(" ")
    several = "people" if one == "person" else f"{one}s"
    words = " ".join(part for part in (one if count == 1 else several, rest) if part)
    return f"every {what}" if count is None else f"{count} {words}"


@form("upload.sure.v1", need=Role.RELEASER)
async def confirmed(call: Call, typed: dict[str, str]) -> Reply:
    """Mail is wanted."""
    memory = json.loads(typed.get("memory") or "{}")
    app = await call.app(str(memory.get("app")))
    details = Details(
        version_name=memory.get("version"),
        tags=tuple(memory.get("tags") or ()),
        changelog=typed.get("sure.changelog"),
        notify_collaborators=bool(memory.get(COLLABORATORS)),
        notify_employees=bool(memory.get(EMPLOYEES)),
        notify_message=typed.get("sure.message"),
        notify_language=typed.get("sure.language"),
    )
    return await _begin(call, app, str(memory.get("file")), details)


# ------------------------------------------------------------------ beginning


async def _begin(call: Call, app: App, file_id: str, details: Details) -> Message:
    carrier = call.house.carrier
    file = await carrier.files.file(file_id)
    formats.check(file.name, file.size)
    name = await call.house.people.name(call.asker.user_id)
    details = replace(details, deployer=uploads.by_person(name))
    load = Load(call.asker, app, file, details, door=call.door.value)
    if not await call.house.store.first_time(load.key, AGAIN_SECONDS):
        return Message("I am uploading that file to that app already; you can follow it in our direct messages.")
    carrier.begin(load)
    return cards.begun(file.name, file.size, app)
