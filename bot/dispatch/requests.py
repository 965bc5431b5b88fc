"""Parse Slack's requests: the user, the channel, and how to answer."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import colleagues
from bot.domain.audit import Entrypoint
from bot.domain.conversations import Conversation, kind_of
from bot.domain.pasted_links import DetailsRequest, SharedLinks
from bot.services.drafts import DraftKeeper
from bot.slack.blocks import Modal
from bot.slack.button_values import BuildValue
from bot.slack.schemas import WITH_RECORDS
from bot.slack.scopes import EVENTS, ORGANIZATION_EVENTS

METADATA = 2900  # characters of a view's private_metadata; Slack's limit is 3,000
# A bot cannot subscribe to these two, which are about the user of the token:
# https://docs.slack.dev/reference/events/subteam_self_added
OF_ITSELF = ("subteam_self_added", "subteam_self_removed")
CHANGES = (*WITH_RECORDS, "subteam_created", "subteam_members_changed", "subteam_updated", *OF_ITSELF)
ID_CHANGED = "channel_id_changed"
REVOCATIONS = ("tokens_revoked", "app_uninstalled")
LINKS_SHARED, DETAILS_REQUESTED = "link_shared", "entity_details_requested"
ANSWERED = {"app_mention", "app_home_opened", "message.im", LINKS_SHARED, DETAILS_REQUESTED}
MOVES = EVENTS.keys() - {*ANSWERED, ID_CHANGED, *REVOCATIONS, *CHANGES}
# The container of a click in a card below a link, whose message is a user's and can't be replaced.
# https://docs.slack.dev/messaging/work-objects-implementation#handling-block_actions-events
PREVIEWS = ("message_attachment", "entity_detail")
MENUS = ("overflow", "static_select")  # in messages, their items stand for buttons


class RequestSource(Struct, frozen=True):
    """Where a request came from and how to answer it; without its workspace, on which nothing depends.

    `replaces_message` is whether the reply replaces the clicked message, which must be visible to that user only.
    `thread_ts` is the thread of the message to the bot, or of the clicked `message_ts`; None for the first message of a
    thread, which is in the channel. `from_home` is whether the request began in the Home tab, which has no channel;
    `home_hash` is the hash of the tab at that time.
    """

    entrypoint: Entrypoint
    user_id: str
    channel_id: str | None
    response_url: str | None = None
    trigger_id: str | None = None
    replaces_message: bool = False
    thread_ts: str | None = None
    message_ts: str | None = None
    from_home: bool = False
    home_hash: str | None = None
    conversation: Conversation = Conversation.CHANNEL

    @property
    def own_thread(self) -> str | None:
        """The thread in the app's own direct message to reply in; None to reply outside of threads."""
        return self.thread_ts if self.entrypoint is Entrypoint.DIRECT_MESSAGE else None


def parse_source(entrypoint: Entrypoint, body: dict[str, Any], *, replaces_message: bool = False) -> RequestSource:
    """Return where a request came from: slash commands are flat, interactions nested.

    `replaces_message` is whether the clicked button's reply replaces its message if no other user sees that.
    https://docs.slack.dev/reference/interaction-payloads
    """
    user = body.get("user") or {}
    container = body.get("container") or {}
    view = body.get("view") or {}
    memory = _read_metadata(view)
    at_home = view.get("type") == "home"
    channel = body.get("channel") or {}
    channel_id = body.get("channel_id") or channel.get("id") or container.get("channel_id") or memory.get("channel")
    name = str(body.get("channel_name") or channel.get("name") or "")
    private = bool(container.get("is_ephemeral")) or str(channel_id or "").startswith("D")
    own = container.get("type") not in PREVIEWS
    return RequestSource(
        entrypoint=entrypoint,
        user_id=str(body.get("user_id") or user.get("id") or ""),
        channel_id=channel_id,
        response_url=body.get("response_url") or memory.get("url"),
        trigger_id=body.get("trigger_id"),
        replaces_message=private and own and replaces_message,
        thread_ts=_thread_of(container, body.get("message") or {}) or memory.get("thread"),
        message_ts=container.get("message_ts"),
        from_home=at_home or bool(memory.get("home")),
        home_hash=view.get("hash") if at_home else None,
        conversation=Conversation(memory.get("kind") or kind_of(channel_id, name)),
    )


def _thread_of(container: dict[str, Any], message: dict[str, Any]) -> str | None:
    """Return the thread if the message of a click or a shortcut is a reply in one; otherwise None."""
    thread_ts = container.get("thread_ts") or message.get("thread_ts")
    return str(thread_ts) if thread_ts and thread_ts != (container.get("message_ts") or message.get("ts")) else None


def workspace_of(body: dict[str, Any]) -> str:
    """Return the workspace of a request; empty if it names only the organisation, or nothing."""
    named = ((body.get("team") or {}).get("id"), body.get("team_id"), (body.get("user") or {}).get("team_id"))
    return next((str(team_id) for team_id in named if str(team_id or "").startswith("T")), "")


