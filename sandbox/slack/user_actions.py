"""What a person does: commands, clicks, forms, menus, shortcuts and words.

Each gives an Interaction once acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from sandbox.slack.composing import delivered
from sandbox.slack.delivery import PayloadDelivery
from sandbox.slack.elements_state import acted
from sandbox.slack.forms import OpenForms
from sandbox.slack.interaction import Interaction
from sandbox.slack.link_events import LinkEvents
from sandbox.slack.message import FakeMessage, find_element
from sandbox.slack.pane import FakePane
from sandbox.slack.payloads import PayloadBuilder
from sandbox.slack.people import FakeChannel, FakeUser
from sandbox.slack.server_state import ApiState
from sandbox.slack.validation import SlackApiError, check_options
from sandbox.slack.view import FakeView

Where = FakeMessage | FakeView
_ECHOED = ("message", "message_changed", "message_deleted")

# The scope of which an event needs one; without it Slack sends nothing. https://docs.slack.dev/reference/events
EVENT_SCOPES: dict[str, tuple[str, ...]] = {
    "app_mention": ("app_mentions:read",),
    "link_shared": ("links:read",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "message.channel": ("channels:history",),
    "message.group": ("groups:history",),
    "member_joined_channel": ("channels:read", "groups:read"),
    **dict.fromkeys(("user_change", "team_join"), ("users:read",)),
    **dict.fromkeys(("subteam_created", "subteam_members_changed", "subteam_updated"), ("usergroups:read",)),
    **{
        f"{kind}_{what}": (f"{kind}s:read",)
        for kind in ("channel", "group")
        for what in ("archive", "unarchive", "left", "rename", "deleted")
    },
    "channel_id_changed": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "channel_shared": ("channels:read", "groups:read"),
    "channel_unshared": ("channels:read", "groups:read"),
}


class UserActions:
    """The deeds. `base_url` tells where response_urls live."""

    def __init__(self, desk: ApiState, delivery: PayloadDelivery, base_url: Callable[[], str]) -> None:
        self.desk = desk
        self.delivery = delivery
        self.workspace = desk.workspace
        self.payloads = PayloadBuilder(self.workspace)
        self.forms = OpenForms(desk, delivery, self.payloads, base_url)
        self.links = LinkEvents(self.workspace)
        self._base_url = base_url
        self.suggested: dict[str, list[dict[str, Any]]] = {}

    def _turn(self, kind: str, user: FakeUser, channel: str | None = None, view: FakeView | None = None) -> Interaction:
        turn = Interaction(kind, user.id, channel, self.workspace.until)
        turn.trigger_id = self.desk.modals.trigger(turn, view)
        return turn

    def _response_url(self, turn: Interaction, channel: str, message: FakeMessage | None = None) -> str:
        turn.response_url = self._base_url() + self.desk.responses.issue(turn, channel, message)
        return turn.response_url

    def _ended(self, turn: Interaction) -> Interaction:
        about = {"kind": turn.kind, "user": turn.user, "channel": turn.channel, "error": turn.error}
        self.workspace.changed("turn", about)
        return turn

    # ------------------------------------------------------------------ commands

    async def command(self, name: str, text: str = "", *, user: FakeUser, channel: FakeChannel) -> Interaction:
        """Type a slash command. What the ack says is a message too, private unless it says in_channel."""
        self._writable(channel)
        turn = self._turn("command", user, channel.id)
        ways = {"response_url": self._response_url(turn, channel.id), "trigger_id": turn.trigger_id}
        await self.delivery.put(turn, "slash_commands", self.payloads.command(user, channel, name, text, ways))
        if (
            turn.acked
            and isinstance(turn.ack_body, dict)
            and (turn.ack_body.get("text") or turn.ack_body.get("blocks"))
        ):
            self._said_in_ack(turn, turn.ack_body)
        return self._ended(turn)

    def _writable(self, channel: FakeChannel) -> None:
        """Raise PermissionError where Slack has no message field: nothing can be written there, commands neither.

        "Sending messages to this app has been turned off": https://github.com/slackapi/python-slack-sdk/issues/1015
        """
        if self.workspace.messages_read_only and channel.im_user and self.workspace.bot_user_id in channel.members:
            raise PermissionError("read_only")

    def _said_in_ack(self, turn: Interaction, body: dict[str, Any]) -> None:
        private = body.get("response_type", "ephemeral") != "in_channel"
        about: dict[str, Any] = {
            "user": self.workspace.bot_user_id,
            "bot_id": self.workspace.bot_id,
            "ephemeral_to": turn.user if private else None,
            "source": "ack",
            "by_command": True,
        }
        try:
            turn.answers.append(self.desk.mailbox.post(self.workspace.channels[str(turn.channel)], body, **about))
        except SlackApiError as refused:
            turn.error = refused.error

    # ------------------------------------------------------------------ clicks

    async def click(
        self,
        where: Where,
        action_id: str,
        *,
        user: FakeUser,
        value: Any = None,
        state: dict[str, dict[str, Any]] | None = None,
        block_id: str | None = None,
    ) -> Interaction:
        """Use a button, an overflow menu, a select or any other element of a message or a view.

        `value` is what is chosen: an option's value or words, a FakeUser, a FakeChannel, a text, a list of them.
        `state` is what else is filled in, as `{block_id: {action_id: value}}`. Raises LookupError when there is no such
        element, when the message or view is gone, or when it is not this person's to see.
        """
        self._within_reach(where, user)
        in_block, element = find_element(where.shown, action_id, block_id)
        action = acted(element, in_block, value, self.suggested.get(action_id, ()))
        typed = {**(state or {})}
        if value is not None:
            typed[in_block] = {**typed.get(in_block, {}), action_id: value}
        filled = self.forms.state(where, user.id, typed, self.suggested)
        view = where if isinstance(where, FakeView) else None
        turn = self._turn("click", user, where.channel if isinstance(where, FakeMessage) else None, view)
        payload = self.payloads.interaction("block_actions", user)
        payload |= {"trigger_id": turn.trigger_id, "actions": [{**action, "action_ts": self.workspace.new_ts()}]}
        payload |= self._place(turn, where, filled, in_block)
        await self.delivery.put(turn, "interactive", payload)
        return self._ended(turn)

    def _place(self, turn: Interaction, where: Where, filled: dict[str, Any], in_block: str) -> dict[str, Any]:
        if isinstance(where, FakeView):
            where.turn = turn
            return self.payloads.in_view(where, filled)
        url = self._response_url(turn, where.channel, where)
        for card in where.cards:
            if any(block["block_id"] == in_block for block in card["blocks"]):
                return {**self.payloads.in_card(where, card), "response_url": url}
        return {**self.payloads.in_message(where), "state": {"values": filled}, "response_url": url}

    def _within_reach(self, where: Where, user: FakeUser) -> None:
        if isinstance(where, FakeView):
            if where.closed or where.user != user.id:
                raise LookupError(f"{user.handle} has no such view open")
        elif where.deleted or where.ephemeral_to not in (None, user.id):
            raise LookupError(f"{user.handle} does not see this message")

    async def options(
        self, where: Where, action_id: str, query: str = "", *, user: FakeUser, block_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Type into a menu whose options the app gives: what it answered, options or option groups.

        Nothing is asked below the element's min_query_length (3 unless it says otherwise). Raises TimeoutError when
        the app did not answer in time, Refused when Slack would not take the answer.
        """
        self._within_reach(where, user)
        in_block, element = find_element(where.blocks, action_id, block_id)
        if len(query) < element.get("min_query_length", 3):
            return []
        payload = self.payloads.interaction("block_suggestion", user)
        payload |= {"action_id": action_id, "block_id": in_block, "value": query}
        filled = self.forms.state(where, user.id, {}, self.suggested)
        payload |= (
            self.payloads.in_view(where, filled) if isinstance(where, FakeView) else self.payloads.in_message(where)
        )
        ack = await self.delivery.ask("interactive", payload)
        if not ack.ok:
            raise TimeoutError(ack.error)
        listed = check_options(ack.body)
        flat = [option for each in listed for option in each.get("options", [each])]
        self.suggested[action_id] = flat
        return listed

    # ------------------------------------------------------------------ forms

    async def submit(
        self, view: FakeView, state: dict[str, dict[str, Any]] | None = None, *, user: FakeUser
    ) -> Interaction:
        """Send a form with these inputs (`{block_id: {action_id: value}}`) on top of what is in it already.

        Raises LookupError as `click`, ValueError when Slack itself would not send it: something required is missing.
        """
        self._within_reach(view, user)
        turn = self._turn("submit", user, None, view)
        await self.forms.submit(turn, view, user, state or {}, self.suggested)
        return self._ended(turn)

    async def close(self, view: FakeView, user: FakeUser, *, all_of_it: bool = False) -> Interaction:
        """Close a view with its own button, or the whole stack; the app hears it only if it asked to."""
        self._within_reach(view, user)
        turn = self._turn("close", user, None, view)
        await self.forms.close(turn, view, user, all_of_it=all_of_it)
        return self._ended(turn)

    # ------------------------------------------------------------------ shortcuts

    async def shortcut(
        self,
        callback_id: str,
        *,
        user: FakeUser,
        channel: FakeChannel | None = None,
        message: FakeMessage | None = None,
    ) -> Interaction:
        """Use a global shortcut, or a message shortcut when a message is given."""
        place = message.channel if message else channel.id if channel else None
        turn = self._turn("shortcut", user, place)
        payload = self.payloads.interaction("message_action" if message else "shortcut", user)
        payload |= {"callback_id": callback_id, "trigger_id": turn.trigger_id, "action_ts": self.workspace.new_ts()}
        if message is not None:
            known = self.workspace.channels[message.channel]
            payload |= {
                "response_url": self._response_url(turn, message.channel),
                "channel": {"id": known.id, "name": known.spoken_name},
                "message_ts": message.ts,
                "message": message.wire(**self.payloads.identity),
            }
        await self.delivery.put(turn, "interactive", payload)
        return self._ended(turn)

    # ------------------------------------------------------------------ words and events

    async def event(self, event: dict[str, Any], retries: int = 0, *, event_id: str | None = None) -> Interaction:
        """Deliver an event; unacknowledged it is sent again with the same event_id, `retries` says how often anyhow.

        Nothing is sent when the app has not subscribed to it, or was not granted the scope for it.
        """
        channel = event.get("channel")
        place = str(channel.get("id")) if isinstance(channel, dict) else channel
        user = event.get("user", "")
        turn = Interaction(
            "event", str(user.get("id") if isinstance(user, dict) else user), place, self.workspace.until
        )
        event = {"event_ts": self.workspace.new_ts(), **event}
        payload = self.payloads.event(event, event_id or f"Ev{self.workspace.new_word(10)}")
        if self._is_sent(event):
            await self.delivery.event(turn, payload, retries)
        return self._ended(turn)

    def _is_sent(self, event: dict[str, Any]) -> bool:
        subscribed, scopes = self.workspace.subscribed, EVENT_SCOPES.get(_name(event), ())
        wanted = subscribed is None or _name(event) in subscribed
        return wanted and (not scopes or not self.workspace.scopes.isdisjoint(scopes))

    def echo(self, what: str, about: dict[str, Any]) -> None:
        """Tell the app of what it says itself in its direct messages, as Slack does once it asks for message.im.

        https://docs.slack.dev/reference/events/message
        """
        channel = self.workspace.channels.get(str(about.get("channel")))
        if what not in _ECHOED or channel is None or not channel.is_im or about.get("ephemeral_to"):
            return
        stored = self.desk.mailbox.by_channel.get(channel.id, ())
        message = next((each for each in reversed(stored) if each.ts == about["ts"]), None)
        event: dict[str, Any] = {"type": "message", "channel": channel.id, "channel_type": "im"}
        # not before an app says which events it wants: most tests are about something else
        if message is None or not message.bot_id or self.workspace.subscribed is None or not self._is_sent(event):
            return
        wire = message.wire(**self.payloads.identity) | {
            "bot_profile": {"id": message.bot_id, "app_id": self.workspace.app_id}
        }
        if what == "message":
            event = {**wire, **event, "event_ts": message.ts}
        else:
            event |= {"subtype": what, "hidden": True, "ts": self.workspace.new_ts(), "previous_message": wire}
            event |= {"message": wire} if what == "message_changed" else {"deleted_ts": message.ts}
        turn = Interaction("event", str(message.user), channel.id, self.workspace.until)
        payload = self.payloads.event({"event_ts": event["ts"], **event}, f"Ev{self.workspace.new_word(10)}")
        self.delivery.tell(turn, payload)

    def say(self, text: str, user: FakeUser, channel: FakeChannel, thread_ts: str | None = None) -> FakeMessage:
        """Write a message as this person; its links are crawled. The app is told of its own links: see `paste`.

        Of a message that mentions it, too: see `mention`.
        """
        message = self._say(text, user, channel, thread_ts)
        if (event := self.links.shared(message)) and self._is_sent(event):
            turn = Interaction("event", user.id, channel.id, self.workspace.until)
            event = {"event_ts": self.workspace.new_ts(), **event}
            self.delivery.tell(turn, self.payloads.event(event, f"Ev{self.workspace.new_word(10)}"))
        return message

    def _say(self, text: str, user: FakeUser, channel: FakeChannel, thread_ts: str | None) -> FakeMessage:
        self._writable(channel)
        about: dict[str, Any] = {"user": user.id, "thread_ts": thread_ts, "source": "person"}
        return self.desk.mailbox.post(channel, {"text": text}, client_msg_id=str(uuid4()), **about)

    # ------------------------------------------------------------------ links

    async def paste(
        self, text: str, user: FakeUser, channel: FakeChannel, thread_ts: str | None = None, *, retries: int = 0
    ) -> tuple[FakeMessage, Interaction]:
        """Write a message with links, of which the app is told: the link_shared event, once it is acknowledged."""
        message = self._say(text, user, channel, thread_ts)
        event = self.links.shared(message)
        turn = Interaction("event", user.id, channel.id, self.workspace.until)
        return message, await self.event(event, retries) if event else turn

    async def compose(self, text: str, user: FakeUser) -> Interaction:
        """Type a message with links and don't send it: Slack does not say where it will be."""
        event = self.links.typed(text, user)
        return await self.event(event) if event else Interaction("event", user.id, None, self.workspace.until)

    async def refresh(self, message: FakeMessage, user: FakeUser) -> Interaction:
        """Press the refresh button of a Work Object below a message."""
        event = self.links.shared(message)
        return await self.event({**event, "user": user.id, "is_unfurl_refresh": True})

    async def open_details(self, message: FakeMessage, user: FakeUser, url: str | None = None) -> FakePane:
        """Click a Work Object: its flexpane, once the app has been told. Raises LookupError when there is none.

        https://docs.slack.dev/reference/events/entity_details_requested
        """
        card = next(
            (each for each in message.cards if "entity" in each and url in (None, each["app_unfurl_url"])), None
        )
        if card is None:
            raise LookupError("there is no Work Object below this message")
        event = self.links.opened(message, card, user)
        pane = self.workspace.panes[user.id]
        await self.event(event)
        return pane

    async def click_pane(self, pane: FakePane, action_id: str, *, user: FakeUser) -> Interaction:
        """Use a button of a flexpane. Raises LookupError as `click` does."""
        in_block, element = find_element(pane.blocks, action_id)
        turn = self._turn("click", user, pane.channel)
        payload = self.payloads.interaction("block_actions", user)
        action = {**acted(element, in_block, None, ()), "action_ts": self.workspace.new_ts()}
        payload |= {"trigger_id": turn.trigger_id, "actions": [action], **self.payloads.in_pane(pane)}
        payload["response_url"] = self._response_url(turn, pane.channel)
        await self.delivery.put(turn, "interactive", payload)
        return self._ended(turn)

    # ------------------------------------------------------------------ words

    async def mention(
        self, text: str, user: FakeUser, channel: FakeChannel, thread_ts: str | None = None, *, retries: int = 0
    ) -> Interaction:
        """Write a message that mentions the bot: the app_mention event (in a direct message: message.im)."""
        called = f"<@{self.workspace.bot_user_id}>"
        words = text if channel.is_im or called in text else f"{called} {text}"
        message = self.say(delivered(words), user, channel, thread_ts)
        if channel.is_im and self.workspace.bot_user_id not in channel.members:
            return Interaction("event", user.id, channel.id, self.workspace.until)  # no app is told of it
        return await self.event(self._written(message, user, channel), retries)

    async def write(self, text: str, user: FakeUser, thread_ts: str | None = None, *, retries: int = 0) -> Interaction:
        """Write to the bot in its direct message: the message.im event.

        https://docs.slack.dev/reference/events/message.im
        """
        return await self.mention(text, user, self.workspace.dm(user), thread_ts, retries=retries)

    async def drop(self, files: dict[str, bytes], user: FakeUser, text: str = "") -> Interaction:
        """Drop files into the bot's direct message, with what is written beside them: message.im of `file_share`.

        https://docs.slack.dev/reference/events/message/file_share
        """
        channel = self.workspace.dm(user)
        message = self.share_all(files, user, channel, delivered(text))
        event = {**self._written(message, user, channel), "subtype": "file_share", "upload": False}
        return await self.event({**event, "display_as_bot": False})

    def _written(self, message: FakeMessage, user: FakeUser, channel: FakeChannel) -> dict[str, Any]:
        """The event about a message that a person wrote; what they typed is in it twice."""
        words = {"type": "text", "text": message.text}
        section = {"type": "rich_text_section", "elements": [words]}
        event = message.wire(**self.payloads.identity) | {"channel": channel.id, "event_ts": message.ts}
        if message.text:
            event["blocks"] = [{"type": "rich_text", "block_id": self.workspace.new_word(5), "elements": [section]}]
        parent = self.desk.mailbox.find(channel.id, message.thread_ts) if message.thread_ts else None
        event |= {"parent_user_id": parent.user} if parent else {}
        event |= {"type": "message", "channel_type": "im"} if channel.is_im else {"type": "app_mention"}
        if user.team_id != self.workspace.team_id:
            # for Enterprise Grid either may be the organisation: https://github.com/slackapi/slack-api-specs/issues/73
            event |= {"team": user.team_id, "user_team": user.team_id, "source_team": user.team_id}
        return event

    async def reword(self, message: FakeMessage, text: str, user: FakeUser) -> Interaction:
        """Edit a message of this person's: one that mentions the bot is an app_mention once more, and says `edited`.

        https://docs.slack.dev/reference/events/app_mention
        """
        self.desk.mailbox.edit(message, {"text": text})
        event = message.wire(**self.payloads.identity) | {"channel": message.channel, "type": "app_mention"}
        return await self.event({**event, "edited": {"user": user.id, "ts": message.edited_ts}})

    async def home(self, user: FakeUser, tab: str = "home") -> Interaction:
        """Open a tab of the app; its Home comes along once one was published.

        https://docs.slack.dev/reference/events/app_home_opened
        """
        event = {"type": "app_home_opened", "user": user.id, "channel": self.workspace.dm(user).id, "tab": tab}
        known = self.desk.modals.homes.get(user.id)
        if known is not None and tab == "home":
            event["view"] = self.payloads.view(known, {})  # type: ignore[assignment]
        return await self.event(event)

    def pick(self, name: str, content: bytes, user: FakeUser) -> dict[str, Any]:
        """Pick a file in a form's file_input: Slack has it from then on. What comes back is what `submit` takes."""
        return self.desk.files.wire(self.desk.files.add(name, content, user.id))

    def share(
        self, name: str, content: bytes, user: FakeUser, channel: FakeChannel, text: str = "", *, elsewhere: str = ""
    ) -> FakeMessage:
        """Drop a file into a channel; the message carries it, its bytes are at url_private for who has a token.

        `elsewhere` makes it a remote file: a mere entry with that address.
        """
        return self.share_all({name: content}, user, channel, text, elsewhere=elsewhere)

    def share_all(
        self, files: dict[str, bytes], user: FakeUser, channel: FakeChannel, text: str = "", *, elsewhere: str = ""
    ) -> FakeMessage:
        """Drop several files into a channel as one message."""
        self._writable(channel)
        wires = []
        for name, content in files.items():
            file = self.desk.files.add(name, content, user.id)
            file.elsewhere, file.channels = elsewhere, [channel.id]
            wires.append(self.desk.files.wire(file))
        return self.desk.mailbox.post(
            channel, {"text": text, "files": wires}, user=user.id, source="person", files=wires
        )


def _name(event: dict[str, Any]) -> str:
    """What a manifest calls an event: `message.im` for a message there."""
    return (
        f"message.{event.get('channel_type', 'channel')}"
        if event.get("type") == "message"
        else str(event.get("type", ""))
    )
