"""Summaries that come by themselves: each once, late rather than never, whatever dies in between."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.app import running
from bot.db import outbox, scheduled_reports
from bot.db.types import micros
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql, on_sqlite
from tests.support.everything import dump, execute
from tests.support.handing import seen
from tests.support.seeing import everything_stored, labels
from tests.support.stopping import check_due_after_stop

POST = "chat.postMessage"
ROWS = "GET */downloads/by-user"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def courier(world: Environment) -> FakeBuild:
    """A build that Eva downloaded an hour ago, and Zoe, of another organisation and without a name, two hours ago."""
    build = world.applivery.build(world.courier, version="2.4.0")
    eva = world.applivery.member("employee", email="eva@acme.test", first="Eva", last="Ruiz")
    zoe = world.applivery.member("user", email="zoe@agency.example", first="", last="")
    for who, hours in ((eva, 1), (zoe, 2), (world.applivery.member("unknown"), 3)):
        world.applivery.download(build, who, at=datetime.now(UTC) - hours * HOUR)
    return build


# Its last turn is always about half a day ago: what was downloaded in the last hours is never part of it.
DAILY = f"daily@{datetime.now(ZoneInfo('Europe/Madrid')) - 12 * HOUR:%H}:00"


async def begun(world: Environment, more: str = "", *, channel: Any = None, names: bool = False) -> None:
    """A daily summary of Courier in #releases."""
    await world.start()
    courier(world)
    if names:
        await world.ask(f"grant <#{world.releases.id}|releases> manager")
    answer = await world.ask(f"downloads courier every:{DAILY} {more}", channel=channel)
    assert "*Scheduled:*" in answer.text, answer.text


def due(world: Environment, *, days: float = 1, late: timedelta = timedelta(seconds=1)) -> None:
    """Now its time has come, so late; the last one was so many days before."""
    at = datetime.now(UTC) - late
    execute(world, f"UPDATE scheduled_reports SET due_at = {micros(at)}, reported_until = {micros(at - days * DAY)}")


async def tell(world: Environment) -> None:
    """Let the clock tick for summaries, and for what is to be said."""
    await world.bot.digest.step()
    await world.settle()


def heads(world: Environment, channel: Any = None) -> list[FakeMessage]:
    return [message for message in world.slack.messages(channel or world.releases) if message.bot_id]


def below(world: Environment, head: FakeMessage) -> list[FakeMessage]:
    return world.slack.messages(head.channel, head.ts)


def everything(world: Environment) -> list[list[str]]:
    """The first block of each message of each summary in #releases."""
    return [[message.blocks[0]["type"] for message in (head, *below(world, head))] for head in heads(world)]


ONE = [["section", "data_visualization", "data_table"]]
ONE_DAY = [["section", "data_table"]]


# ------------------------------------------------------------------ what is said


async def test_report_comes_when_due_and_not_before(world: Environment) -> None:
    await begun(world)
    await tell(world)
    assert heads(world) == []
    due(world)
    await tell(world)
    [head] = heads(world)
    assert "Downloads of Courier from " in head.text
    assert "3 downloads · 2 people (2) · anonymous (1)." in head.text
    assert "CSV" in labels(head)
    wait = await world.bot.digest.step()
    assert wait is not None
    assert 0 < wait <= 25 * 3600


async def test_report_each_period_has_own_message_and_thread(world: Environment) -> None:
    await begun(world)
    for _ in range(3):
        due(world)
        await tell(world)
        await asyncio.sleep(1.1)  # the second names the period
    assert len(heads(world)) == 3
    assert all(below(world, head) for head in heads(world))


async def test_report_begins_where_previous_one_ended(world: Environment) -> None:
    await begun(world)
    due(world)
    [before] = await world.bot.store.run(scheduled_reports.list_reports, [world.releases.id])
    await tell(world)
    [after] = await world.bot.store.run(scheduled_reports.list_reports, [world.releases.id])
    assert after.reported_until == before.due_at
    assert after.due_at > datetime.now(UTC)
    [_, asked] = [request.query for request in world.applivery.requests if "by-user" in request.path][-2:]
    assert {"iniDate", "endDate"} <= asked.keys()


