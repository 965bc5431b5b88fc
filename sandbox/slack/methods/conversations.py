"""conversations.*: channels, their members and their messages. https://docs.slack.dev/reference/methods/conversations.history"""

from __future__ import annotations

from typing import Any

from sandbox.slack.message import FakeMessage
from sandbox.slack.people import FakeChannel
from sandbox.slack.server_state import Answer, ApiState, CallArguments, method, page
from sandbox.slack.validation import SlackApiError

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
TYPES = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}


def _wire(desk: ApiState, channel: FakeChannel) -> Answer:
    return channel.wire(bot_user=desk.workspace.bot_user_id, home_team=desk.workspace.team_id)


def _read(desk: ApiState, args: CallArguments) -> FakeChannel:
    channel = desk.see(args.needed("channel", "channel_not_found"))
    desk.need(f"{channel.kind}:read")
    return channel


def _history_of(desk: ApiState, args: CallArguments) -> FakeChannel:
    channel = desk.see(args.needed("channel", "channel_not_found"))
    desk.need(f"{channel.kind}:history")
    if not desk.in_it(channel):
        raise SlackApiError("not_in_channel")
    return channel


@method("conversations.info", *READ)
def info(desk: ApiState, args: CallArguments) -> Answer:
    """One channel."""
    channel = _read(desk, args)
    wire = _wire(desk, channel)
    if not args.flag("include_num_members"):
        wire.pop("num_members", None)
    return {"channel": wire}


def _of_types(desk: ApiState, args: CallArguments) -> list[FakeChannel]:
    wanted = [each.strip() for each in (args.text("types") or "public_channel").split(",")]
    if set(wanted) - set(TYPES):
        raise SlackApiError("invalid_types")
    for each in wanted:
        desk.need(f"{TYPES[each]}:read")
    kinds = {TYPES[each] for each in wanted}
    hide_archived = bool(args.flag("exclude_archived"))
    return [
        each
        for each in desk.workspace.channels.values()
        if each.kind in kinds
        and (each.kind == "channels" or desk.in_it(each))
        and not (hide_archived and each.archived)
    ]


@method("conversations.list", *READ)
def list_(desk: ApiState, args: CallArguments) -> Answer:
    """Public channels, and the private ones and direct messages the bot is in."""
    channels, cursor = page(args, _of_types(desk, args), 100, 1000)
    return {"channels": [_wire(desk, each) for each in channels], "response_metadata": {"next_cursor": cursor}}


def _member(desk: ApiState, user_id: str) -> str:
    known = desk.workspace.person(user_id)
    return known.id if known else user_id


@method("users.conversations", *READ)
def of_user(desk: ApiState, args: CallArguments) -> Answer:
    """The channels a user, or the bot, is in."""
    user = _member(desk, args.text("user") or desk.workspace.bot_user_id)
    channels, cursor = page(args, [each for each in _of_types(desk, args) if user in each.members], 100, 999)
    return {"channels": [_wire(desk, each) for each in channels], "response_metadata": {"next_cursor": cursor}}


@method("conversations.members", *READ)
def members(desk: ApiState, args: CallArguments) -> Answer:
    """The ids of a channel's members."""
    ids, cursor = page(args, _read(desk, args).members, 100, 1000)
    return {"members": ids, "response_metadata": {"next_cursor": cursor}}


@method("conversations.open", "im:write", "mpim:write")
def open_(desk: ApiState, args: CallArguments) -> Answer:
    """The direct message with one user."""
    users = [each for each in (args.text("users") or "").split(",") if each]
    if args.text("channel"):
        channel = desk.see(args.text("channel"))
    elif not users:
        raise SlackApiError("users_list_not_supplied")
    elif len(users) > 1 or desk.workspace.person(users[0]) is None:
        raise SlackApiError("user_not_found" if len(users) == 1 else "method_not_supported_for_channel_type")
    else:
        channel = desk.workspace.dm(users[0])
    return {"channel": _wire(desk, channel) if args.flag("return_im") else {"id": channel.id}}


@method("conversations.join", "channels:join")
def join(desk: ApiState, args: CallArguments) -> Answer:
    """Let the bot enter a public channel."""
    channel = desk.see(args.needed("channel", "channel_not_found"))
    if channel.private or channel.is_im:
        raise SlackApiError("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackApiError("is_archived")
    extra: Answer = {"warning": "already_in_channel"} if desk.in_it(channel) else {}
    if not desk.in_it(channel):
        channel.members.append(desk.workspace.bot_user_id)
        desk.workspace.changed("channel", {"channel": channel.id})
    return {"channel": _wire(desk, channel), **extra}


def micros(ts: str) -> int:
    """A timestamp as a number that can be compared; raises SlackApiError invalid_ts_*."""
    seconds, _, fraction = ts.partition(".")
    try:
        return int(seconds) * 1_000_000 + int((fraction + "000000")[:6])
    except ValueError:
        raise SlackApiError("invalid_ts_oldest") from None


def _between(args: CallArguments, messages: list[FakeMessage]) -> list[FakeMessage]:
    inclusive = bool(args.flag("inclusive"))
    oldest, latest = args.text("oldest"), args.text("latest")
    low = micros(oldest) - inclusive if oldest else -1
    high = micros(latest) + inclusive if latest else None
    return [each for each in messages if low < micros(each.ts) and (high is None or micros(each.ts) < high)]


def _written(desk: ApiState, args: CallArguments, message: FakeMessage) -> Answer:
    wire = message.wire(**desk.identity, metadata=bool(args.flag("include_all_metadata")))
    replies = desk.mailbox.messages(message.channel, message.ts)
    if replies and message.thread_ts in (None, message.ts):
        about: dict[str, Any] = {"thread_ts": message.ts, "reply_count": len(replies), "latest_reply": replies[-1].ts}
        wire |= {**about, "reply_users": list(dict.fromkeys(each.user for each in replies))}
    return wire


@method("conversations.history", *HISTORY)
def history(desk: ApiState, args: CallArguments) -> Answer:
    """A channel's messages, newest first; metadata only with include_all_metadata."""
    channel = _history_of(desk, args)
    newest_first = list(reversed(_between(args, desk.mailbox.messages(channel))))
    most = desk.history_limit.read("conversations.history")
    messages, cursor = page(args, newest_first, 100, 999, most)
    answer: Answer = {"messages": [_written(desk, args, each) for each in messages], "has_more": bool(cursor)}
    return {**answer, "pin_count": 0, "response_metadata": {"next_cursor": cursor}}


@method("conversations.replies", *HISTORY)
def replies(desk: ApiState, args: CallArguments) -> Answer:
    """A thread: its parent, then its replies, oldest first."""
    channel = _history_of(desk, args)
    parent = desk.mailbox.find(channel.id, args.needed("ts"))
    if parent is None:
        raise SlackApiError("thread_not_found")
    thread = [parent, *desk.mailbox.messages(channel, parent.thread_ts or parent.ts)]
    most = desk.history_limit.read("conversations.replies")
    # the parent always comes first, whatever the times asked for
    within = [each for each in thread if each is parent or each in _between(args, thread)]
    messages, cursor = page(args, within, 1000, 1000, most)
    answer: Answer = {"messages": [_written(desk, args, each) for each in messages], "has_more": bool(cursor)}
    return {**answer, "response_metadata": {"next_cursor": cursor}}
