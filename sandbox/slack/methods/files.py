"""files.*: the two steps of an upload. https://docs.slack.dev/reference/methods/files.getUploadURLExternal"""

from __future__ import annotations

from typing import Any

from sandbox.slack.files import FakeFile
from sandbox.slack.people import FakeChannel
from sandbox.slack.server_state import Answer, ApiState, CallArguments, method
from sandbox.slack.validation import SlackApiError


@method("files.getUploadURLExternal", "files:write")
def get_upload_url(desk: ApiState, args: CallArguments) -> Answer:
    """An address to POST the bytes to."""
    length = args.number("length", 0, 1_073_741_824)
    if length < 1:
        raise SlackApiError("invalid_arguments", ["length must be a positive number [json-pointer:/length]"])
    file = desk.files.announce(args.needed("filename"), length)
    file.alt_text = args.text("alt_txt") or ""
    return {"upload_url": f"{desk.base_url}/upload/v1/{file.id}", "file_id": file.id}


def _named(desk: ApiState, args: CallArguments) -> list[FakeFile]:
    listed = args.data("files", "invalid_arguments")
    if not isinstance(listed, list) or not listed:
        raise SlackApiError("invalid_arguments", ["missing required field: files [json-pointer:/files]"])
    files = []
    for each in listed:
        file = desk.files.files.get(str(each.get("id"))) if isinstance(each, dict) else None
        if file is None or not file.arrived or file.complete:
            raise SlackApiError("file_not_found")
        file.title = each.get("title") or file.name
        files.append(file)
    return files


def _channels(desk: ApiState, args: CallArguments) -> list[FakeChannel]:
    names = [each for each in (args.text("channels") or args.text("channel_id") or "").split(",") if each]
    channels = []
    for name in names:
        channel = desk.workspace.channels.get(name)
        if channel is None:
            raise SlackApiError("channel_not_found")
        channels.append(desk.post_to(name))
    return channels


@method("files.completeUploadExternal", "files:write")
def complete(desk: ApiState, args: CallArguments) -> Answer:
    """Finish an upload and share it: one message with the files in each channel."""
    files, channels = _named(desk, args), _channels(desk, args)
    for file in files:
        file.complete, file.user = True, desk.workspace.bot_user_id
        file.channels = [channel.id for channel in channels]
    for channel in channels:
        content = {"text": args.text("initial_comment") or "", "blocks": args.data("blocks", "invalid_blocks_format")}
        share(desk, channel, files, content, args.text("thread_ts"))
    return {"files": [desk.files.wire(file) for file in files]}


def share(
    desk: ApiState, channel: FakeChannel, files: list[FakeFile], content: dict[str, Any], thread_ts: str | None
) -> None:
    """Post the message that carries the files. Its comment's links are crawled: there are no unfurl arguments here."""
    wires = [desk.files.wire(file) for file in files]
    desk.mailbox.post(
        channel,
        {**content, "files": wires},
        user=desk.workspace.bot_user_id,
        bot_id=desk.workspace.bot_id,
        thread_ts=thread_ts,
        files=wires,
        source="file",
    )


@method("files.info", "files:read")
def info(desk: ApiState, args: CallArguments) -> Answer:
    """One file, as far as the bot may see it."""
    file = desk.files.files.get(args.needed("file", "file_not_found"))
    if file is None or not desk.files.seen(file):
        raise SlackApiError("file_not_found")
    return {"file": desk.files.wire(file), "comments": []}


@method("files.delete", "files:write")
def delete(desk: ApiState, args: CallArguments) -> Answer:
    """Take a file away."""
    if desk.files.files.pop(args.needed("file", "file_not_found"), None) is None:
        raise SlackApiError("file_not_found")
    return {}