@pytest.mark.parametrize("recorded", [0, 2])
async def test_several_that_were_missed_come_late_and_as_one(world: Environment, recorded: int) -> None:
    await begun(world)
    for _ in range(recorded):
        world.applivery.download(world.applivery.builds[0], None, at=datetime.now(UTC) - 4 * DAY)
    due(world, days=1, late=timedelta(days=5, hours=2))
    await tell(world)
    await tell(world)
    [head] = heads(world)
    [report] = await world.bot.store.run(scheduled_reports.list_reports, [world.releases.id])
    assert "Sent late. It was due" in head.text + json.dumps(head.blocks)
    assert f"{recorded or 'No'} downloads" in head.text
    assert report.due_at > datetime.now(UTC)
    assert datetime.now(UTC) - report.reported_until < DAY


@pytest.mark.parametrize(("quiet", "said"), [("yes", 0), ("no", 1)])
async def test_report_without_news_is_one_line_or_none_as_set(world: Environment, quiet: str, said: int) -> None:
    """The setting of the report chooses between one line and no message."""
    await begun(world, f"quiet:{quiet}")
    world.applivery.downloads.clear()
    due(world)
    await tell(world)
    assert len(heads(world)) == said
    assert all("No downloads" in message.text and not below(world, message) for message in heads(world))
    [report] = await world.bot.store.run(scheduled_reports.list_reports, [world.releases.id])
    assert report.due_at > datetime.now(UTC), "the silent one has had its turn too"


# ------------------------------------------------------------------ whom it names


async def test_report_names_only_in_manager_channel_and_masks_emails(world: Environment) -> None:
    await begun(world, names=True)
    due(world)
    await tell(world)
    [head] = heads(world)
    said = json.dumps([message.saved() for message in below(world, head)], ensure_ascii=False)
    assert "Eva Ruiz" in said
    assert "zoe@agency.example" not in said
    assert "z…@agency.example" in said
    await world.ask(f"revoke <#{world.releases.id}|releases>")
    await asyncio.sleep(1.1)  # the second names the period
    due(world)
    await tell(world)
    said = json.dumps([message.saved() for message in below(world, heads(world)[-1])], ensure_ascii=False)
    assert "Eva" not in said
    assert "agency" not in said


@on_sqlite
async def test_report_names_and_addresses_not_kept_after_posting(world: Environment) -> None:
    await begun(world, names=True)
    due(world)
    await world.bot.digest.step()
    assert "zoe@agency.example" not in dump(world)
    assert "eva@acme.test" not in dump(world), "an email is not even written down to be said"
    await world.settle()
    assert "Eva" not in dump(world)
    await world.stop()
    assert b"eva@acme.test" not in everything_stored(world.folder)


async def test_report_by_dm_stops_when_user_loses_permission(world: Environment) -> None:
    await world.start(access_default_role="manager")
    courier(world)
    direct = world.slack.dm(world.bruno)
    await world.ask(f"downloads courier every:{DAILY}", channel=direct, user=world.bruno)
    due(world)
    await tell(world)
    [head] = heads(world, direct)
    assert "Eva Ruiz" in json.dumps([message.saved() for message in below(world, head)], ensure_ascii=False)
    await world.restart(access_default_role="member")
    due(world)
    await tell(world)
    await tell(world)
    [_, stopped] = heads(world, direct)
    assert stopped.text.startswith("⚠️ Paused: the scheduled report on Courier. You're no longer manager for Courier.")


# ------------------------------------------------------------------ dying in between


async def crash(world: Environment) -> None:
    """The process dies and another begins: nothing is handed in, and posts under way are not waited for."""
    await world.restart()


async def test_a_crash_before_it_is_written_down_loses_nothing(world: Environment) -> None:
    await begun(world)
    due(world)
    assert len(await world.bot.store.run(scheduled_reports.lease_due_reports, 1, 0.1)) == 1
    await crash(world)
    await asyncio.sleep(0.2)  # the lease of the dead has lapsed; the others' outlast a slow machine
    await tell(world)
    assert everything(world) in (ONE, ONE_DAY)


async def test_report_crash_before_post_loses_and_repeats_nothing(world: Environment) -> None:
    await begun(world)
    due(world)
    await world.bot.digest.step()
    await crash(world)
    await tell(world)
    assert everything(world) in (ONE, ONE_DAY)


