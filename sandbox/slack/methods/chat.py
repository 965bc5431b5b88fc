"""chat.*: posting, editing and taking back. https://docs.slack.dev/reference/methods/chat.postMessage"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sandbox.slack.message import FakeMessage
from sandbox.slack.server_state import Answer, ApiState, CallArguments, method
from sandbox.slack.validation import SlackApiError


def _thread(desk: ApiState, channel_id: str, args: CallArguments) -> str | None:
    thread_ts = args.text("thread_ts")
    parent = desk.mailbox.find(channel_id, thread_ts) if thread_ts else None
    # A reply to a reply lands in the same thread; one to nothing is refused.
    if thread_ts and parent is None:
        raise SlackApiError("thread_not_found")
    return parent.thread_ts or parent.ts if parent else None


def _client_msg_id(desk: ApiState, args: CallArguments) -> str | None:
    """The UUID a client gave the message; it counts as used from here on, whatever becomes of the message.

    Not in Slack's documentation, https://github.com/slackapi/slack-api-specs/issues/10; its own clients send UUIDs.
    """
    given = args.text("client_msg_id")
    if given is None:
        return None
    try:
        own = str(UUID(given))
    except ValueError:
        raise SlackApiError("invalid_arguments", ["must be a UUID [json-pointer:/client_msg_id]"]) from None
    if own in desk.client_msg_ids:
        raise SlackApiError("duplicate_client_msg_id")
    desk.client_msg_ids.add(own)
    return given


def _own(desk: ApiState, args: CallArguments, *, refusal: str) -> FakeMessage:
    channel = desk.see(args.needed("channel", "channel_not_found"))
    message = desk.mailbox.find(channel.id, args.needed("ts"))
    if message is None:
        raise SlackApiError("message_not_found")
    if message.bot_id != desk.workspace.bot_id:
        raise SlackApiError(refusal)
    return message


@method("chat.postMessage", "chat:write")
def post_message(desk: ApiState, args: CallArguments) -> Answer:
    """Post; a user's id opens the direct message and the answer carries its D… id."""
    channel = desk.post_to(args.needed("channel", "channel_not_found"))
    client_msg_id = _client_msg_id(desk, args)
    content = args.content()
    about: dict[str, Any] = {
        "user": desk.workspace.bot_user_id,
        "bot_id": desk.workspace.bot_id,
        "thread_ts": _thread(desk, channel.id, args),
        "reply_broadcast": bool(args.flag("reply_broadcast")),
        "client_msg_id": client_msg_id,
    }
    desk.pacing.post(channel.id)
    message = desk.mailbox.post(channel, content, **about)
    return {"channel": channel.id, "ts": message.ts, "message": message.wire(**desk.identity, metadata=True)}


@method("chat.update", "chat:write")
def update(desk: ApiState, args: CallArguments) -> Answer:
    """Edit an own message; text without blocks takes the blocks away; metadata stays unless given anew."""
    message = _own(desk, args, refusal="cant_update_message")
    if desk.workspace.channels[message.channel].archived:
        raise SlackApiError("is_inactive")
    desk.mailbox.edit(message, args.content())
    wire = message.wire(**desk.identity, metadata=True)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": wire}


@method("chat.delete", "chat:write")
def delete(desk: ApiState, args: CallArguments) -> Answer:
    """Delete an own message."""
    message = _own(desk, args, refusal="cant_delete_message")
    desk.mailbox.delete(message)
    return {"channel": message.channel, "ts": message.ts}


@method("chat.postEphemeral", "chat:write")
def post_ephemeral(desk: ApiState, args: CallArguments) -> Answer:
    """Post for one member's eyes. It knows no unfurl arguments, so its links are always crawled.

    In a thread it is shown only if there is one already: below a message without replies it is taken, and nobody sees
    it. https://docs.slack.dev/reference/methods/chat.postEphemeral
    """
    channel = desk.post_to(args.needed("channel", "channel_not_found"))
    known = desk.workspace.person(args.needed("user"))
    user = known.id if known else ""
    if not desk.in_it(channel):
        raise SlackApiError("not_in_channel")
    if user not in channel.members:
        raise SlackApiError("user_not_in_channel")
    content = {**args.content(), "unfurl_links": None, "unfurl_media": None}
    about: dict[str, Any] = {
        "user": desk.workspace.bot_user_id,
        "bot_id": desk.workspace.bot_id,
        "thread_ts": args.text("thread_ts"),
        "ephemeral_to": user,
    }
    desk.pacing.post(channel.id)
    message = desk.mailbox.post(channel, content, **about)
    if message.thread_ts and not desk.mailbox.messages(channel, message.thread_ts):
        desk.mailbox.delete(message)
    return {"message_ts": message.ts}


@method("chat.getPermalink")
def get_permalink(desk: ApiState, args: CallArguments) -> Answer:
    """The address of a message."""
    channel = desk.see(args.needed("channel", "channel_not_found"))
    message = desk.mailbox.find(channel.id, args.needed("message_ts"))
    if message is None:
        raise SlackApiError("message_not_found")
    where = f"https://{desk.workspace.team_domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != message.ts:
        where += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": where}


@method("reactions.add", "reactions:write")
def react(desk: ApiState, args: CallArguments) -> Answer:
    """Put an emoji under a message."""
    channel = desk.see(args.needed("channel", "channel_not_found"))
    message = desk.mailbox.find(channel.id, args.needed("timestamp"))
    if message is None:
        raise SlackApiError("message_not_found")
    name = args.needed("name", "invalid_name").strip(":")
    own = desk.workspace.bot_user_id
    reaction = next((each for each in message.reactions if each["name"] == name), None)
    if reaction is None:
        reaction = {"name": name, "users": [], "count": 0}
        message.reactions.append(reaction)
    if own in reaction["users"]:
        raise SlackApiError("already_reacted")
    reaction["users"].append(own)
    reaction["count"] += 1
    desk.workspace.changed("reaction", {"channel": channel.id, "ts": message.ts})
    return {}
