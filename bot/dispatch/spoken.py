"""Messages to the bot: mentions in conversations, and messages in the app's own direct message."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from bot.dispatch.requests import RequestSource, bot_user_id, event_channel
from bot.domain import references
from bot.domain.audit import Entrypoint
from bot.domain.conversations import kind_of
from bot.slack.source_message import NO_MESSAGE, SourceMessage, read_message

# Subtypes that people write; all others are by Slack or an app, or about an earlier message.
# https://docs.slack.dev/reference/events/message#subtypes
_WRITTEN = (None, "file_share", "thread_broadcast", "me_message")
_OWN_TALK = ("im", "app_home", None)  # types of channel; a bot's token sees no other direct messages than its own
_SLACK = ("USLACKBOT", "USLACK")  # the senders of system notices
_BY_AN_APP = ("bot_id", "app_id", "bot_profile")
_OF_OLD = ("edited", "hidden")


class Spoken(Struct, frozen=True):
    """A message to the bot: its source, and its text before and after the bot's name.

    Without the name, as in the direct message, all of the text is in `after`.
    """

    source: RequestSource
    after: str
    before: str = ""
    message: SourceMessage = NO_MESSAGE


def is_message(body: dict[str, Any]) -> bool:
    """Return whether an event is about a message."""
    return (body.get("event") or {}).get("type") in ("app_mention", "message")


def parse_spoken(body: dict[str, Any]) -> Spoken | None:
    """Return the message that a person wrote to the bot; None for an event that needs no reply.

    https://docs.slack.dev/reference/events/app_mention, https://docs.slack.dev/reference/events/message.im
    """
    event = body.get("event") or {}
    entrypoint = _entrypoint(event)
    user_id, bot_id = event.get("user"), bot_user_id(body)
    if entrypoint is None or not _by_a_person(event) or not user_id or user_id in (bot_id, *_SLACK):
        return None
    source = RequestSource(
        entrypoint=entrypoint,
        user_id=str(user_id),
        channel_id=event_channel(event),
        thread_ts=event.get("thread_ts"),
        conversation=kind_of(event_channel(event), ""),
    )
    text = str(event.get("text") or "")
    if entrypoint is Entrypoint.DIRECT_MESSAGE and not bot_id:
        before, after = "", text  # so that a mention of a colleague is not taken for the bot's name
    else:
        before, after = references.around_mention(text, bot_id)
    return Spoken(source, after, before, read_message(event))


def _entrypoint(event: dict[str, Any]) -> Entrypoint | None:
    direct = str(event_channel(event) or "").startswith("D")
    if event.get("type") == "app_mention":
        return Entrypoint.DIRECT_MESSAGE if direct else Entrypoint.MENTION
    if event.get("type") == "message" and direct and event.get("channel_type") in _OWN_TALK:
        return Entrypoint.DIRECT_MESSAGE
    return None


def _by_a_person(event: dict[str, Any]) -> bool:
    """Return whether a person just wrote this message: not an app, a workflow or Slack, and no edit or deletion."""
    return event.get("subtype") in _WRITTEN and not any(event.get(key) for key in (*_BY_AN_APP, *_OF_OLD))
