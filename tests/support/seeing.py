"""How tests look at the world: the buttons of a message, and everything that was ever said or written down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bot.i18n import _, use_locale
from sandbox.slack import FakeMessage, FakeSlack, FakeUser, FakeView, Interaction

TICKET = re.compile(r"/b/([\w-]{22})(?![\w-])")  # of a claim page
LINK = re.compile(r"http://127\.0\.0\.1:\d+/v1/download/[\w-]+")


def link(message: FakeMessage) -> str:
    """The download address in a private answer."""
    found = LINK.search(message.text)
    assert found, message.text
    return found[0]


# Rich text as mrkdwn has it, so that one test reads both; what formatting there is is left out.
PARAGRAPHS = ("rich_text_section", "rich_text_quote")
_LEAVES = {
    "user": "<@{user_id}>",
    "channel": "<#{channel_id}>",
    "usergroup": "<!subteam^{usergroup_id}>",
    "date": "<!date^{timestamp}^{format}|{fallback}>",
}


def paragraph(part: dict[str, Any]) -> str:
    """What stands in a paragraph of rich text, escaped; only mentions, times and links are live in it."""
    return "".join(map(_leaf, part["elements"]))


def _leaf(part: dict[str, Any]) -> str:
    if part["type"] in _LEAVES:
        return _LEAVES[part["type"]].format_map(part)
    if part["type"] == "link":
        return f"<{_escaped(part['url'])}|{_escaped(part.get('text', ''))}>"
    return _escaped(part["text"])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Control(NamedTuple):
    """A button, or an item of a menu or a select as the button that it stands for; `option` is the item's value."""

    label: str
    action: str
    value: str
    url: str
    block: str
    element: dict[str, Any]
    option: str | None = None


def controls(message: FakeMessage | FakeView) -> list[Control]:
    """Every button and every item of a menu, in order."""
    return controls_of(message.elements())


def controls_of(elements: Iterable[tuple[str, dict[str, Any]]]) -> list[Control]:
    """The same of elements, each with the id of its block."""
    found = []
    for block, element in elements:
        if element["type"] in ("overflow", "static_select"):
            for option in element["options"]:
                action, _, value = option["value"].partition(" ")
                words, url = option["text"]["text"], option.get("url", "")
                found.append(Control(words, action, value, url, block, element, option["value"]))
        elif element["type"] == "button":
            words, value = element["text"]["text"], element.get("value", "")
            found.append(Control(words, element["action_id"], value, element.get("url", ""), block, element))
    return found


def labels(message: FakeMessage | FakeView) -> list[str]:
    """What stands on the buttons of a message and in its menus, in order."""
    return [control.label for control in controls(message)]


async def press(
    slack: FakeSlack, message: FakeMessage | FakeView, label: str, *, user: FakeUser, nth: int = 0
) -> Interaction:
    """Click the button or menu item with these words (or their Spanish); `nth` of those that have them."""
    with use_locale("es"):
        words = {label, _(label)}
    found = [control for control in controls(message) if control.label in words]
    assert len(found) > nth, labels(message)
    return await click_control(slack, message, found[nth], user=user)


async def click(
    slack: FakeSlack, message: FakeMessage | FakeView, action: str, *, user: FakeUser, nth: int = 0
) -> Interaction:
    """Click the button or menu item that does this (`downloads.v1`); `nth` of those that do."""
    found = [control for control in controls(message) if control.action == action]
    assert len(found) > nth, [control.action for control in controls(message)]
    return await click_control(slack, message, found[nth], user=user)


async def click_control(
    slack: FakeSlack, message: FakeMessage | FakeView, control: Control, *, user: FakeUser
) -> Interaction:
    """Click this button, or choose this item of its menu."""
    action = control.element["action_id"]
    return await slack.click(message, action, user=user, value=control.option, block_id=control.block)


OLD_CARD = "An old card"


def old_card(slack: FakeSlack, channel: Any, action_id: str, value: str) -> FakeMessage:
    """A message of ours with one button, as an earlier version, or somebody who makes buttons up, would have it."""
    button: dict[str, Any] = {"type": "button", "text": {"type": "plain_text", "text": "Old"}, "action_id": action_id}
    button |= {"value": value} if value else {}
    content = {"text": OLD_CARD, "blocks": [{"type": "actions", "elements": [button]}]}
    flags = {"unfurl_links": False, "unfurl_media": False}
    about = {"user": slack.bot_user_id, "bot_id": slack.bot_id}
    return slack.mailbox.post(channel, {**content, **flags}, **about)


def every_message(slack: FakeSlack, *, own: bool = True) -> list[FakeMessage]:
    """Every message there ever was, private ones, deleted ones and earlier versions too; only the bot's own."""
    found = [message for listed in slack.mailbox.by_channel.values() for message in listed]
    found = [message for message in found if message.bot_id == slack.bot_id or not own]
    return [version for message in found for version in (*message.history, message)]


def everything_said(slack: FakeSlack) -> str:
    """Everything Slack was ever told, by any way, as one text."""
    parts: list[Any] = [message.saved() for message in every_message(slack, own=False)]
    parts += [(call.method, call.args) for call in slack.calls]
    parts += [body for _, body, _ in slack.responses.uses]
    parts += [view.payload for view in slack.modals.views.values()]
    return json.dumps(parts, ensure_ascii=False, default=str)


def everything_stored(folder: Path) -> bytes:
    """Every byte of the database files, the write-ahead log included."""
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())