@pytest.mark.parametrize("posted", [1, 2, 3])
async def test_report_crash_after_any_message_finishes_thread_once(world: Environment, posted: int) -> None:
    await begun(world)
    old = world.applivery.member("user", email="old@acme.test")
    world.applivery.download(world.applivery.builds[0], old, at=datetime.now(UTC) - 1.5 * DAY)
    due(world, days=2)
    await world.bot.digest.step()
    for _ in range(posted):
        world.slack.faults.add(POST, Fault())
    world.slack.faults.add(POST, Fault(latency=30), times=None)  # it dies while this one is on its way
    await world.bot.announce.step()
    await world.slack.until(lambda: sum(map(len, everything(world))) == posted)
    world.slack.faults.clear()
    await crash(world)
    await tell(world)
    assert everything(world) == ONE


async def test_report_lost_answer_in_thread_found_and_not_repeated(world: Environment) -> None:
    await begun(world)
    due(world)
    await world.bot.digest.step()
    world.slack.faults.add(POST, Fault())
    world.slack.faults.add(POST, Fault(drop_after=True))
    await world.settle()
    assert everything(world) in (ONE, ONE_DAY)
    assert world.slack.calls_of("conversations.replies")


async def test_report_rate_limited_thread_finishes_without_repeats(world: Environment) -> None:
    await begun(world)
    due(world)
    await world.bot.digest.step()
    world.slack.faults.add(POST, Fault())
    world.slack.faults.add(POST, Fault(status=429, retry_after=1))
    await world.settle()
    assert everything(world) in (ONE, ONE_DAY)


async def test_a_workspace_without_tables_hears_it_in_words(world: Environment) -> None:
    await begun(world)
    due(world)
    await world.bot.digest.step()
    world.slack.faults.add(POST, Fault())
    for _ in range(2):
        world.slack.faults.add(POST, Fault(error="invalid_blocks"))
        world.slack.faults.add(POST, Fault())
    await world.settle()
    [head] = heads(world)
    assert {message.blocks[0]["type"] for message in below(world, head)} == {"section"}


@on_postgresql
async def test_two_replicas_say_it_once(world: Environment) -> None:
    await begun(world)
    due(world)
    async with AsyncExitStack() as stack:
        others = [
            await stack.enter_async_context(running(world.settings(), world.tuning, jobs=False)) for _ in range(2)
        ]
        await asyncio.gather(*(service.digest.step() for service in (world.bot, *others)))
        await asyncio.gather(*(world.settle(service) for service in (world.bot, *others)))
    assert everything(world) in (ONE, ONE_DAY)


async def test_report_replica_without_lease_posts_nothing(world: Environment) -> None:
    await begun(world)
    due(world)
    [(digest, stale)] = await world.bot.store.run(scheduled_reports.lease_due_reports, 1, 0.0)
    [(_, fresh)] = await world.bot.store.run(scheduled_reports.lease_due_reports, 1, 60.0)
    told = {"until": digest.due_at, "next_at": digest.due_at + DAY, "fact": "{}"}
    assert await world.bot.store.run(scheduled_reports.enqueue_report, digest, stale, **told) is False
    assert (await world.bot.store.run(outbox.get_backlog)).count == 0
    assert await world.bot.store.run(scheduled_reports.enqueue_report, digest, fresh, **told) is True
    assert await world.bot.store.run(scheduled_reports.enqueue_report, digest, fresh, **told) is False
    assert (await world.bot.store.run(outbox.get_backlog)).count == 1


async def test_report_ended_meanwhile_is_not_posted(world: Environment) -> None:
    await begun(world)
    due(world)
    [(digest, token)] = await world.bot.store.run(scheduled_reports.lease_due_reports, 1, 60.0)
    await world.ask(f"unsubscribe d{digest.id}")
    told = {"until": digest.due_at, "next_at": digest.due_at + DAY, "fact": "{}"}
    assert await world.bot.store.run(scheduled_reports.enqueue_report, digest, token, **told) is False


# ------------------------------------------------------------------ trouble


