"""*It didn't install*: four taps at most to the cause, counted without a name, and told to nobody unless asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.db import audit, history, install_failures
from bot.db.types import micros
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.model.failures import FailureCause
from bot.slack.views import links as link_cards
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.everything import dump, execute
from tests.support.seeing import labels, old_card, press
from tests.support.shown import texts

IN_HOUSE = {"ExpirationDate": "2100-01-01T00:00:00Z", "ProvisionsAllDevices": True, "signingType": "enterprise"}


def ready(world: Environment, min_os: str = "15.0", **about: Any) -> FakeBuild:
    profile = about.pop("profile", IN_HOUSE)
    build = world.applivery.build(world.courier, **{"version": "2.4.0", "number": "173", **about})
    if "ios" in build.wire["info"]:
        build.wire["info"]["ios"]["plist"]["MinimumOSVersion"] = min_os
        build.wire["info"]["ios"]["mobileprovision"] |= profile
    return build


def used(world: Environment, os: str = "ios", **about: Any) -> None:
    old = world.applivery.build(world.courier, version="1.0.0", number="1", os=os)
    at = datetime.now(UTC) - timedelta(days=10)
    world.applivery.download(old, world.applivery.member(email="ana@acme.test"), **{"at": at, **about})


def every_block_text(message: Any) -> str:
    """What is shown of a message, buttons left out."""
    return "\n".join(text for block in message.blocks if block["type"] != "actions" for text in texts(block))


async def tap(world: Environment, message: Any, *words: str, user: Any = None) -> Any:
    """Press these buttons, each on the answer to the one before; the last answer."""
    for word in words:
        turn = await press(world.slack, message, word, user=user or world.ana)
        message = await turn.answer()
    return message


async def answers(world: Environment, app: Any = None) -> dict[FailureCause, int]:
    return await world.bot.store.run(install_failures.count_failures, (app or world.courier).id)


# ------------------------------------------------------------------ the taps


async def test_three_questions_lead_to_a_cause(world: Environment) -> None:
    await world.start()
    ready(world)
    link = await world.ask("get courier")
    first = await tap(world, link, "It didn't install")
    assert first.ephemeral_to == world.ana.id
    assert labels(first) == ["iPhone or iPad", "Android phone", "Computer"]
    second = await tap(world, first, "iPhone or iPad")
    assert labels(second) == [
        "No prompt appeared", "“Unable to install”", "It doesn't open", "The link didn't work", "Something else",
    ]  # fmt: skip
    third = await tap(world, second, "It doesn't open")
    assert labels(third) == ["“Untrusted Enterprise Developer”", "Trusted, but not restarted since", "None of these"]
    fourth = await tap(world, third, "“Untrusted Enterprise Developer”")
    assert "Trust the developer in" in fourth.text
    assert labels(fourth)[:2] == ["Get new link", "Apple Support"]
    assert await answers(world) == {FailureCause.NOT_TRUSTED: 1}


async def test_a_known_device_is_not_asked_about(world: Environment) -> None:
    await world.start()
    used(world)
    ready(world)
    first = await tap(world, await world.ask("get courier"), "It didn't install")
    assert "It doesn't open" in labels(first)


async def test_a_system_that_is_too_old_is_said_at_once(world: Environment) -> None:
    await world.start()
    used(world)
    ready(world, "18.0")
    found = await tap(world, await world.ask("get courier"), "It didn't install")
    assert "Likely cause: This app needs iOS 18.0 or newer" in found.text
    assert "Your last download was from iOS 17.1" in every_block_text(found)
    assert await answers(world) == {FailureCause.OLD_SYSTEM: 1}
    other = await tap(world, found, "Something else", "No prompt appeared", "A file was downloaded instead")
    assert "An .ipa file is for computers" in other.text
    assert await answers(world) == {FailureCause.WRONG_FILE: 1}


@pytest.mark.parametrize("word", ["Android phone", "Computer"])
async def test_another_kind_of_device_is_the_cause(world: Environment, word: str) -> None:
    await world.start()
    ready(world)
    found = await tap(world, await world.ask("get courier"), "It didn't install", word)
    assert "for another kind of device" in found.text
    assert "Details" in labels(found)
    assert await answers(world) == {FailureCause.WRONG_DEVICE: 1}


async def test_an_android_build_offers_its_other_file(world: Environment) -> None:
    await world.start()
    used(world, os="android", device="Pixel 8", os_version="14")
    ready(world, os="android", extension="aab")
    answer = await world.ask("get courier type:aab os:android")
    found = await tap(world, answer, "It didn't install", "The file doesn't open", "An .aab file can't be installed")
    assert "Get .apk" in labels(found)
    assert "Download .apk" in labels(await tap(world, found, "Get .apk"))


async def test_the_copy_in_direct_messages_has_the_button(world: Environment) -> None:
    await world.start()
    ready(world)
    await tap(world, await world.ask("get courier"), "Send to my DM")
    copy = world.slack.messages(world.slack.dm(world.ana))[-1]
    assert "It didn't install" in labels(copy)
    assert "iPhone or iPad" in labels(await tap(world, copy, "It didn't install"))


async def test_a_new_link_is_one_tap_away(world: Environment) -> None:
    await world.start()
    ready(world)
    link = await world.ask("get courier")
    found = await tap(world, link, "It didn't install", "iPhone or iPad", "The link didn't work")
    again = await tap(world, found, "Get new link")
    assert "It didn't install" in labels(again)
    assert again.text != link.text


async def test_an_expired_link_takes_an_answer(world: Environment) -> None:
    await world.start()
    build = ready(world)
    again = f"{world.courier.id}/{build.id}/file"
    card = old_card(world.slack, world.releases, "failed.v1", again)
    assert link_cards.expired("Courier 2.4.0", again).blocks[-1]["elements"][1]["value"] == again
    assert "iPhone or iPad" in labels(await tap(world, card, "Old"))


async def test_a_build_for_other_devices_has_two_answers(world: Environment) -> None:
    await world.start()
    build = ready(world, os="linux", extension="tar.gz")
    card = old_card(world.slack, world.releases, "failed.v1", f"{world.courier.id}/{build.id}/file")
    question = await tap(world, card, "Old")
    assert labels(question) == ["The link didn't work", "Something else"]
    assert "Get new link" in labels(await tap(world, question, "Something else"))


async def test_answers_go_on_after_a_restart(world: Environment) -> None:
    await world.start()
    ready(world)
    question = await tap(world, await world.ask("get courier"), "It didn't install", "iPhone or iPad")
    await world.restart()
    third = await tap(world, question, "It doesn't open")
    await world.restart()
    assert "Trust the developer" in (await tap(world, third, "“Untrusted Enterprise Developer”")).text
    assert await answers(world) == {FailureCause.NOT_TRUSTED: 1}


# ------------------------------------------------------------------ who may, and who is told


async def test_a_user_without_access_is_refused(world: Environment) -> None:
    await world.start()
    build = ready(world)
    gus = world.slack.user("gus", guest=True)
    world.releases.members.append(gus.id)
    value = f"{world.courier.id}/{build.id}"
    for action, said in (
        ("failed.v1", f"{value}/file"),
        ("failed.step.v1", f"{value}/file///storage/"),
        ("failed.tell.v1", f"{value}/file///storage/"),
        ("failed.send.v1", f"{value}/file///storage/d"),
    ):
        card = old_card(world.slack, world.releases, action, said)
        refused = await tap(world, card, "Old", user=gus)
        assert "storage" not in refused.text
        assert "Courier" not in refused.text
    assert await answers(world) == {}


async def test_an_answer_is_sent_to_no_other_user(world: Environment) -> None:
    await world.start()
    ready(world, uploader={"email": "bruno@acme.test", "firstName": "Bruno", "lastName": "Díaz"})
    before = len(world.slack.messages(world.releases)), len(world.slack.messages(world.slack.dm(world.bruno)))
    link = await world.ask("get courier")
    await tap(world, link, "It didn't install", "iPhone or iPad", "The link didn't work")
    await world.slack.settled()
    assert before == (len(world.slack.messages(world.releases)), len(world.slack.messages(world.slack.dm(world.bruno))))
    entries = await world.bot.store.run(audit.list_entries)
    assert {entry.action for entry in entries} == {AuditAction.GET}


async def test_the_uploader_is_told_exactly_what_was_shown(world: Environment) -> None:
    await world.start()
    used(world)
    ready(world, uploader={"email": "bruno@acme.test", "firstName": "Bruno", "lastName": "Díaz"})
    link = await world.ask("get courier")
    found = await tap(world, link, "It didn't install", "“Unable to install”", "Not enough storage")
    asked = await tap(world, found, "Tell the uploader")
    assert f"<@{world.bruno.id}>" in asked.text
    assert "iPhone 15" not in every_block_text(asked)
    shown = every_block_text(asked).replace("\n", " ")
    done = await tap(world, asked, "Send")
    assert f"<@{world.bruno.id}>" in done.text
    (told,) = world.slack.messages(world.slack.dm(world.bruno))
    assert told.text == f"Courier 2.4.0 (173) for iOS didn't install for <@{world.ana.id}>. Cause: Not enough storage"
    assert every_block_text(told).replace("\n", " ") in shown
    (entry,) = [
        each for each in await world.bot.store.run(audit.list_entries) if each.action is AuditAction.REPORT_FAILURE
    ]
    assert (entry.user_id, entry.outcome, entry.entrypoint) == (world.ana.id, f"to {world.bruno.id}", Entrypoint.BUTTON)


async def test_a_device_goes_along_only_when_it_is_added(world: Environment) -> None:
    await world.start()
    used(world)
    ready(world, uploader={"email": "bruno@acme.test"})
    found = await tap(world, await world.ask("get courier"), "It didn't install", "The link didn't work")
    asked = await tap(world, found, "Tell the uploader", "Add my device")
    assert "iPhone 15 (iOS 17.1)" in every_block_text(asked)
    await tap(world, asked, "Send")
    (told,) = world.slack.messages(world.slack.dm(world.bruno))
    assert "Device: iPhone 15 (iOS 17.1)" in told.text
    assert "iPhone 15" not in dump(world)


async def test_cancel_sends_nothing(world: Environment) -> None:
    await world.start()
    ready(world, uploader={"email": "bruno@acme.test"})
    link = await world.ask("get courier")
    found = await tap(world, link, "It didn't install", "Computer")
    back = await tap(world, found, "Tell the uploader", "Cancel")
    assert "Get new link" in labels(back)
    assert world.slack.messages(world.slack.dm(world.bruno)) == []


async def test_an_uploader_from_slack_is_known_by_the_audit_log(world: Environment) -> None:
    await world.start()
    build = ready(world)
    await world.bot.dispatcher.services.audit.record(
        (await world.bot.dispatcher.services.access.resolve_actor(world.bruno.id, None)),
        Entrypoint.FORM,
        AuditAction.UPLOAD,
        AuditOutcome.UPLOADED,
        app_id=world.courier.id,
        build_id=build.id,
    )
    link = await world.ask("get courier")
    assert "Tell the uploader" in labels(await tap(world, link, "It didn't install", "Computer"))
    own = await world.ask("get courier", user=world.bruno)
    assert "Tell the uploader" not in labels(await tap(world, own, "It didn't install", "Computer", user=world.bruno))


@pytest.mark.parametrize("email", [None, "ci@acme.example", "gone@acme.test"])
async def test_without_a_known_uploader_there_is_none_to_tell(world: Environment, email: str | None) -> None:
    await world.start()
    world.slack.user("gone", email="gone@acme.test", guest=True)
    ready(world, uploader={"email": email} if email else None)
    found = await tap(world, await world.ask("get courier"), "It didn't install", "Computer")
    assert "Tell the uploader" not in labels(found)


async def test_the_history_being_away_stops_no_answer(world: Environment) -> None:
    await world.start()
    ready(world)
    world.applivery.faults.add("GET /v1/organizations/*/downloads/by-user", Fault(status=500, error="no"), times=None)
    assert "iPhone or iPad" in labels(await tap(world, await world.ask("get courier"), "It didn't install"))


# ------------------------------------------------------------------ what is kept


async def test_a_user_counts_once_for_a_build(world: Environment) -> None:
    await world.start()
    ready(world)
    for user in (world.ana, world.bruno, world.ana):
        link = await world.ask("get courier", user=user)
        await tap(world, link, "It didn't install", "Computer", user=user)
    assert await answers(world) == {FailureCause.WRONG_DEVICE: 2}
    ready(world, version="2.5.0", number="180")
    await tap(world, await world.ask("get courier"), "It didn't install", "Computer")
    assert await answers(world) == {FailureCause.WRONG_DEVICE: 3}


async def test_no_row_names_a_user(world: Environment) -> None:
    await world.start()
    ready(world)
    await tap(world, await world.ask("get courier"), "It didn't install", "Computer")
    (row,) = [line for line in dump(world).splitlines() if "wrong_device" in line]
    assert world.ana.id not in row


async def test_forget_deletes_a_users_answers(world: Environment) -> None:
    await world.start()
    ready(world)
    for user in (world.ana, world.bruno):
        await tap(world, await world.ask("get courier", user=user), "It didn't install", "Computer", user=user)
    question = await world.ask(f"forget <@{world.bruno.id}|bruno>")
    await tap(world, question, labels(question)[0])
    assert await answers(world) == {FailureCause.WRONG_DEVICE: 1}


async def test_answers_are_deleted_with_age(world: Environment) -> None:
    await world.start()
    ready(world)
    await tap(world, await world.ask("get courier"), "It didn't install", "Computer")
    assert await world.bot.store.run(history.purge_history, 365) == 0
    execute(world, "UPDATE install_failures SET at = at - 366 * 86400000000")
    assert await world.bot.store.run(history.purge_history, 365) == 1
    assert await answers(world) == {}


# ------------------------------------------------------------------ the report by cause


async def test_a_manager_sees_how_many_failed_and_why(world: Environment) -> None:
    await world.start()
    ready(world)
    for user in (world.ana, world.bruno):
        await tap(world, await world.ask("get courier", user=user), "It didn't install", "Computer", user=user)
    said = await world.ask("downloads courier by:failure")
    await world.bot.dispatcher.drain(5)
    assert "2 failed installs" in said.text
    (head,) = [each for each in world.slack.messages(world.slack.dm(world.ana)) if "failed installs" in each.text]
    chart, table = world.slack.messages(world.slack.dm(world.ana), head.ts)
    assert "Other kind of device" in table.text
    assert "without names" in every_block_text(table)
    for message in (said, head, chart, table):
        shown = f"{message.text} {every_block_text(message)}"
        assert "Bruno" not in shown
        assert world.bruno.id not in shown
    older = await world.ask("downloads courier by:failure until:2026-01-01")
    assert "failed" not in older.text.replace("failed installs of", "")


async def test_failures_are_for_managers_and_name_no_one(world: Environment) -> None:
    await world.start()
    ready(world)
    await tap(world, await world.ask("get courier"), "It didn't install", "Computer")
    refused = await world.ask("downloads courier by:failure", user=world.bruno)
    assert "failed install" not in refused.text
    assert "managers" in refused.text
    named = await world.ask("downloads courier by:failure person:ana@acme.test")
    assert "counted without names" in named.text


async def test_a_scheduled_report_counts_failures(world: Environment) -> None:
    await world.start()
    ready(world)
    await tap(world, await world.ask("get courier"), "It didn't install", "Computer")
    said = await world.ask("downloads courier by:failure every:daily@09:00")
    assert "by cause" in said.text
    now = micros(datetime.now(UTC))
    execute(world, f"UPDATE scheduled_reports SET due_at = {now - 1}, reported_until = {now - 24 * 3600 * 10**6}")
    await world.bot.digest.step()
    await world.settle()
    assert "1 failed install" in world.slack.messages(world.releases)[-1].text