def parse_home_opened(body: dict[str, Any]) -> RequestSource | None:
    """Return the source of an opened Home tab; None for other events.

    https://docs.slack.dev/reference/events/app_home_opened
    """
    event = body.get("event") or {}
    if event.get("type") != "app_home_opened" or event.get("tab") != "home":
        return None
    return RequestSource(
        entrypoint=Entrypoint.HOME,
        user_id=str(event.get("user") or ""),
        channel_id=None,
        from_home=True,
        home_hash=(event.get("view") or {}).get("hash"),
    )


def parse_shared_links(body: dict[str, Any]) -> SharedLinks | None:
    """Return the links in a message; None for other events.

    For a draft, Slack sends a channel that does not exist. https://docs.slack.dev/reference/events/link_shared
    """
    event = body.get("event") or {}
    if event.get("type") != LINKS_SHARED:
        return None
    channel_id = str(event.get("channel") or "")
    return SharedLinks(
        user_id=str(event.get("user") or ""),
        channel_id=channel_id,
        ts=str(event.get("message_ts") or ""),
        urls=tuple(str(link.get("url") or "") for link in event.get("links") or []),
        is_draft=event.get("source") == "composer" or channel_id in ("", "COMPOSER"),
        is_refresh=event.get("is_unfurl_refresh") is True,
        is_outside=event.get("is_bot_user_member") is False,
    )


def parse_details_request(body: dict[str, Any]) -> DetailsRequest | None:
    """Return the entity whose details a user opens; None for other events.

    https://docs.slack.dev/reference/events/entity_details_requested
    """
    event = body.get("event") or {}
    if event.get("type") != DETAILS_REQUESTED:
        return None
    link = event.get("link") or {}
    return DetailsRequest(
        user_id=str(event.get("user") or ""),
        channel_id=str(event.get("channel") or "") or None,
        trigger_id=str(event.get("trigger_id") or ""),
        build=str((event.get("external_ref") or {}).get("id") or ""),
        url=str(event.get("entity_url") or link.get("url") or ""),
    )


def channel_with_changed_membership(body: dict[str, Any]) -> str | None:
    """Return the channel of an event that may change whether the bot can post there; None for other events.

    https://docs.slack.dev/reference/events/member_joined_channel and the others of `MOVES`.
    """
    event = body.get("event") or {}
    if event.get("type") not in MOVES or (
        event["type"] == "member_joined_channel" and event.get("user") != bot_user_id(body)
    ):
        return None
    return event_channel(event)


def changed_channel_id(body: dict[str, Any]) -> tuple[str, str, float] | None:
    """Return the former and the new id of a channel, and when it changed; None for other events.

    https://docs.slack.dev/reference/events/channel_id_changed
    """
    event = body.get("event") or {}
    old, new = event.get("old_channel_id"), event.get("new_channel_id")
    if event.get("type") != ID_CHANGED or not old or not new:
        return None
    try:
        return str(old), str(new), float(event.get("event_ts") or 0)
    except (TypeError, ValueError):
        return str(old), str(new), 0.0


def changed_members_and_groups(body: dict[str, Any]) -> tuple[str, ...]:
    """Return all ids of the changed user, or the changed user group, of an event; empty for other events.

    https://docs.slack.dev/reference/events/user_change and the others of `CHANGES`.
    """
    event = body.get("event") or {}
    if event.get("type") not in CHANGES:
        return ()
    about = event.get("user") or event.get("subteam") or {}
    ids = colleagues.ids_of(about) if isinstance(about, dict) else ()
    found = str((about.get("id") if isinstance(about, dict) else about) or event.get("subteam_id") or "")
    return ids or ((found,) if found else ())


def is_access_change(body: dict[str, Any]) -> bool:
    """Return whether an organisation added the app to a workspace, or removed it from one.

    https://docs.slack.dev/reference/events/team_access_revoked, whose example has the event within another envelope.
    """
    event = body.get("event") or {}
    within = event.get("event")
    kinds = (event.get("type"), within.get("type") if isinstance(within, dict) else None)
    return any(kind in ORGANIZATION_EVENTS for kind in kinds)


def is_token_revoked(body: dict[str, Any]) -> bool:
    """Return whether the app was uninstalled, or any of its tokens revoked; Slack identifies tokens by user.

    https://docs.slack.dev/reference/events/tokens_revoked and app_uninstalled
    """
    return (body.get("event") or {}).get("type") in REVOCATIONS


def event_channel(event: dict[str, Any]) -> str | None:
    """Return the channel of an event, which is an id in some and an object in others."""
    channel = event.get("channel")
    found = channel.get("id") if isinstance(channel, dict) else channel
    return str(found) if found else None


def is_sharing_changed(body: dict[str, Any]) -> bool:
    """Return whether the event is that a channel was shared with another organisation or unshared.

    https://docs.slack.dev/reference/events/channel_shared and channel_unshared
    """
    return body["event"]["type"] in ("channel_shared", "channel_unshared")


