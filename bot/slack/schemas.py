"""What Slack's requests look like, as far as we read them: what looks otherwise is not Slack's and goes no further."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bot.db.types import storable

Text = str | None
Id = Annotated[str, msgspec.Meta(max_length=255)] | None  # longer than any of Slack's, or any name of ours


WITH_RECORDS = ("user_change", "team_join")  # the events that are about a person, with all that Slack has of them


class Named(msgspec.Struct):
    """A person, a workspace, a channel or a file: of whatever else it has, nothing is read."""

    id: Id = None
    name: Text = None
    team_id: Id = None


class Choice(msgspec.Struct):
    """An option of a menu."""

    value: Text = None


class Input(msgspec.Struct):
    """What stands in one element of a form. https://docs.slack.dev/reference/views/modal-views#state"""

    value: Text = None
    selected_option: Choice | None = None
    selected_options: list[Choice] | None = None
    files: list[Named] | None = None


class State(msgspec.Struct):
    """What stands in a form, by block and element."""

    values: dict[str, dict[str, Input]] | None = None


class Label(msgspec.Struct):
    """Words on a form."""

    text: Text = None


class FormBlock(msgspec.Struct):
    """A block of a form; `element` is that of an input. https://docs.slack.dev/reference/block-kit/blocks/input-block"""

    type: Text = None
    block_id: Id = None
    label: Label | None = None
    element: dict[str, Any] | None = None


class View(msgspec.Struct):
    """A form."""

    callback_id: Id = None
    previous_view_id: Id = None
    title: Label | None = None
    submit: Label | None = None
    blocks: list[FormBlock] | None = None
    private_metadata: Text = None
    state: State | None = None


class Action(msgspec.Struct):
    """A click. https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""

    type: Text = None
    action_id: Id = None
    value: Text = None


class Container(msgspec.Struct):
    """Where somebody clicked."""

    message_ts: Id = None


class Block(msgspec.Struct):
    """A block of a message, of whatever kind and by whatever app."""

    elements: list[Any] | None = None


class Message(msgspec.Struct):
    """The message a shortcut was used on."""

    text: Text = None
    blocks: list[Block] | None = None
    files: list[Named] | None = None


class Event(msgspec.Struct):
    """An event. https://docs.slack.dev/reference/events"""

    type: Text = None
    user: Id | Named | None = None
    text: Text = None
    channel: Id | Named | None = None
    subteam_id: Id = None
    subteam: Named | None = None
    ts: Id = None
    thread_ts: Id = None
    team: Id = None
    user_team: Id = None
    subtype: Text = None


class Authorization(msgspec.Struct):
    """By whom an event was to be seen."""

    user_id: Id = None


class Request(msgspec.Struct):
    """A slash command is flat, an interaction nested, an event an envelope: all of it may be missing in another."""

    type: Text = None
    command: Text = None
    text: Text = None
    value: Text = None
    action_id: Id = None
    callback_id: Id = None
    event_id: Id = None
    team_id: Id = None
    user_id: Id = None
    channel_id: Id = None
    response_url: Text = None
    trigger_id: Id = None
    team: Named | None = None
    user: Named | None = None
    channel: Named | None = None
    container: Container | None = None
    view: View | None = None
    actions: list[Action] | None = None
    message: Message | None = None
    event: Event | msgspec.UnsetType = msgspec.UNSET  # may be missing, not null: Bolt breaks on that
    authorizations: list[Authorization] | None = None


def readable(body: Any) -> bool:
    """Whether all that is read of a request has the type that Slack gives it; fields nobody reads may be anything."""
    try:
        request = msgspec.convert(body, Request)
    except msgspec.ValidationError:
        return False
    event = request.event
    return not isinstance(event, Event) or not isinstance(event.user, Named) or event.type in WITH_RECORDS


def cleaned(part: Any) -> Any:
    """The same without what no database's text can hold (NUL, half a surrogate pair), down to the keys."""
    if isinstance(part, str):
        return part if part.isascii() and "\x00" not in part else storable(part)
    if isinstance(part, dict):
        return {cleaned(key): cleaned(value) for key, value in part.items()}
    return [cleaned(item) for item in part] if isinstance(part, list) else part
