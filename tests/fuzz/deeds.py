"""What somebody does by chance: each deed gives what it was in words, for the report."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from bot.dispatch.registry import HandlerKind
from bot.slack.scopes import EVENTS
from sandbox.slack import FakeUser, FakeView, Interaction
from tests.conftest import Environment
from tests.fuzz.words import InputGenerator
from tests.support.everything import seer
from tests.support.handing import Clock
from tests.support.seeing import old_card

RECENT = 60  # messages and requests that are used again


@dataclass
class FuzzEnvironment:
    """A world, who types in it, and the turns that must have been acknowledged and answered."""

    world: Environment
    chance: random.Random
    typist: InputGenerator
    clock: Clock | None = None
    turns: list[tuple[str, Interaction]] = field(default_factory=list)
    statuses: list[tuple[str, int]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the bot listens."""
        return f"http://127.0.0.1:{self.world.bot.web.port}"

    def took(self, what: str, turn: Interaction) -> str:
        """Remember a turn to be judged."""
        self.turns.append((what, turn))
        return what

    def somewhere(self) -> Any:
        """A channel or direct message, mostly one the bot is in."""
        channels = list(self.world.slack.channels.values())
        return self.world.releases if self.chance.random() < 0.5 else self.chance.choice(channels)


# ------------------------------------------------------------------ as Slack's own clients do it


async def command(scene: FuzzEnvironment) -> str:
    """A slash command."""
    text, user, channel = scene.typist.text(), scene.typist.user(), scene.somewhere()
    what = f"/applivery {text[:300]!r} by {user.handle} in {channel.name or channel.id}"
    return scene.took(what, await scene.world.slack.command("/applivery", sendable(text), user=user, channel=channel))


async def click(scene: FuzzEnvironment) -> str:
    """A button of a message, with the value it has."""
    messages = [
        each_message for listed in scene.world.slack.mailbox.by_channel.values() for each_message in listed[-RECENT:]
    ]
    messages = [candidate for candidate in messages if not candidate.deleted and candidate.elements()]
    if not messages:
        return "click: nothing to click on"
    message = scene.chance.choice(messages)
    block, element = scene.chance.choice(message.elements())
    user = seer(scene.world, message) if message.ephemeral_to or scene.chance.random() < 0.7 else scene.typist.user()
    what = f"click {element['action_id']} {element.get('value', '')[:80]!r} by {user.handle}"
    choice = scene.typist.word() if element["type"] == "external_select" else None
    try:
        turn = await scene.world.slack.click(message, element["action_id"], user=user, block_id=block, value=choice)
    except (LookupError, ValueError):
        return f"{what}: cannot be clicked"
    return scene.took(what, turn)


async def made_up_click(scene: FuzzEnvironment) -> str:
    """A button that an older version left behind, or that somebody makes up."""
    known = [entry.name for entry in scene.typist.entries_of(HandlerKind.BUTTON)] + ["run.v1", "open.x"]
    name = scene.chance.choice(
        [*known, *known, f"{scene.chance.choice(known)}#{scene.typist.word()[:30]}", scene.typist.word()]
    )
    given = await _value_of(scene, name)
    value = scene.typist.value(given)[:2000] or " "
    message = old_card(scene.world.slack, scene.somewhere(), (name or "x")[:255], value)
    user = scene.typist.user()
    return scene.took(f"made-up click {name} {value[:100]!r}", await scene.world.slack.click(message, name, user=user))


async def _value_of(scene: FuzzEnvironment, name: str) -> str:
    """A value that such a button has somewhere."""
    for listed in scene.world.slack.mailbox.by_channel.values():
        for message in reversed(listed[-RECENT:]):
            for _, element in message.elements():
                if element["action_id"].partition("#")[0] == name and element.get("value"):
                    return str(element["value"])
    return ""


async def form(scene: FuzzEnvironment) -> str:
    """A form that is open, filled in by chance and sent; its menus are typed into first."""
    views = scene.world.slack.views
    if not views or scene.chance.random() < 0.3:
        return await _opened(scene)
    view = scene.chance.choice(views)
    user = scene.world.slack.users[view.user]
    state: dict[str, dict[str, Any]] = {}
    for block, element in view.elements():
        if scene.chance.random() < 0.85:
            value = await _filled(scene, view, block, element, user)
            if value is not None:
                state.setdefault(block, {})[element["action_id"]] = value
    what = f"form {view.callback_id} {str(state)[:300]}"
    try:
        return scene.took(what, await scene.world.slack.submit(view, state, user=user))
    except (LookupError, ValueError, TypeError):
        return f"{what}: Slack would not send it"


async def _opened(scene: FuzzEnvironment) -> str:
    """A command that opens a form."""
    words = scene.chance.choice(("get", "recall", "downloads", "upload", "attach", "upload courier", "subscribe"))
    user = scene.typist.user()
    turn = await scene.world.slack.command("/applivery", words, user=user, channel=scene.world.releases)
    return scene.took(f"/applivery {words} by {user.handle}", turn)


async def _filled(scene: FuzzEnvironment, view: FakeView, block: str, element: dict[str, Any], user: FakeUser) -> Any:
    slack, chance = scene.world.slack, scene.chance
    kind = element["type"]
    if kind == "file_input":
        name = f"{scene.typist.word()[:60]}.{chance.choice(('ipa', 'apk', 'pdf'))}"
        return [slack.pick(sendable(name).replace("/", "-"), b"PK\x03\x04 fuzz", user)]
    if kind.endswith("external_select"):
        found = await slack.options(
            view, element["action_id"], sendable(chance.choice(("", scene.typist.word()))), user=user
        )
        flat = [option for each in found for option in each.get("options", [each])]
        value = chance.choice(flat) if flat and chance.random() < 0.8 else sendable(scene.typist.value())[:150] or "x"
        return [value] if kind.startswith("multi") else value
    if "options" in element:
        options = [option["value"] for option in element["options"]]
        return (
            chance.sample(options, chance.randint(0, len(options))) if kind == "checkboxes" else chance.choice(options)
        )
    return sendable(chance.choice((scene.typist.text, scene.typist.word, scene.typist.hostile))())[
        : element.get("max_length", 3000)
    ]