async def test_while_applivery_is_away_it_waits_and_then_comes_once(world: Environment, log: list[Any]) -> None:
    world.tuning = replace(world.tuning, digest_lease_seconds=0.1)
    await begun(world)
    due(world)
    world.applivery.faults.add(ROWS, Fault(status=401, code=4004), times=None)
    for _ in range(3):
        await world.bot.digest.step()
        await asyncio.sleep(0.15)  # until its lease has lapsed
    assert heads(world) == []
    world.applivery.faults.clear()
    async with asyncio.timeout(20):
        while not heads(world):  # a slow machine needs more than one lease
            await tell(world)
    assert everything(world) in (ONE, ONE_DAY)
    assert [line["event"] for line in log if line["event"].startswith("digest.")] == ["digest.away", "digest.back"]


async def test_report_of_deleted_app_stops_and_tells_maker_once(world: Environment) -> None:
    await begun(world, "")
    due(world)
    world.applivery.faults.add(ROWS, Fault(status=404, code=3001), times=None)
    await tell(world)
    await tell(world)
    [said] = heads(world, world.slack.dm(world.ana))
    at = f"{time.fromisoformat(DAILY[-5:]):%-I:%M %p}"
    assert f"downloads of Courier every day at {at}" in said.text
    assert "aused" in seen(await world.ask("subscriptions"))


async def test_report_refusing_channel_stops_and_blocks_no_other(world: Environment) -> None:
    await begun(world)
    beta = world.slack.channel("beta", members=(world.ana,))
    await world.ask(f"downloads courier every:{DAILY}", channel=beta)
    due(world)
    world.releases.archived = True
    for _ in range(3):
        await tell(world)
    assert len(heads(world, beta)) == 1
    assert [
        report.paused for report in await world.bot.store.run(scheduled_reports.list_reports, [world.releases.id])
    ] == ["is_archived"]
    assert [report.paused for report in await world.bot.store.run(scheduled_reports.list_reports, [beta.id])] == [None]


# ------------------------------------------------------------------ in whose language


async def test_report_in_channel_language_and_stop_in_maker_language(world: Environment) -> None:
    """The report is in the language of the channel; its maker is told in theirs that it stopped."""
    await world.start(language="es")
    courier(world)
    await world.ask(f"downloads courier every:{DAILY}")
    due(world)
    await tell(world)
    [head] = heads(world)
    assert "3 descargas · 2 personas (2) · anónimas (1)." in head.text
    assert "ownloads" not in "".join(f"{message.text} {message.blocks}" for message in below(world, head))
    due(world)
    world.applivery.faults.add(ROWS, Fault(status=404, code=3001), times=None)
    await tell(world)
    [said] = heads(world, world.slack.dm(world.ana))
    assert "*Paused the scheduled report in" in said.text


async def test_report_by_dm_is_in_recipient_language(world: Environment) -> None:
    lucia = world.slack.user("lucia", locale="es-ES", email="lucia@acme.test")
    await world.start(access_default_role="manager")
    courier(world)
    direct = world.slack.dm(lucia)
    await world.ask(f"downloads courier every:{DAILY} by:version", channel=direct, user=lucia)
    due(world)
    await tell(world)
    [head] = heads(world, direct)
    assert "3 descargas · 2 personas (2) · anónimas (1)." in head.text
    assert "Descargas de Courier por versión" in json.dumps(
        [message.saved() for message in below(world, head)], ensure_ascii=False
    )
    await world.restart(access_default_role="member")
    due(world)
    await tell(world)
    assert "Ya no eres manager de Courier." in heads(world, direct)[-1].text


@pytest.mark.parametrize(
    "fault", [Fault(error="duplicate_client_msg_id"), Fault(error_after="duplicate_client_msg_id")]
)
@pytest.mark.parametrize("before", [0, 1, 2])
async def test_a_duplicate_in_a_thread_is_looked_up(world: Environment, fault: Fault, before: int) -> None:
    await begun(world)
    due(world)
    await world.bot.digest.step()
    for _ in range(before):
        world.slack.faults.add(POST, Fault())
    world.slack.faults.add(POST, fault)
    await world.settle()
    assert everything(world) in (ONE, ONE_DAY)


# ------------------------------------------------------------------ stopped in between


async def test_report_stopped_at_any_step_is_due_at_once(world: Environment) -> None:
    await begun(world)
    due(world)
    await check_due_after_stop(world, world.bot.digest, scheduled_reports.report_due_in)
    world.applivery.faults.clear()
    await tell(world)
    assert everything(world) in (ONE, ONE_DAY)
