"""With the required scopes alone nothing breaks, and each feature that is off says so to who asks for it."""

from __future__ import annotations

import io

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

import bot.slack.client as slack_client
from bot.exceptions import FeatureOff
from bot.slack.errors import to_slack_error
from bot.slack.scopes import OPTIONAL, REQUIRED
from tests.conftest import Environment
from tests.integration.dispatch.test_dispatcher import say_everything


def off(scope: str) -> str:
    return f"an admin can add the optional permission `{scope}`."


@pytest.fixture
async def least(world: Environment) -> Environment:
    world.slack.scopes = set(REQUIRED)
    world.applivery.build(world.courier, version="1.0.0")
    await world.start()
    await world.ask("get courier")  # so that there is something in the audit log
    return world


async def said(world: Environment, typed: str) -> str:
    """The private answer to what Ana types."""
    qa = next(iter(world.slack.usergroups.values()), None) or world.slack.usergroup("qa", users=(world.bruno,))
    words = typed.format(qa=f"<!subteam^{qa.id}|@qa>", channel=f"<#{world.releases.id}|releases>", bruno=world.bruno.id)
    answer = await world.ask(words)
    return f"{answer.text} {answer.blocks}"


async def test_required_scopes_are_enough_for_all_else(world: Environment, log: io.StringIO) -> None:
    world.slack.scopes = set(REQUIRED)
    await world.start()
    await say_everything(world)
    refused = [call for call in world.slack.calls if not (call.answer or {}).get("ok")]
    assert {(call.answer or {}).get("error") for call in refused} <= {"missing_scope"}
    assert '"level": "error"' not in log.getvalue()
    assert '"level": "warning"' not in log.getvalue()
    assert log.getvalue().count("slack.features_off") == 2  # one for each start


@pytest.mark.parametrize(
    ("typed", "scope"),
    [
        ("grant {qa} releaser", "usergroups:read"),
        ("subscribe courier mention:@qa", "usergroups:read"),
        ("downloads courier missing:{qa}", "users:read.email"),
        ("downloads courier missing:{channel}", "users:read.email"),
        ("downloads courier person:<@{bruno}>", "users:read.email"),
        ("upload", "files:read"),
        ("upload courier", "files:read"),
        ("attach", "files:read"),
        ("attach courier 1.0.0", "files:read"),
        ("audit format:csv", "files:write"),
    ],
)
async def test_feature_that_is_off_says_so(least: Environment, typed: str, scope: str) -> None:
    answer = await said(least, typed)
    assert off(scope) in answer
    assert "Reference" not in answer


async def test_missing_in_a_group_needs_both_scopes(least: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_client, "SCOPES_SECONDS", 0.0)
    least.slack.scopes |= {"users:read.email"}
    assert off("usergroups:read") in await said(least, "downloads courier missing:{qa}")


@pytest.mark.parametrize("shortcut", ["upload_build", "attach_file"])
async def test_shortcut_without_files_read_says_so(least: Environment, shortcut: str) -> None:
    message = least.slack.share("courier.apk", b"PK", least.ana, least.releases)
    turn = await least.slack.shortcut(shortcut, user=least.ana, channel=least.releases, message=message)
    assert off("files:read") in (await turn.answer()).text
    assert least.slack.modal(least.ana) is None


async def test_file_that_cannot_be_sent_leaves_no_message(least: Environment) -> None:
    before = len(least.slack.messages(least.slack.dm(least.ana)))
    await said(least, "audit format:csv")
    assert len(least.slack.messages(least.slack.dm(least.ana))) == before


async def test_group_grants_are_off_and_others_stand(world: Environment) -> None:
    qa = world.slack.usergroup("qa", users=(world.bruno,))
    await world.start()
    await world.ask(f"grant <!subteam^{qa.id}|@qa> releaser")
    eva = world.slack.user("eva")
    world.releases.members.append(eva.id)
    await world.ask(f"grant <@{eva.id}> releaser")
    world.slack.scopes = set(REQUIRED)
    await world.restart()
    assert "*releaser*" not in (await world.ask("whoami", user=world.bruno)).text
    await world.ask("subscribe courier", user=eva)
    resolver = world.bot.dispatcher.services.access.uncached()
    roles = {
        user.handle: (await resolver.resolve_actor(user.id, world.releases.id)).role.word for user in (world.bruno, eva)
    }
    assert roles == {"bruno": "member", "eva": "releaser"}


async def test_scope_added_later_needs_no_restart(least: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_client, "SCOPES_SECONDS", 0.0)
    assert off("files:read") in await said(least, "upload")
    least.slack.scopes |= {"files:read"}
    turn = await least.slack.command("/applivery", "upload", user=least.ana, channel=least.releases)
    assert (await turn.view()).callback_id == "upload.v1"


@pytest.mark.parametrize("scope", OPTIONAL)
def test_needed_scopes_are_read_as_slack_lists_them(scope: str) -> None:
    """Slack names every scope of which one would do, parted by commas."""
    said = {"ok": False, "error": "missing_scope", "needed": f"mpim:read,{scope},team:read", "provided": "commands"}
    response = AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=said, headers={}, status_code=200
    )
    error = to_slack_error(SlackApiError("no", response))
    assert isinstance(error, FeatureOff)
    assert (error.scope, error.code) == (scope, "missing_scope")
