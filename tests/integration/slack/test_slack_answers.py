"""Whatever Slack answers to whatever is asked of it, at every door: an answer in time, and nothing for others."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib.util import find_spec
from itertools import cycle
from typing import Any

import pytest

from bot.db import access
from bot.slack.client import HTTP_SECONDS
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.commands.test_downloads import people
from tests.integration.slack.test_manifest import called_in_the_code
from tests.support.handing import ready
from tests.support.seeing import OLD_CARD, old_card

SECONDS = 10.0  # within which somebody who asked has to be answered
# What the pages of the methods list, beside what is refused by every one of them.
# https://docs.slack.dev/reference/methods/conversations.info#errors and the others
EVERYWHERE = (
    "internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "team_added_to_org",
    "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "org_login_required",
    "ekm_access_denied", "missing_scope", "not_allowed_token_type", "access_denied", "no_permission",
    "team_access_not_granted", "two_factor_setup_required", "accesslimited", "enterprise_is_restricted",
    "invalid_arguments", "method_deprecated",
)  # fmt: skip
# About the request's form, which is the same for all methods: each at some of them.
FORMAL = (
    "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_form_data", "invalid_post_type",
    "missing_post_type", "deprecated_endpoint", "invalid_json", "json_not_object",
)  # fmt: skip
POSTING = (
    "channel_not_found", "not_in_channel", "is_archived", "msg_too_long", "no_text", "restricted_action",
    "restricted_action_read_only_channel", "restricted_action_thread_locked", "too_many_attachments", "invalid_blocks",
    "invalid_blocks_format", "metadata_too_large", "duplicate_client_msg_id", "cannot_reply_to_message",
    "rate_limited", "user_not_found", "messages_tab_disabled", "slack_connect_file_link_sharing_blocked",
)  # fmt: skip
ERRORS: dict[str, tuple[str, ...]] = {
    "auth.test": (),
    "auth.teams.list": ("not_allowed_token_type", "invalid_cursor"),
    "blocks.validate": ("invalid_blocks", "invalid_arguments"),
    "bots.info": ("bot_not_found",),
    "users.info": ("user_not_found", "user_not_visible"),
    "users.lookupByEmail": ("users_not_found",),
    "users.list": ("limit_required", "invalid_cursor"),
    "usergroups.list": ("plan_upgrade_required", "permission_denied"),
    "usergroups.users.list": ("no_such_subteam", "plan_upgrade_required"),
    "conversations.info": ("channel_not_found", "method_not_supported_for_channel_type"),
    "conversations.members": ("channel_not_found", "fetch_members_failed", "invalid_cursor", "invalid_limit"),
    "users.conversations": ("invalid_cursor", "invalid_limit", "invalid_types"),
    "conversations.open": ("channel_not_found", "user_not_found", "user_disabled", "users_list_not_supplied"),
    "conversations.history": ("channel_not_found", "not_in_channel", "invalid_ts_oldest", "invalid_metadata_keys"),
    "conversations.replies": ("channel_not_found", "thread_not_found"),
    "chat.postMessage": POSTING,
    "chat.update": ("cant_update_message", "edit_window_closed", "message_not_found", *POSTING),
    "chat.delete": ("cant_delete_message", "message_not_found", "compliance_exports_prevent_deletion"),
    "chat.postEphemeral": ("user_not_in_channel", *POSTING),
    "chat.getPermalink": ("channel_not_found", "message_not_found"),
    "chat.unfurl": ("cannot_find_message", "cannot_unfurl_url", "cannot_unfurl_message", "error_processing_metadata"),
    "entity.presentDetails": ("feature_not_enabled", "invalid_trigger_id", "invalid_metadata"),
    "views.open": ("expired_trigger_id", "trigger_exchanged", "view_too_large", "duplicate_external_id"),
    "views.publish": ("not_found", "hash_conflict", "view_too_large", "not_enabled"),
    "files.getUploadURLExternal": ("file_upload_size_restricted", "invalid_file_size", "unknown_snippet_type"),
    "files.completeUploadExternal": ("file_not_found", "channel_not_found", "posting_to_channel_denied"),
    "files.info": ("file_not_found", "file_deleted", "slack_connect_file_upload_sharing_blocked"),
}  # fmt: skip
OTHERWISE: dict[str, Fault] = {
    "429, a second": Fault(status=429, retry_after=1),
    "silence": Fault(latency=30),
    "503": Fault(status=503),
    "no answer": Fault(drop=True),
    "a page": Fault(body="<html>"),
    "nothing in it": Fault(packed=b'{"ok": true}', coding="identity"),
}
SLOW = ("503", "no answer")  # is tried again, so it is met by some methods only
ACTS = ("chat.postEphemeral", "views.open", "views.publish", "files.completeUploadExternal")
# What the bot asks by itself, after a crash, of a file or for a link: nobody waits for it at these doors.
BY_ITSELF = {
    "auth.test", "users.list", "conversations.open", "conversations.history", "conversations.replies", "chat.update",
    "chat.delete", "files.info", "users.conversations", "auth.teams.list", "blocks.validate", "bots.info",
    "chat.unfurl", "entity.presentDetails",
}  # fmt: skip


def answers(method: str, number: int) -> dict[str, Fault]:
    """What this method may answer: each of its errors, and what else may come in place of one."""
    errors = {error: Fault(error=error) for error in (*ERRORS[method], *EVERYWHERE, *FORMAL[number % 4 :: 4])}
    some = [what for what in OTHERWISE if what not in SLOW or number % 5 == SLOW.index(what)]
    if method in ACTS:
        some.remove("nothing in it")  # that it was done is all there is to say
    return errors | {what: OTHERWISE[what] for what in some}


# ------------------------------------------------------------------ the doors


async def _typed(world: Environment, text: str) -> None:
    await world.slack.command("/applivery", text, user=world.ana, channel=world.releases)


async def _clicked(world: Environment, action: str, value: str) -> None:
    card = old_card(world.slack, world.releases, action, value)
    await world.slack.click(card, action, user=world.ana)


async def _shortcut(world: Environment) -> None:
    build = next(iter(world.applivery.builds))
    card = old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{build.id}")
    await world.slack.shortcut("get_build", user=world.ana, message=card)


async def _home(world: Environment) -> None:
    await world.slack.home(world.ana)


def _of_the_build(world: Environment) -> str:
    return f"{world.courier.id}/{next(iter(world.applivery.builds)).id}"


DOORS: dict[str, Callable[[Environment], Awaitable[Any]]] = {
    "a command": lambda world: _typed(world, "get courier"),
    "a report in direct messages": lambda world: _typed(world, "downloads courier"),
    "a file": lambda world: _clicked(world, "summary.csv.v1", world.courier.id),
    "a group compared": lambda world: _typed(world, "downloads courier missing:<!subteam^S0S000001|@qa>"),
    "a channel compared": lambda world: _typed(world, f"downloads courier missing:<#{world.releases.id}|releases>"),
    "a grant": lambda world: _typed(world, f"grant <#{world.releases.id}|releases> manager"),
    "a subscription": lambda world: _typed(world, "subscribe courier mention:@qa"),
    "a form asked for": lambda world: _typed(world, "downloads"),
    "sharing": lambda world: _clicked(world, "share.v1", _of_the_build(world)),
    "a link from a card": lambda world: _clicked(world, "get.v1", _of_the_build(world)),
    "the uploader told": lambda world: _clicked(world, "failed.tell.v1", _of_the_build(world)),
    "a mention": lambda world: world.slack.mention("status courier", world.ana, world.releases),
    "a shortcut": _shortcut,
    "the Home tab": _home,
}


def seen(world: Environment) -> tuple[int, ...]:
    """How much Ana has been shown: private messages, direct ones, forms, and her Home."""
    homes = [call for call in world.slack.calls_of("views.publish") if (call.answer or {}).get("ok")]
    direct = world.slack.messages(world.slack.dm(world.ana))
    return (len(world.slack.ephemerals(world.ana)), len(direct), len(world.slack.modals.views), len(homes))


def public(world: Environment) -> int:
    """How many messages everybody in #releases reads, made-up cards and Ana's own words left out."""
    return len(
        [message for message in world.slack.messages(world.releases) if message.bot_id and message.text != OLD_CARD]
    )


