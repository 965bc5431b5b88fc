"""Schemas of the parts of Slack's requests that are read; a request that does not match is rejected."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bot.db.types import storable

Text = str | None
Id = Annotated[str, msgspec.Meta(max_length=255)] | None  # longer than any id of Slack's or name of ours


WITH_RECORDS = ("user_change", "team_join")  # the events that contain a whole user record


class NamedObject(msgspec.Struct):
    """A user, a workspace, a channel or a file; other fields are ignored."""

    id: Id = None
    name: Text = None
    team_id: Id = None


class OptionObject(msgspec.Struct):
    """An option of a menu."""

    value: Text = None


class InputValue(msgspec.Struct):
    """The value of one element of a form. https://docs.slack.dev/reference/views/modal-views#state"""

    value: Text = None
    selected_option: OptionObject | None = None
    selected_options: list[OptionObject] | None = None
    files: list[NamedObject] | None = None
    selected_conversation: Id = None


class ViewState(msgspec.Struct):
    """The values of a form, by block and element."""

    values: dict[str, dict[str, InputValue]] | None = None


class TextObject(msgspec.Struct):
    """A text in a form."""

    text: Text = None


class ViewBlock(msgspec.Struct):
    """A block of a form; `element` is that of an input.

    https://docs.slack.dev/reference/block-kit/blocks/input-block
    """

    type: Text = None
    block_id: Id = None
    label: TextObject | None = None
    element: dict[str, Any] | None = None


class ViewPayload(msgspec.Struct):
    """A form."""

    callback_id: Id = None
    previous_view_id: Id = None
    title: TextObject | None = None
    submit: TextObject | None = None
    blocks: list[ViewBlock] | None = None
    private_metadata: Text = None
    state: ViewState | None = None


class BlockAction(msgspec.Struct):
    """A click. https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""

    type: Text = None
    action_id: Id = None
    value: Text = None


class MessageContainer(msgspec.Struct):
    """Where a click was made: a message, a card below a link, or a view."""

    type: Text = None
    message_ts: Id = None
    channel_id: Id = None


class MessageBlock(msgspec.Struct):
    """A block of a message, of any kind and by any app."""

    elements: list[Any] | None = None


class MessageAttachment(msgspec.Struct):
    """An attachment of a message, such as a card below a link in it."""

    blocks: list[MessageBlock] | None = None


class MessagePayload(msgspec.Struct):
    """The message a shortcut was used on."""

    text: Text = None
    blocks: list[MessageBlock] | None = None
    attachments: list[MessageAttachment] | None = None
    files: list[NamedObject] | None = None


class SharedLink(msgspec.Struct):
    """A link in a message."""

    url: Text = None


class ExternalReference(msgspec.Struct):
    """The reference by which the bot identified an entity.

    https://docs.slack.dev/messaging/work-objects-implementation
    """

    id: Text = None
    type: Text = None


class EventPayload(msgspec.Struct):
    """An event. https://docs.slack.dev/reference/events"""

    type: Text = None
    user: Id | NamedObject | None = None
    text: Text = None
    channel: Id | NamedObject | None = None
    old_channel_id: Id = None
    new_channel_id: Id = None
    subteam_id: Id = None
    subteam: NamedObject | None = None
    ts: Id = None
    thread_ts: Id = None
    team: Id = None
    user_team: Id = None
    subtype: Text = None
    channel_type: Text = None
    files: list[NamedObject] | None = None
    links: list[SharedLink] | None = None
    message_ts: Id = None
    source: Text = None
    trigger_id: Id = None
    external_ref: ExternalReference | None = None
    entity_url: Text = None
    link: SharedLink | None = None


class Authorization(msgspec.Struct):
    """The user (the bot) for whom an event was delivered."""

    user_id: Id = None


class RequestPayload(msgspec.Struct):
    """The fields of every kind of request: a slash command is flat, an interaction nested, an event in an envelope."""

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
    team: NamedObject | None = None
    user: NamedObject | None = None
    channel: NamedObject | None = None
    container: MessageContainer | None = None
    view: ViewPayload | None = None
    actions: list[BlockAction] | None = None
    message: MessagePayload | None = None
    event: EventPayload | msgspec.UnsetType = msgspec.UNSET  # may be missing, not null
    authorizations: list[Authorization] | None = None


def is_valid(body: Any) -> bool:
    """Return whether all fields that the bot reads of a request have their documented types."""
    try:
        request = msgspec.convert(body, RequestPayload)
    except msgspec.ValidationError:
        return False
    event = request.event
    return not isinstance(event, EventPayload) or not isinstance(event.user, NamedObject) or event.type in WITH_RECORDS


def sanitize(body: dict[str, Any]) -> dict[str, Any]:
    """Return the request without characters that a database cannot store (NUL, lone surrogates), also in keys.

    Almost every request is returned unchanged: encoding it as JSON reveals both, in a seventh of the time of a walk.
    """
    try:
        if b"\\u0000" not in msgspec.json.encode(body):
            return body
    except (UnicodeEncodeError, OverflowError):  # a lone surrogate, or a number that cannot be encoded
        pass
    cleaned: dict[str, Any] = _storable(body)
    return cleaned


def _storable(part: Any) -> Any:
    if isinstance(part, str):
        return part if part.isascii() and "\x00" not in part else storable(part)
    if isinstance(part, dict):
        return {_storable(key): _storable(value) for key, value in part.items()}
    return [_storable(item) for item in part] if isinstance(part, list) else part
