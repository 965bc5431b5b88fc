"""What a person does on the page, carried out on the two fake sides."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.applivery import FakeApplivery
from sandbox.page.ui_state import PANE, closed_because, next_version
from sandbox.slack import FakeChannel, FakeMessage, FakeSlack, FakeUser, FakeView, Interaction, SlackApiError
from sandbox.slack.elements_state import FIELDS
from sandbox.slack.pane import FakePane

Json = dict[str, Any]
Deed = Callable[[Json], Awaitable[Json]]

CHANGELOGS = (
    "Fix the crash when the camera is opened twice",
    "Parcels can be sorted by street again\nLarger text in the route list",
    "Sign-in remembers the last depot",
    "Faster start on older phones\nNew icon for failed deliveries",
)
SIZES = {"ios": 18_600_000, "android": 14_300_000}  # bytes
FAILURE = ("The signature of the package could not be verified.", "1008")


class PageApi:
    """Each deed takes the page's JSON and answers JSON; `error` is in it when the person should hear about one.

    Raises LookupError when something named is not there and ValueError when something cannot be done.
    """

    def __init__(self, slack: FakeSlack, applivery: FakeApplivery) -> None:
        self.slack = slack
        self.applivery = applivery
        self.by_name: dict[str, Deed] = {
            "command": self.command,
            "say": self.say,
            "click": self.click,
            "options": self.options,
            "submit": self.submit,
            "close": self.close,
            "shortcut": self.shortcut,
            "details": self.details,
            "home": self.home,
            "join": self.join,
            "upload": self.upload,
            "file": self.file,
        }

    # ------------------------------------------------------------------ finding

    def person(self, handle: object) -> FakeUser:
        """The user with this handle; LookupError when there is none or it is a bot."""
        for user in self.slack.users.values():
            if user.handle == handle and not user.bot:
                return user
        raise LookupError(f"there is nobody called {handle!s:.40}")

    def _channel(self, channel_id: object) -> FakeChannel:
        channel = self.slack.channels.get(str(channel_id))
        if channel is None:
            raise LookupError("channel_not_found")
        return channel

    def _message(self, channel_id: object, ts: object) -> FakeMessage:
        message = self.slack.mailbox.find_any(str(channel_id), str(ts))
        if message is None:
            raise LookupError("this message is gone")
        return message

    def _view(self, view_id: object) -> FakeView:
        view = self.slack.modals.views.get(str(view_id))
        if view is None or view.closed:
            raise LookupError("this form is gone")
        return view

    def _pane(self, view: object, handle: object) -> FakePane | None:
        """The flexpane that this person has open, if that is the view that is meant."""
        return self.slack.workspace.panes.get(self.person(handle).id) if view == PANE else None

    def _where(self, where: Json) -> FakeMessage | FakeView:
        return self._view(where["view"]) if "view" in where else self._message(where.get("channel"), where.get("ts"))

    def _writing(self, asked: Json) -> tuple[FakeUser, FakeChannel]:
        """Who writes, and where; ValueError where Slack has no field to write in."""
        user, channel = self.person(asked["person"]), self._channel(asked["channel"])
        if why := closed_because(self.slack, channel, user):
            raise ValueError({"archived": "is_archived", "not_member": "not_in_channel"}.get(why, why))
        return user, channel

    # ------------------------------------------------------------------ words

    async def command(self, asked: Json) -> Json:
        """Type a slash command into a channel; answers once it is acknowledged or has failed."""
        name, _, words = str(asked["text"]).strip().partition(" ")
        user, channel = self._writing(asked)
        if name == "/invite":  # Slack's own; there is nobody else to invite here
            await self.slack.invite(channel, user)
            return {"acked": True, "error": None}
        return _outcome(await self.slack.command(name, words.strip(), user=user, channel=channel))

    async def say(self, asked: Json) -> Json:
        """Write a message; the bot hears it when it is mentioned or in its direct message."""
        user, channel = self._writing(asked)
        text, thread_ts = str(asked["text"]), asked.get("thread_ts") or None
        if channel.is_im or f"<@{self.slack.bot_user_id}>" in text:
            await self.slack.mention(text, user, channel, thread_ts)
        else:
            self.slack.say(text, user, channel, thread_ts)
        return {}

    async def file(self, asked: Json) -> Json:
        """Drop a file (base64) into a channel, with what is written beside it; without a channel pick it in a form."""
        user, name = self.person(asked["person"]), str(asked["name"])[:200]
        content = base64.b64decode(str(asked["content"]), validate=True)
        if "channel" not in asked:
            return {"file": self.slack.pick(name, content, user)}
        user, channel = self._writing(asked)
        if channel.is_im:
            await self.slack.drop({name: content}, user, str(asked.get("text") or ""))
        else:
            self.slack.share(name, content, user, channel, str(asked.get("text") or ""))
        return {}

    # ------------------------------------------------------------------ clicks and forms

    async def click(self, asked: Json) -> Json:
        """Use an element of a message or a view; `value` and `state` have Slack's own shapes."""
        if pane := self._pane(asked["where"].get("view"), asked["person"]):
            user = self.person(asked["person"])
            return _outcome(await self.slack.click_pane(pane, str(asked["action_id"]), user=user))
        where, block_id = self._where(asked["where"]), str(asked["block_id"])
        state = _chosen_in(where, asked.get("state"))
        turn = await self.slack.click(
            where,
            str(asked["action_id"]),
            user=self.person(asked["person"]),
            value=_chosen(asked.get("value")),
            state=state,
            block_id=block_id,
        )
        return _outcome(turn)

    async def details(self, asked: Json) -> Json:
        """Open a Work Object below a message: its details come into view once the app has sent them."""
        message = self._message(asked["channel"], asked["ts"])
        await self.slack.open_details(message, self.person(asked["person"]), str(asked["url"]))
        return {}

    async def options(self, asked: Json) -> Json:
        """Ask the app for the options of a menu."""
        where = self._where(asked["where"])
        listed = await self.slack.options(
            where,
            str(asked["action_id"]),
            str(asked.get("query", "")),
            user=self.person(asked["person"]),
            block_id=str(asked["block_id"]),
        )
        return {"option_groups" if listed and "options" in listed[0] else "options": listed}

    async def submit(self, asked: Json) -> Json:
        """Send a form; `errors` by block id when the app does not take it."""
        view = self._view(asked["view"])
        turn = await self.slack.submit(view, _chosen_in(view, asked.get("values")), user=self.person(asked["person"]))
        return {**_outcome(turn), "errors": turn.errors}

    async def close(self, asked: Json) -> Json:
        """Close the view, or with `all` everything under it."""
        user = self.person(asked["person"])
        if self._pane(asked["view"], asked["person"]):
            self.slack.workspace.panes.pop(user.id)
            self.slack.workspace.changed("pane_closed", {"user": user.id})
            return {"acked": True, "error": None}
        return _outcome(await self.slack.close(self._view(asked["view"]), user, all_of_it=bool(asked.get("all"))))

    async def shortcut(self, asked: Json) -> Json:
        """Use a message shortcut (with `ts`) or a global one."""
        user, channel = self.person(asked["person"]), self._channel(asked["channel"])
        message = self._message(channel.id, asked["ts"]) if asked.get("ts") else None
        turn = await self.slack.shortcut(str(asked["callback_id"]), user=user, channel=channel, message=message)
        return _outcome(turn)

    async def join(self, asked: Json) -> Json:
        """Join a public channel that one is looking at."""
        user, channel = self.person(asked["person"]), self._channel(asked["channel"])
        if closed_because(self.slack, channel, user) == "not_member" and not channel.private:
            channel.members.append(user.id)
            self.slack.workspace.changed("joined")
        return {}

    async def home(self, asked: Json) -> Json:
        """Open the app's Home tab."""
        await self.slack.home(self.person(asked["person"]))
        return {}

    # ------------------------------------------------------------------ the other side

    async def upload(self, asked: Json) -> Json:
        """Upload a build on Applivery's side; without `version` it is the next one, with `fail` it will not process."""
        app = self.applivery.find_app(str(asked.get("app") or "")) or next(iter(self.applivery.apps), None)
        if app is None:
            raise LookupError("there is no app to upload to")
        version, number = next_version(self.applivery.builds_of(app))
        oss = app.get("oss") or ["ios"]
        error, code = FAILURE if asked.get("fail") else (None, "")
        changelog = secrets.choice(CHANGELOGS)
        build = self.applivery.upload(
            app,
            version=str(asked.get("version") or version)[:40],
            number=number,
            os=asked["os"] if asked.get("os") in oss else oss[0],
            branch=str(asked.get("branch") or "main")[:80],
            commit=secrets.token_hex(20),
            commit_message=changelog.partition("\n")[0],
            changelog=changelog,
            size=SIZES.get(str(asked.get("os") or oss[0]), 20_000_000),
            error=error,
            error_code=code,
        )
        return {"name": app.name, "version": build.wire["versionName"], "number": build.wire["versionCode"]}


def _outcome(turn: Interaction) -> Json:
    return {"acked": turn.acked, "error": turn.error}


def _chosen(value: object) -> Any:
    """The thing chosen, out of {type, selected_option | value | …}; None for a button: the message holds its value."""
    if not isinstance(value, dict) or value.get("type") not in FIELDS:
        return None
    return value.get(FIELDS[value["type"]][0], value.get("value"))


def _chosen_in(where: FakeMessage | FakeView, state: object) -> dict[str, dict[str, Any]]:
    """What is filled in, without the inputs that an update has taken away since."""
    there = {(block, element["action_id"]) for block, element in where.elements()}
    typed = state if isinstance(state, dict) else {}
    kept: dict[str, dict[str, Any]] = {}
    for block, actions in typed.items():
        for action, value in actions.items():
            if (block, action) in there and isinstance(value, dict) and value.get("type") in FIELDS:
                kept.setdefault(block, {})[action] = _chosen(value)
    return kept


REFUSALS = (LookupError, ValueError, TimeoutError, SlackApiError)
"""What a deed raises that is the person's to hear, not a fault of the page."""