async def _known(world: Environment) -> None:
    world.slack.usergroup("qa", [world.bruno])
    await world.start()
    ready(world, uploader={"email": "bruno@acme.test"})
    people(world)
    await world.ask("whoami")


async def _enter(world: Environment, door: str) -> float:
    """Go in as somebody whom the bot does not remember, and wait for the end of it; returns the seconds it took."""
    world.bot.dispatcher._people.invalidate(world.ana.id)
    await world.bot.store.run(access.disallow_names_in, world.releases.id)
    started = time.monotonic()
    await DOORS[door](world)
    await world.bot.dispatcher.drain(30)
    return time.monotonic() - started


async def _asked_at(world: Environment) -> dict[str, list[str]]:
    """The doors at which each method is called when all is well."""
    found: dict[str, list[str]] = {}
    for door in DOORS:
        before, shown = len(world.slack.calls), seen(world)
        await _enter(world, door)
        assert seen(world) != shown or door == "sharing", door
        for method in dict.fromkeys(call.method for call in world.slack.calls[before:]):
            found.setdefault(method, []).append(door)
    return found


def test_every_method_that_is_called_has_its_errors() -> None:
    assert set(ERRORS) == {name for name in called_in_the_code() if not name.startswith("apps.")}


PARTS = 4  # of the methods, each for a worker of its own: most of a minute is waited


