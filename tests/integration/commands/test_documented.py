"""What the documents say to type in Slack is answered without an error."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import bot.commands
from bot.dispatch.registry import HandlerRegistry
from bot.domain.outcomes import RequestOutcome
from tests.conftest import Environment
from tests.repository.shell import ROOT
from tests.support.handing import ready, rested

GUIDES = ("README", "docs/tester", "docs/release-manager", "docs/manager", "docs/admin", "docs/operations")
NAMES = {entry.name for entry in HandlerRegistry.scan(bot.commands).commands()}
# What has to be there before; the names that the examples use are seeded below.
BEFORE = {
    "unsubscribe": ["subscribe courier", "subscribe field-notes", "subscribe storefront"],
    "unsubscribe d3": [f"downloads courier every:{day}@09:00" for day in ("monday", "tuesday", "friday")],
    "unrecall": ["recall courier 2.4.0 os:ios again"],
    "unmute": ["subscribe courier", "mute 4h"],
    "mute": ["subscribe courier"],
    "revoke": ["grant @bruno releaser", "grant @qa-team manager app:courier", "grant #leads manager"],
}


def typed() -> Iterator[str]:
    """Each command in the guides that is whole: a subcommand without brackets or an ellipsis."""
    for name in GUIDES:
        for code in re.findall(r"`([^`\n]+)`", (ROOT / f"{name}.md").read_text()):
            if code in NAMES:
                continue  # names the command, and need not work without its arguments
            words = code.removeprefix("/applivery ").replace("\\|", "|")
            if words.split()[0] in NAMES and not set(words) & set("[]<>…|") and "role" not in words:
                yield words


def examples() -> Iterator[str]:
    """Each example on the reference page."""
    text = (ROOT / "docs/reference/commands.md").read_text()
    yield from re.findall(r"^ {4}/applivery ?(.*)$", text, re.MULTILINE)


COMMANDS = list(dict.fromkeys([*typed(), *examples()]))


def test_documents_have_commands() -> None:
    assert {"get courier", "status", "grant #leads manager", "subscribe *"} <= set(COMMANDS)


@pytest.mark.parametrize("name", sorted({command.partition(" ")[0] for command in COMMANDS} - {""}))
async def test_documented_command_is_answered(world: Environment, name: str) -> None:
    names = seeded(world)
    await world.start()
    for command in (command for command in COMMANDS if command.partition(" ")[0] == name):
        for before in (*BEFORE.get(name, ()), *(BEFORE.get(command, ()) if command != name else ())):
            await send(world, before, names)
        answer = await send(world, command, names)
        outcomes = {
            sample.labels["outcome"]
            for metric in world.bot.metrics.requests.collect()
            for sample in metric.samples
            if sample.name.endswith("_total") and sample.value
        }
        assert outcomes == {RequestOutcome.ANSWERED}, f"{command}: {answer}"


async def send(world: Environment, command: str, names: dict[str, str]) -> str:
    command = re.sub(r"[@#][a-z-]+", lambda name: names.get(name.group(), name.group()), command)
    turn = await world.slack.command("/applivery", command, user=world.ana, channel=world.releases)
    assert turn.acked, turn.error
    await rested(world)
    return " ".join(answer.text for answer in turn.answers)


def seeded(world: Environment) -> dict[str, str]:
    """Create what the examples name; returns how Slack sends each mention."""
    ready(world, os="ios", version="2.3.9", number="171")
    ready(world, os="ios")
    ready(world, os="android", version="2.4", number="172", branch="main", id="65f0c1d2e3a4b5c6d7e8f901")
    ready(world, os="ios", version="2.4.1", number="190")
    for slug in ("field-notes", "storefront"):
        world.applivery.build(world.applivery.app(slug.title(), slug=slug), version="1.1.0", number="17")
    guest = world.slack.user("guest", name="Guest", email="guest@acme.test", guest=True)
    group = world.slack.usergroup("qa-team", [world.bruno])
    leads = world.slack.channel("leads", members=(world.ana,))
    for channel in (world.releases, leads):
        channel.members.append(guest.id)
    people = {
        "@colleague": world.bruno,
        "@guest": guest,
        "@bruno": world.bruno,
        "@ana": world.ana,
        "@person": world.bruno,
    }
    return {
        **{name: f"<@{user.id}|{user.handle}>" for name, user in people.items()},
        **dict.fromkeys(("@qa", "@qa-team", "@mobile-qa", "@group"), f"<!subteam^{group.id}|@qa-team>"),
        **dict.fromkeys(("#leads", "#channel"), f"<#{leads.id}|leads>"),
        "#releases": f"<#{world.releases.id}|releases>",
    }