async def shortcut(scene: FuzzEnvironment) -> str:
    """A message shortcut, on a card or a message of somebody, perhaps with a file."""
    name = scene.chance.choice(
        [entry.name for entry in scene.typist.entries_of(HandlerKind.SHORTCUT)] + [scene.typist.word()]
    )
    if scene.chance.random() < 0.3:
        file = f"{scene.typist.word()[:40]}.{scene.chance.choice(('ipa', 'apk', 'txt'))}"
        text = sendable(scene.typist.hostile())
        message = scene.world.slack.share(
            sendable(file).replace("/", "-"), b"PK\x03\x04", scene.world.ana, scene.world.releases, text
        )
    else:
        listed = scene.world.slack.messages(scene.world.releases)
        message = (
            scene.chance.choice(listed)
            if listed
            else scene.world.slack.say("hello", scene.world.ana, scene.world.releases)
        )
    user = scene.typist.user()
    turn = await scene.world.slack.shortcut(name, user=user, message=message)
    return scene.took(f"shortcut {name[:60]!r} by {user.handle} on {message.text[:60]!r}", turn)


async def mention(scene: FuzzEnvironment) -> str:
    """A mention in a channel or thread, perhaps delivered twice."""
    text, user, channel = sendable(scene.typist.text()) or "x", scene.typist.user(), scene.somewhere()
    thread = scene.chance.choice([None, *(message.ts for message in scene.world.slack.messages(channel)[-5:])])
    text = text if text.strip() else "?"  # Slack lets nobody say nothing, in a direct message least of all
    turn = await scene.world.slack.mention(text, user, channel, thread, retries=scene.chance.choice((0, 0, 1)))
    return scene.took(f"mention {text[:200]!r} by {user.handle} in {channel.name}", turn)


async def event(scene: FuzzEnvironment) -> str:
    """Something that happens to a channel, or an event nobody asked for."""
    slack, chance = scene.world.slack, scene.chance
    channel, deed = scene.somewhere(), chance.randint(0, 5)
    if deed in (0, 3) and channel is scene.world.releases and chance.random() < 0.8:
        deed = 4  # where nothing can be said, little happens
    try:
        if deed == 0:
            await slack.archive(channel, scene.world.ana)
        elif deed == 1:
            await slack.unarchive(channel, scene.world.ana)
        elif deed == 2:
            await slack.invite(channel, scene.world.ana)
        elif deed == 3:
            await slack.remove(channel, scene.world.ana)
        elif deed == 4:
            await slack.home(scene.typist.user())
        else:
            kind = chance.choice([*EVENTS, "message", "reaction_added", "tokens_revoked", scene.typist.word()])
            about = {
                "type": kind,
                "channel": chance.choice((channel.id, {"id": channel.id}, scene.typist.word(), None)),
            }
            about |= _about_links(scene) if kind in ("link_shared", "entity_details_requested") else {}
            return scene.took(
                f"event {about}",
                await slack.event(about | {"user": scene.typist.user().id, "text": scene.typist.word()}),
            )
    except ValueError:
        return f"event {deed}: Slack would not do that"
    return f"event {deed} in {channel.name}"


def _about_links(scene: FuzzEnvironment) -> dict[str, Any]:
    """Links of all kinds, in a message that there is or is not."""
    chance, typist = scene.chance, scene.typist
    apps = (
        "https://dashboard.applivery.io/acme/apps/courier",
        f"{scene.world.applivery.url}/acme/apps/courier/builds?id=",
    )
    links = [chance.choice((*apps, "", "https://")) + chance.choice((typist.word, typist.hostile))() for _ in range(3)]
    return {
        "channel": chance.choice((scene.somewhere().id, "COMPOSER", typist.word())),
        "message_ts": chance.choice(("1.000001", typist.word())),
        "links": [{"url": link, "domain": "x"} for link in links[: chance.randint(0, 3)]],
        "trigger_id": typist.word(),
        "entity_url": links[0],
        "external_ref": chance.choice(({"id": typist.value()}, {}, None)),
    }


async def typeahead(scene: FuzzEnvironment) -> str:
    """Somebody types into a menu, whether it is in a form or not."""
    payload = {
        **scene.world.slack.person.payloads.interaction("block_suggestion", scene.typist.user()),
        "action_id": scene.chance.choice(
            [entry.name for entry in scene.typist.entries_of(HandlerKind.OPTIONS)] + [scene.typist.word()]
        ),
        "block_id": "x",
        "value": scene.chance.choice((scene.typist.word, scene.typist.hostile))(),
        "view": {
            "private_metadata": scene.typist.value(),
            "state": {"values": {"get.app": {"x": {"value": scene.typist.value()}}}},
        },
    }
    ack = await scene.world.slack.delivery.ask("interactive", payload)
    what = f"typeahead {payload['action_id'][:60]!r} {payload['value'][:60]!r}"
    scene.statuses.append((what, 200 if ack.ok else 599))
    return what


def sendable(text: str) -> str:
    """The text without what no client of Slack's can send."""
    return text.encode("utf-8", "replace").decode()