@pytest.mark.parametrize("part", range(PARTS))
async def test_user_is_answered_on_any_slack_error(world: Environment, part: int) -> None:
    await _known(world)
    asked_at = await _asked_at(world)
    assert set(ERRORS) - asked_at.keys() == BY_ITSELF - asked_at.keys()
    wrong: list[str] = []
    for number, (method, doors) in [*enumerate(sorted(asked_at.items()))][part::PARTS]:
        for (what, fault), door in zip(answers(method, number).items(), cycle(doors), strict=False):
            shown, read = seen(world), public(world)
            world.slack.faults.add(method, fault, times=None)
            seconds = await _enter(world, door)
            met = bool(world.slack.faults.fired)
            world.slack.faults.clear()
            world.slack.faults.fired.clear()
            unseen = seen(world) == shown and public(world) == read
            if met and seconds > SECONDS:
                wrong.append(f"{door}: {method} {what} took {seconds:.1f} s")
            # who opens their Home asked for nothing: there is no other place to say that it cannot be shown
            if met and unseen and (door, method) != ("the Home tab", "views.publish"):
                wrong.append(f"{door}: {method} {what} was not answered")
            if met and public(world) != read and method in ("users.info", "conversations.info"):
                wrong.append(f"{door}: {method} {what} let something be read by everybody")
    assert "\n".join(wrong) == ""


# What a person waits for of Slack at most is decided in bot.timeouts.
PATIENCE = pytest.mark.skipif(find_spec("bot.timeouts") is None, reason="a person waits as long as Slack says, so far")


@PATIENCE
@pytest.mark.parametrize("fault", [Fault(status=429, retry_after=3600), Fault(latency=30)], ids=["429", "silence"])
@pytest.mark.parametrize(("method", "door"), [("conversations.info", "sharing"), ("users.info", "a command")])
async def test_user_answer_does_not_wait_for_slow_slack(
    world: Environment, fault: Fault, method: str, door: str
) -> None:
    world.tuning = replace(world.tuning, slack_seconds=HTTP_SECONDS)
    await _known(world)
    shown, read = seen(world), public(world)
    world.slack.faults.add(method, fault, times=None)
    assert await _enter(world, door) < SECONDS
    assert seen(world) != shown
    assert public(world) == read
