from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import bot.commands
from bot.dispatch.registry import HandlerRegistry
from bot.slack.manifest import SCOPES, manifest
from sandbox.slack.methods import METHODS
from tests.conftest import Environment
from tests.integration.dispatch.test_dispatcher import say_everything

ROOT = Path(__file__).resolve().parents[3]
SHORTCUTS = HandlerRegistry.scan(bot.commands).shortcuts()
DEFAULT = manifest(command="/applivery", public_url=None, socket_mode=True, shortcuts=SHORTCUTS)
HTTP = manifest(command="/builds", public_url="https://bot.acme.test/", socket_mode=False, shortcuts=SHORTCUTS)

# What the sandbox cannot know: the slash command itself, and the kinds of channel.
BY_USE = {
    "commands": "a slash command",
    "app_mentions:read": "an event",
    "groups:read": "private channels",
    "groups:history": "private channels",
    "users:read.email": "a field of a person",
}

# One method of the SDK that is several of Slack's.
SEVERAL = {"files_upload_v2": {"files.getUploadURLExternal", "files.completeUploadExternal"}}


def test_the_file_at_the_top_is_what_the_code_says() -> None:
    assert yaml.safe_load((ROOT / "manifest.yml").read_text()) == DEFAULT


@pytest.mark.parametrize("it", [DEFAULT, HTTP], ids=["socket", "http"])
def test_manifest_keeps_slack_limits(it: dict[str, Any]) -> None:
    about, features = it["display_information"], it["features"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert len(features["bot_user"]["display_name"]) <= 80
    assert 1 <= len(features["slash_commands"]) <= 50
    for command in features["slash_commands"]:
        assert re.fullmatch(r"/\S{1,31}", command["command"])
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
    scopes = it["oauth_config"]["scopes"]["bot"]
    assert len(scopes) == len(set(scopes)) <= 255
    assert it["settings"]["interactivity"]["is_enabled"] is True


def test_manifest_socket_mode_no_address_and_http_everywhere() -> None:
    assert DEFAULT["settings"]["socket_mode_enabled"] is True
    assert "url" not in str(DEFAULT).replace("_url", "url").split("background_color")[1].replace("unfurl", "")
    assert HTTP["settings"]["socket_mode_enabled"] is False
    url = "https://bot.acme.test/slack/events"
    assert HTTP["features"]["slash_commands"][0]["url"] == url
    interactivity = HTTP["settings"]["interactivity"]
    assert (interactivity["request_url"], interactivity["message_menu_options_url"]) == (url, url)


def test_mentions_in_a_command_arrive_as_ids() -> None:
    assert DEFAULT["features"]["slash_commands"][0]["should_escape"] is True


def test_every_scope_has_a_reason() -> None:
    assert all(len(reason) > 10 for reason in SCOPES.values())
    assert DEFAULT["oauth_config"]["scopes"]["bot"] == list(SCOPES)


def called_in_the_code() -> set[str]:
    """The Web API methods that stand in the bot's own source: `api.chat_delete(…)` and `api_call("chat.update", …)`."""
    named: set[str] = set()
    known = {name.replace(".", "_"): name for name in METHODS}
    for file in (ROOT / "bot").rglob("*.py"):
        if "sandbox" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "api_call" and isinstance(node.args[0], ast.Constant):
                named.add(str(node.args[0].value))
            elif node.func.attr in SEVERAL:
                named |= SEVERAL[node.func.attr]
            elif node.func.attr in known and ast.unparse(node.func.value).endswith(("api", "_once", "client")):
                named.add(known[node.func.attr])
    return named


def test_the_scopes_are_those_the_code_s_calls_need_and_no_more() -> None:
    called = called_in_the_code()
    assert {"chat.postMessage", "chat.update", "chat.delete", "views.open", "users.info", "auth.test"} <= called
    assert called <= METHODS.keys(), "the sandbox does not know a method that is called"
    for method in called:
        wanted = set(METHODS[method].scopes)
        assert not wanted or wanted & SCOPES.keys(), f"{method} needs one of {wanted}"
    needed = {scope for method in called for scope in METHODS[method].scopes}
    assert SCOPES.keys() - needed <= BY_USE.keys(), "asked for and never needed"


async def test_everything_works_with_the_scopes_of_the_manifest_alone(world: Environment) -> None:
    world.slack.scopes = set(SCOPES)
    await world.start()
    await say_everything(world)
    called = {call.method for call in world.slack.calls}
    assert {call.method for call in world.slack.calls if not (call.answer or {}).get("ok")} == set()
    assert called <= called_in_the_code() | {"apps.connections.open"}


@pytest.mark.parametrize("private", [False, True])
async def test_each_scope_that_is_taken_away_is_missed(world: Environment, private: bool) -> None:
    """The smallest set: without any one of them something here fails."""
    place = world.slack.channel("hidden", private=True, members=(world.ana,)) if private else world.releases
    await world.start()
    kind = "groups" if private else "channels"
    missed = {}
    for scope, act in {
        "chat:write": lambda: world.bot.slack_client.post(place.id, _hello()),
        "users:read": lambda: world.bot.slack_client.user(world.ana.id),
        f"{kind}:read": lambda: world.bot.slack_client.channel(place.id),
        f"{kind}:history": lambda: world.bot.slack_client.find_message(place.id, "key", world.bot.tuning.clock()),
    }.items():
        world.slack.scopes = set(SCOPES) - {scope}
        try:
            await act()
        except Exception as error:  # noqa: BLE001 - which one is the point
            missed[scope] = str(error)
    assert missed.keys() == {"chat:write", "users:read", f"{kind}:read", f"{kind}:history"}
    assert all(f"`{scope}`" in words for scope, words in missed.items())


def _hello() -> Any:
    from bot.slack.blocks import Message

    return Message("hello")


def test_the_reference_explains_every_scope() -> None:
    page = (ROOT / "docs/reference/slack.md").read_text()
    assert [scope for scope in SCOPES if f"`{scope}`" not in page] == []
