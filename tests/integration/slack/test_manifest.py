from __future__ import annotations

import ast
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import bot.commands
from bot.applivery.hosts import link_places
from bot.dispatch.registry import HandlerRegistry
from bot.slack.manifest import manifest
from bot.slack.scopes import EVENTS, METHODS, NAME_A_WORKSPACE, OPTIONAL, ORGANIZATION_EVENTS, REQUIRED, SCOPES
from sandbox.slack.methods import METHODS as SLACKS
from sandbox.slack.organization import NEED_TEAM_ID
from sandbox.slack.user_actions import EVENT_SCOPES
from tests.conftest import Environment
from tests.integration.dispatch.test_dispatcher import say_everything
from tests.support.asking import AROUND
from tests.support.slack_manifest import Manifest, check_manifest

ROOT = Path(__file__).resolve().parents[3]
SHORTCUTS = HandlerRegistry.scan(bot.commands).shortcuts()
DEFAULT = manifest(
    command="/applivery",
    public_url=None,
    socket_mode=True,
    shortcuts=SHORTCUTS,
    unfurl_domains=link_places().domains(),
)
HTTP = manifest(command="/builds", public_url="https://bot.acme.test/", socket_mode=False, shortcuts=SHORTCUTS)

# One method of the SDK that is several of Slack's.
SEVERAL = {"files_upload_v2": {"files.getUploadURLExternal", "files.completeUploadExternal"}}


def test_the_file_at_the_top_is_what_the_code_says() -> None:
    assert yaml.safe_load((ROOT / "manifest.yml").read_text()) == DEFAULT


@pytest.mark.parametrize("socket_mode", [True, False], ids=["socket", "http"])
@pytest.mark.parametrize("command", ["/applivery", "/b", "/" + "x" * 31])
@pytest.mark.parametrize(
    "url", [None, "https://bot.acme.test/", "http://127.0.0.1:3000", "https://b.test/" + "p" * 900]
)
@pytest.mark.parametrize("name", ["Applivery", "B", "Acme Builds — Ünïts & 建設", "y" * 35])
def test_manifest_is_one_that_slack_takes(socket_mode: bool, command: str, url: str | None, name: str) -> None:
    made = manifest(command=command, public_url=url, socket_mode=socket_mode, shortcuts=SHORTCUTS, name=name)
    check_manifest(made)
    assert made["display_information"]["name"] == made["features"]["bot_user"]["display_name"] == name


def test_organisation_s_manifest_lets_it_be_installed_once() -> None:
    made = manifest(command="/a", public_url=None, socket_mode=True, shortcuts=SHORTCUTS, organization=True)
    check_manifest(made)
    assert made["settings"]["org_deploy_enabled"] is True
    assert made["settings"]["event_subscriptions"]["bot_events"] == [*EVENTS, *ORGANIZATION_EVENTS]
    assert DEFAULT["settings"]["org_deploy_enabled"] is False, "Slack lets nobody take it back"


WRONG: dict[str, Any] = {
    "a name too long": lambda it: it["display_information"].update(name="x" * 36),
    "an unknown field": lambda it: it["settings"].update(hosted=True),
    "a text for a boolean": lambda it: it["settings"].update(socket_mode_enabled="yes"),
    "a scope that is only optional": lambda it: it["oauth_config"]["scopes"]["bot_optional"].append("team:read"),
    "a scope twice": lambda it: it["oauth_config"]["scopes"]["bot"].append("commands"),
    "an address over sockets": lambda it: it["settings"]["event_subscriptions"].update(request_url="https://b.test"),
    "no interactivity": lambda it: it["settings"]["interactivity"].pop("is_enabled"),
    "a command of another kind": lambda it: it["features"]["slash_commands"][0].update(command="applivery"),
    "a shortcut's name too long": lambda it: it["features"]["shortcuts"][0].update(name="x" * 25),
    "version 3": lambda it: it.update(_metadata={"major_version": 3}),
}


@pytest.mark.parametrize("fault", WRONG)
def test_the_check_refuses_what_slack_refuses(fault: str) -> None:
    wrong = deepcopy(DEFAULT)
    WRONG[fault](wrong)
    with pytest.raises(ValidationError):
        Manifest.model_validate(wrong)


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
    assert all(feature.name and feature.uses for feature in OPTIONAL.values())
    assert DEFAULT["oauth_config"]["scopes"] == {"bot": list(SCOPES), "bot_optional": list(OPTIONAL)}


def test_optional_is_what_the_bot_can_do_without() -> None:
    histories = {"channels:history", "groups:history", "im:history"}
    others = {"files:read", "files:write", "links:read", "links:write", "users:read.email", "usergroups:read"}
    assert OPTIONAL.keys() == histories | others
    assert {*REQUIRED, *OPTIONAL} == SCOPES.keys()


def called_in_the_code() -> set[str]:
    """The Web API methods that stand in the bot's own source: `api.chat_delete(…)` and `api_call("chat.update", …)`."""
    named: set[str] = set()
    known = {name.replace(".", "_"): name for name in SLACKS}
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


def test_every_method_that_is_called_is_in_the_table() -> None:
    assert called_in_the_code() | {"apps.connections.open"} == METHODS.keys()


def test_methods_that_need_a_workspace_are_those_that_name_one() -> None:
    assert set(NAME_A_WORKSPACE) == METHODS.keys() & NEED_TEAM_ID


@pytest.mark.parametrize("name", METHODS)
def test_a_method_s_scopes_are_those_that_slack_wants(name: str) -> None:
    assert name in SLACKS, "the sandbox does not know a method that is called"
    assert set(METHODS[name]) == set(SLACKS[name].scopes) & SCOPES.keys()
    assert bool(METHODS[name]) == bool(SLACKS[name].scopes), "none of its scopes is asked for"


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_s_scope_is_the_one_that_slack_wants(name: str) -> None:
    scopes = EVENT_SCOPES.get(name, ())
    assert EVENTS[name].scope in scopes if scopes else EVENTS[name].scope == ""


def test_no_scope_is_asked_for_that_nothing_needs() -> None:
    of_methods = {scope for scopes in METHODS.values() for scope in scopes}
    of_events = {event.scope for event in EVENTS.values()} - {""}
    assert of_methods | of_events | {"commands", "users:read.email"} == SCOPES.keys()  # the two: a command, a field


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
        f"{kind}:history": lambda: world.bot.slack_client.find_messages(place.id, ("key",), (AROUND,)),
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