def is_bot_joined(body: dict[str, Any]) -> bool:
    """Return whether the event is that the bot was added to a channel."""
    return bool(body["event"]["type"] == "member_joined_channel")


def bot_user_id(body: dict[str, Any]) -> str:
    """Return the user id of the bot for which an event was delivered."""
    return str(((body.get("authorizations") or [{}])[0] or {}).get("user_id") or "")


async def store_context(form: Modal, source: RequestSource, drafts: DraftKeeper) -> Modal:
    """Return the form with the source of its request, as a submitted view has no response_url.

    Data that does not fit is stored in the database. Raises DatabaseUnavailable.

    https://docs.slack.dev/reference/views/modal-views
    """
    back = {"url": source.response_url, "channel": source.channel_id, **({"home": "yes"} if source.from_home else {})}
    back |= {"kind": source.conversation} if source.conversation is not Conversation.CHANNEL else {}
    back |= {"thread": source.thread_ts} if source.thread_ts else {}
    rest = {"memory": form.private_metadata, **form.preset_values}
    metadata = json.dumps({**back, **rest})
    if len(metadata) > METADATA:
        metadata = json.dumps({**back, "kept": await drafts.store(json.dumps(rest), 0)})
    return replace(form, private_metadata=metadata)


async def restore_context(view: dict[str, Any], drafts: DraftKeeper) -> dict[str, Any]:
    """Return the view with all data that it was opened with.

    Raises UserInputError when that is no longer stored, and DatabaseUnavailable.
    """
    memory = _read_metadata(view)
    if kept := memory.pop("kept", ""):
        return {**view, "private_metadata": json.dumps({**memory, **json.loads(await drafts.load(kept))})}
    return view


def _read_metadata(view: dict[str, Any]) -> dict[str, Any]:
    try:
        memory = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    return {key: value for key, value in memory.items() if isinstance(value, str)} if isinstance(memory, dict) else {}


def opened_with(view: dict[str, Any]) -> str:
    """Return the value that a form was opened with."""
    return str(_read_metadata(view).get("memory") or "")


def preset_values(view: dict[str, Any]) -> dict[str, str]:
    """Return the preset values for which the form has no input, by block."""
    return {key: value for key, value in _read_metadata(view).items() if "." in key}


def read_values(view: dict[str, Any]) -> dict[str, str]:
    """Return the values of a form by block: the text, the value of the chosen option, or the id of the picked file.

    Several values, as of checkboxes, are separated by commas; empty ones are left out.

    https://docs.slack.dev/reference/views/modal-views#state
    """
    found: dict[str, str] = {}
    for block, elements in ((view.get("state") or {}).get("values") or {}).items():
        for element in elements.values():
            value = (
                element.get("value")
                or (element.get("selected_option") or {}).get("value")
                or element.get("selected_conversation")
                or _selected_values(element)
            )
            if value:
                found[block] = str(value)
    memory = opened_with(view)
    return {**preset_values(view), **found, **({"memory": memory} if memory else {})}


def _selected_values(element: dict[str, Any]) -> str:
    ticked = [selected_option.get("value") for selected_option in element.get("selected_options") or []]
    picked = [file.get("id") for file in element.get("files") or []]
    return ",".join(str(item) for item in (*ticked, *picked) if item)


def clicked(action: dict[str, Any]) -> dict[str, Any]:
    """Return the clicked button; a chosen item of a ⋯ menu or select is returned as the button that it stands for.

    https://docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element
    """
    if action.get("type") not in MENUS:
        return action
    name, _separator, value = str((action.get("selected_option") or {}).get("value") or "").partition(" ")
    return {"type": "button", "action_id": name, "value": value, "block_id": action.get("block_id")}


def button_value(message: dict[str, Any], actions: frozenset[str]) -> str | None:
    """Return the value of the first button or menu item with one of these names in a message; None if there is none.

    A superseded card has the newer build's button, whose value also contains the build of the card. A user's message
    may have our cards below its links.
    """
    cards = [card for card in message.get("attachments") or [] if isinstance(card, dict) and card.get("is_app_unfurl")]
    for block in (*(message.get("blocks") or []), *(block for card in cards for block in card.get("blocks") or [])):
        for element in (*(block.get("elements") or []), block.get("accessory")):
            for button in _buttons(element) if isinstance(element, dict) else ():
                if value := _value_if_one_of(button, actions):
                    return value
    return None


def _buttons(element: dict[str, Any]) -> list[dict[str, Any]]:
    if element.get("type") not in MENUS:
        return [element]
    return [clicked({**element, "selected_option": option}) for option in element.get("options") or []]


def _value_if_one_of(element: dict[str, Any], actions: frozenset[str]) -> str:
    name, _, whose = str(element.get("action_id") or "").partition("#")
    value = str(element.get("value") or "")
    if name not in actions or whose != "newer":
        return value if name in actions else ""
    newer = BuildValue.parse(value)
    return str(BuildValue(newer.app_id, newer.detail)) if newer.detail else ""
