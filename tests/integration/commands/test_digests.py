"""`every:` makes a summary that comes by itself; it is listed and ended beside the subscriptions."""

from __future__ import annotations

from typing import Any

import pytest

from bot.db import scheduled_reports, subscriptions
from bot.domain.downloads import GroupBy
from tests.conftest import Environment
from tests.integration.commands.test_downloads import people
from tests.support.seeing import labels, old_card, press


async def digests(world: Environment, place: Any = None) -> list[Any]:
    return await world.bot.store.run(scheduled_reports.list_reports, [place.id if place else world.releases.id])


async def test_digest_saved_is_confirmed_in_words(world: Environment) -> None:
    await world.start()
    people(world)
    said = (await world.ask("downloads courier every:mon,thu@9:00")).text
    assert "*Scheduled:* downloads of Courier every Monday and Thursday at 9:00 AM (Europe/Madrid)" in said
    assert "The first one is due <!date^" in said
    assert "One line when nothing is new." in said
    assert "Counts only in this channel" in said
    [digest] = await digests(world)
    assert (digest.schedule, digest.tz, digest.skip_if_empty, digest.created_by) == (
        "mon,thu@09:00",
        "Europe/Madrid",
        False,
        world.ana.id,
    )


async def test_the_build_the_order_and_the_silence_are_kept_as_typed(world: Environment) -> None:
    await world.start()
    people(world)
    said = (await world.ask("downloads courier latest by:version every:daily@18:00 quiet:yes")).text
    assert "downloads of Courier latest by version every day at 6:00 PM" in said
    assert "Skipped when nothing is new" in said
    [digest] = await digests(world)
    assert (digest.build_ref, digest.group_by, digest.skip_if_empty) == ("latest", GroupBy.VERSION, True)


async def test_the_same_asked_for_again_is_one(world: Environment) -> None:
    await world.start()
    people(world)
    for typed in ("every:daily@09:00", "every:daily@09:00 quiet:yes", "every:daily@10:00"):
        await world.ask(f"downloads courier {typed}")
    assert [(digest.schedule, digest.skip_if_empty) for digest in await digests(world)] == [
        ("daily@09:00", True),
        ("daily@10:00", False),
    ]


async def test_digests_listed_with_subscriptions_and_ended(world: Environment) -> None:
    await world.start()
    people(world)
    await world.ask("subscribe courier")
    for schedule in ("daily@09:00", "monday@09:00", "friday@17:30"):
        await world.ask(f"downloads courier every:{schedule}")
    listed = await world.ask("subscriptions")
    assert all(words in listed.text for words in ("every day at 9:00 AM", "every Monday", "every Friday at 5:30 PM"))
    assert labels(listed).count("Stop report") == 3
    first, second, third = await digests(world)
    turn = await press(world.slack, listed, "Stop report", user=world.ana, nth=1)
    assert "*Stopped the scheduled report:* downloads of Courier every Monday" in (await turn.answer()).text
    assert "every day" in (await world.ask(f"unsubscribe d{first.id}")).text
    assert [digest.id for digest in await digests(world)] == [third.id]
    assert "already stopped" in (await world.ask(f"unsubscribe D{second.id}")).text
    assert len(await world.bot.store.run(subscriptions.list_subscriptions)) == 1


async def test_without_a_subscription_the_list_still_has_them(world: Environment) -> None:
    await world.start()
    people(world)
    await world.ask("downloads courier every:daily@09:00")
    assert "every day at 9:00 AM" in (await world.ask("subscriptions")).text


async def test_in_direct_messages_it_is_for_that_person_alone(world: Environment) -> None:
    await world.start()
    people(world)
    direct = world.slack.dm(world.ana)
    said = (await world.ask("downloads courier every:daily@09:00", channel=direct)).text
    assert "Counts only in this channel" not in said
    assert [digest.target_id for digest in await digests(world, world.ana)] == [world.ana.id]
    assert "every day" in (await world.ask("subscriptions", channel=direct)).text
    assert "every day" not in (await world.ask("subscriptions")).text


async def test_digest_ended_only_in_its_place_and_with_role(world: Environment) -> None:
    await world.start()
    people(world)
    await world.ask("downloads courier every:daily@09:00")
    [digest] = await digests(world)
    assert "already stopped" in (await world.ask(f"unsubscribe d{digest.id}", channel=world.slack.dm(world.ana))).text
    card = old_card(world.slack, world.releases, "undigest.v1", str(digest.id))
    turn = await world.slack.click(card, "undigest.v1", user=world.bruno)
    assert "nly managers can" in (await turn.answer()).text
    assert len(await digests(world)) == 1


async def test_undo_schedules_a_report_that_ended_again(world: Environment) -> None:
    await world.start()
    people(world)
    await world.ask("downloads courier latest by:version every:daily@09:00 quiet:yes")
    [before] = await digests(world)
    answer = await world.ask(f"unsubscribe d{before.id}")
    assert await digests(world) == []
    key = answer.element("undo.digest.v1")["value"]
    await world.restart()
    undone = await (await press(world.slack, answer, "Undo", user=world.ana)).answer()
    assert undone.text.startswith("*Scheduled again:* downloads of Courier latest by version")
    assert await digests(world) == [before]
    twice = old_card(world.slack, world.releases, "undo.digest.v1", key)
    again = await (await press(world.slack, twice, "Old", user=world.ana)).answer()
    assert "already scheduled again" in again.text


async def test_a_releaser_can_end_subscriptions_and_not_summaries(world: Environment) -> None:
    await world.start(access_default_role="releaser")
    people(world)
    await world.ask("downloads courier every:daily@09:00")
    [digest] = await digests(world)
    assert "nly managers can" in (await world.ask(f"unsubscribe d{digest.id}", user=world.bruno)).text
    assert len(await digests(world)) == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("every:sometimes", "`daily@09:00`"),
        ("every:daily", "`daily@09:00`"),
        ("every:daily@25:00", "`daily@09:00`"),
        ("every:daily@09:00 since:7d", "since the last report"),
        ("every:daily@09:00 person:ana@acme.test", "since the last report"),
        ("every:daily@09:00 quiet:perhaps", "`quiet:yes`"),
        ("quiet:yes", "`every:monday@09:00`"),
        ("9.9.9 every:daily@09:00", "no build"),
    ],
)
async def test_digest_invalid_request_explained_with_alternative(world: Environment, typed: str, words: str) -> None:
    await world.start()
    people(world)
    assert words in (await world.ask(f"downloads courier {typed}")).text
    assert await digests(world) == []


@pytest.mark.parametrize("where", ["shared", "not a member"])
async def test_where_the_bot_cannot_speak_nothing_is_saved(world: Environment, where: str) -> None:
    await world.start()
    people(world)
    world.releases.shared = where == "shared"
    if where == "not a member":
        world.releases.members.remove(world.slack.bot_user_id)
    said = (await world.ask("downloads courier every:daily@09:00")).text
    assert ("another organisation" if where == "shared" else "/invite @") in said
    assert await digests(world) == []


async def test_digests_that_are_gone_are_said_behind_more(world: Environment) -> None:
    await world.start()
    turn = await press(
        world.slack, old_card(world.slack, world.releases, "more.digests.v1", "1"), "Old", user=world.ana
    )
    assert (await turn.answer()).text == "There are no scheduled reports here."
