"""A bisect: testers try builds in a thread until the first bad one is known."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

import pytest

from bot.db import access, audit, bisections, channel_moves
from bot.domain.audit import AuditAction, AuditOutcome
from bot.domain.states import BisectVerdict
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.support.handing import Clock, mints, rested, seen
from tests.support.seeing import controls, labels, link, press

REPOSITORY = "git@github.com:acme/courier.git"
TYPED = "bisect courier good:2.4.0 bad:2.4.7"
POST = "chat.postMessage"


@pytest.fixture
def world(database: str, world: Environment) -> Environment:
    """On each kind of database."""
    world.database = database
    return world


on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def line(world: Environment, count: int = 8, **about: Any) -> list[FakeBuild]:
    """So many builds of Courier on main, oldest first, from 2.4.0 (170) on."""
    made = []
    for n in range(count):
        facts = {"version": f"2.4.{n}", "number": str(170 + n), "branch": "main", "commit": f"{n}" * 40, **about}
        build = world.applivery.build(world.courier, **facts)
        build.wire["deployer"].setdefault("info", {})["repositoryUrl"] = REPOSITORY
        made.append(build)
    return made


def thread(world: Environment) -> list[FakeMessage]:
    """What stands in the thread of the first message in #releases."""
    first, *_ = world.slack.messages(world.releases)
    return world.slack.messages(world.releases, first.ts)


def steps(world: Environment) -> list[str]:
    """The first line of each message in the thread."""
    return [seen(message).splitlines()[0] for message in thread(world) if message.bot_id]


async def started(world: Environment, typed: str = TYPED, **who: Any) -> FakeMessage:
    answer: FakeMessage = await world.ask(typed, **who)
    await world.settle()
    return answer


async def vote(world: Environment, word: str, *, user: Any = None, message: FakeMessage | None = None) -> FakeMessage:
    """Click a button of a step (the newest); the private answer."""
    turn = await press(world.slack, message or thread(world)[-1], word, user=user or world.bruno)
    answer = await turn.answer()
    await world.settle()
    return answer


# ------------------------------------------------------------------ the whole way


async def test_bisect_ends_with_the_first_bad_build(world: Environment) -> None:
    await world.start()
    line(world)
    answer = await started(world)
    assert answer.ephemeral_to == world.ana.id
    assert answer.text == "*Bisect started.* About 3 steps left (6 builds) Current: 2.4.4 (174)"
    [head] = world.slack.messages(world.releases)
    assert seen(head).startswith(
        "*Bisecting Courier · iOS*\nGood: 2.4.0 (170) · Bad: 2.4.7 (177)\nAbout 3 steps left (6 builds)"
    )
    [step] = thread(world)
    assert seen(step).startswith("*Step 1: Courier 2.4.4 (174) · iOS*\nDoes it have the bug?\nAbout 3 steps left")
    assert labels(step) == ["Get build", "Good", "Bad", "Can't tell", "Stop bisect"]
    assert (await vote(world, "Good")).ephemeral_to == world.bruno.id
    await vote(world, "Bad")
    await vote(world, "Good")
    assert steps(world) == [
        "✅ *Good:* Courier 2.4.4 (174) · iOS",
        "❌ *Bad:* Courier 2.4.6 (176) · iOS",
        "✅ *Good:* Courier 2.4.5 (175) · iOS",
        "*First bad build: Courier 2.4.6 (176) · iOS*",
    ]
    [head] = world.slack.messages(world.releases)
    for shown in (head, thread(world)[-1]):
        assert seen(shown).startswith("*First bad build: Courier 2.4.6 (176) · iOS*\nLast good build: 2.4.5 (175)")
        assert f"Commits after `{'5' * 40}`, up to `{'6' * 40}`" in seen(shown)
        assert labels(shown) == ["Compare on GitHub", "Get first bad", "Get last good"]
        compare = f"https://github.com/acme/courier/compare/{'5' * 40}...{'6' * 40}"
        assert controls(shown)[0].url == compare


async def test_bisect_step_hands_a_private_link(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    answer = await vote(world, "Get build")
    assert answer.ephemeral_to == world.bruno.id
    assert link(answer)
    assert mints(world) == 1
    assert len(thread(world)) == 1, "a link is no vote"


async def test_bisect_shows_counts_and_no_names(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    as_it_was = deepcopy(thread(world)[0])  # another tester has it open still
    await vote(world, "Good")
    await vote(world, "Good", user=world.ana, message=as_it_was)
    everything = "".join(seen(message) for message in (*world.slack.messages(world.releases), *thread(world)))
    assert "2 good" in everything
    assert "<@" not in everything


async def test_bisect_records_start_votes_and_end(world: Environment) -> None:
    await world.start()
    line(world, 3)
    await started(world, "bisect courier good:2.4.0 bad:2.4.2")
    await vote(world, "Bad")
    entries = await world.bot.store.run(audit.list_entries)
    found = [(each.user_id, each.outcome) for each in reversed(entries) if each.action is AuditAction.BISECT]
    assert found == [
        (world.ana.id, AuditOutcome.STARTED),
        (world.bruno.id, BisectVerdict.BAD),
        (world.bruno.id, AuditOutcome.FOUND),
    ]


async def test_bisect_goes_on_after_a_restart(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    await vote(world, "Good")
    await world.restart()
    await vote(world, "Bad")
    await vote(world, "Bad")
    assert steps(world)[-1] == "*First bad build: Courier 2.4.5 (175) · iOS*"
    assert len(thread(world)) == 4


# ------------------------------------------------------------------ several testers


async def test_bisect_contradiction_asks_for_another_vote(world: Environment) -> None:
    carla = world.slack.user("carla")
    await world.start()
    line(world)
    await started(world)
    await vote(world, "Bad")
    answer = await vote(world, "Vote good", user=world.ana, message=thread(world)[0])
    assert "Current: 2.4.4 (174)" in answer.text
    assert steps(world) == [
        "⚠️ *Testers disagree:* Courier 2.4.4 (174) · iOS",
        "⚠️ *Not tested:* Courier 2.4.2 (172) · iOS",
        "*Step 3: Courier 2.4.4 (174) · iOS*",
    ]
    assert "One more vote decides." in seen(thread(world)[-1])
    assert "1 good · 1 bad" in seen(thread(world)[-1])
    await vote(world, "Good", user=carla)
    assert steps(world)[-1] == "*Step 4: Courier 2.4.6 (176) · iOS*"


async def test_bisect_result_is_opened_again_by_a_new_vote(world: Environment) -> None:
    await world.start()
    line(world, 3)
    await started(world, "bisect courier good:2.4.0 bad:2.4.2")
    await vote(world, "Bad")
    assert steps(world)[-1] == "*First bad build: Courier 2.4.1 (171) · iOS*"
    await vote(world, "Vote good", message=thread(world)[0])  # Bruno takes his own vote back
    assert steps(world) == [
        "✅ *Good:* Courier 2.4.1 (171) · iOS",
        "*First bad build: Courier 2.4.2 (172) · iOS*",
    ]
    await vote(world, "Vote bad", message=thread(world)[0], user=world.ana)
    assert steps(world)[1:] == [
        "⚠️ *Reopened:* a new vote contradicts this result.",
        "*Step 3: Courier 2.4.1 (171) · iOS*",
    ]
    [head] = world.slack.messages(world.releases)
    assert seen(head).startswith("*Bisecting Courier · iOS*")


async def test_bisect_stale_and_double_clicks_change_nothing(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    both = [await press(world.slack, thread(world)[0], "Good", user=world.bruno) for _ in range(2)]
    said = sorted([(await turn.answer()).text for turn in both])
    await world.settle()
    assert said == [
        "*Vote counted:* good. Current: 2.4.6 (176)",
        "This step has ended. Current: 2.4.6 (176)",
    ]
    assert len(thread(world)) == 2


async def test_bisect_cant_tell_offers_the_neighbour(world: Environment) -> None:
    await world.start()
    line(world, 5)
    await started(world, "bisect courier good:2.4.0 bad:2.4.4")
    await vote(world, "Can't tell")
    assert steps(world) == [
        "⚠️ *Skipped, can't tell:* Courier 2.4.2 (172) · iOS",
        "*Step 2: Courier 2.4.3 (173) · iOS*",
    ]
    await vote(world, "Bad")
    await vote(world, "Good")
    result = thread(world)[-1]
    assert seen(result).startswith("*The bug came in after Courier 2.4.1 (171) · iOS, up to 2.4.3 (173)*")
    assert "1 build couldn't be tested." in seen(result)


# ------------------------------------------------------------------ builds that are gone


async def test_bisect_leaves_out_what_never_could_be_tested(world: Environment) -> None:
    await world.start()
    made = line(world)
    world.applivery.fail(made[4])
    await world.ask('recall courier 2.4.5 "crash on login"')
    await started(world)
    assert steps(world) == ["*Step 1: Courier 2.4.3 (173) · iOS*"]


async def test_bisect_build_that_is_gone_is_skipped_on_get(world: Environment) -> None:
    await world.start()
    made = line(world)
    await started(world)
    world.applivery.delete(made[4])
    answer = await vote(world, "Get build")
    assert answer.text == ("Courier 2.4.4 (174) · iOS is no longer available, so it was skipped. Current: 2.4.3 (173)")
    assert steps(world) == [
        "⛔ *Skipped, no longer available:* Courier 2.4.4 (174) · iOS",
        "*Step 2: Courier 2.4.3 (173) · iOS*",
    ]
    assert mints(world) == 0


async def test_bisect_recalled_build_is_skipped_on_get(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    await world.ask('recall courier 2.4.4 "crash on login"')
    await vote(world, "Get build")
    assert steps(world)[-1] == "*Step 2: Courier 2.4.3 (173) · iOS*"


async def test_bisect_next_build_that_is_gone_is_never_asked_about(world: Environment) -> None:
    await world.start()
    made = line(world)
    await started(world)
    for build in (made[6], made[5]):
        world.applivery.delete(build)
    await vote(world, "Good")
    result = thread(world)[-1]
    assert seen(result).startswith("*The bug came in after Courier 2.4.4 (174) · iOS, up to 2.4.7 (177)*")
    assert "2 builds couldn't be tested." in seen(result)


async def test_bisect_outage_of_applivery_stops_no_vote(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    world.applivery.faults.add("GET /v1/organizations/*/builds/*", Fault(status=500), times=50)
    assert "Vote counted" in (await vote(world, "Good")).text
    assert steps(world)[-1] == "*Step 2: Courier 2.4.6 (176) · iOS*"


# ------------------------------------------------------------------ the two ends


@on_sqlite
async def test_bisect_asks_for_the_ends_with_buttons(world: Environment) -> None:
    await world.start()
    line(world, 4)
    which_bad = await world.ask("bisect courier")
    assert "Which build has the bug?" in which_bad.text
    which_good = await (await press(world.slack, which_bad, "2.4.3 (173) iOS · main", user=world.ana)).answer()
    assert "Which build doesn't have the bug?" in which_good.text
    assert "2.4.3 (173) iOS · main" not in labels(which_good)
    answer = await (await press(world.slack, which_good, "2.4.0 (170) iOS · main", user=world.ana)).answer()
    assert answer.text.startswith("*Bisect started.*")


@on_sqlite
async def test_bisect_offers_to_swap_the_ends(world: Environment) -> None:
    await world.start()
    line(world)
    refused = await world.ask("bisect courier good:2.4.7 bad:2.4.0")
    assert "2.4.7 (177) iOS · main is newer than 2.4.0 (170) iOS · main." in refused.text
    answer = await (await press(world.slack, refused, "Swap good and bad", user=world.ana)).answer()
    assert answer.text.startswith("*Bisect started.*")


@on_sqlite
async def test_bisect_asks_for_the_platform(world: Environment) -> None:
    await world.start()
    line(world)
    line(world, os="android")
    asked = await world.ask(TYPED)
    assert labels(asked) == ["Android", "iOS"]
    answer = await (await press(world.slack, asked, "Android", user=world.ana)).answer()
    assert answer.text.startswith("*Bisect started.*")
    await world.settle()
    assert steps(world) == ["*Step 1: Courier 2.4.4 (174) · Android*"]


@on_sqlite
async def test_bisect_takes_the_one_platform_both_ends_have(world: Environment) -> None:
    await world.start()
    line(world)
    world.applivery.build(world.courier, version="2.4.7", number="177", os="android", branch="main")
    assert (await world.ask(TYPED)).text.startswith("*Bisect started.*")


@on_sqlite
async def test_bisect_refuses_ends_of_two_platforms(world: Environment) -> None:
    await world.start()
    line(world, 2)
    world.applivery.build(world.courier, version="2.5.0", number="9", os="android", branch="main")
    assert "are for different platforms" in (await world.ask("bisect courier good:2.4.0 bad:2.5.0")).text


@on_sqlite
async def test_bisect_asks_which_of_several_builds(world: Environment) -> None:
    await world.start()
    line(world, 3)
    line(world, 3, version="2.5.0", number="9")
    asked = await world.ask('bisect courier good:2.4.0 bad:"2.5.0"')
    assert "3 builds of Courier match “2.5.0”." in asked.text
    answer = await (await press(world.slack, asked, "2.5.0 (9) iOS · main", user=world.ana)).answer()
    assert answer.text.startswith("*Bisect started.*")


@on_sqlite
@pytest.mark.parametrize("typed", ["good:#170 bad:#177", "good:{0} bad:{7}", 'good:"2.4.0 (170)" bad:latest'])
async def test_bisect_takes_numbers_ids_and_labels(world: Environment, typed: str) -> None:
    await world.start()
    made = line(world)
    await started(world, "bisect courier " + typed.format(*(build.id for build in made)))
    assert steps(world) == ["*Step 1: Courier 2.4.4 (174) · iOS*"]


@on_sqlite
@pytest.mark.parametrize(
    ("typed", "left"), [("", "(5 builds)"), (" branch:main", "(3 builds)"), (" branch:dev*", "(1 build)")]
)
async def test_bisect_of_two_branches_tries_both(world: Environment, typed: str, left: str) -> None:
    await world.start()
    line(world, 4)
    world.applivery.build(world.courier, version="2.5.0", number="7", branch="release/2.5")
    world.applivery.build(world.courier, version="2.5.1", number="8", branch="develop")
    world.applivery.build(world.courier, version="2.6.0", number="9", branch="develop")
    answer = await world.ask("bisect courier good:2.4.0 bad:2.6.0" + typed)
    assert left in answer.text


@on_sqlite
async def test_bisect_leaves_other_branches_alone(world: Environment) -> None:
    await world.start()
    line(world, 2)
    world.applivery.build(world.courier, version="2.4.1", number="500", branch="feature/cart")
    world.applivery.build(world.courier, version="2.4.2", number="501", branch="main")
    answer = await world.ask("bisect courier good:#170 bad:#501")
    assert "(1 build)" in answer.text


@on_sqlite
async def test_bisect_with_nothing_between_answers_at_once(world: Environment) -> None:
    await world.start()
    line(world, 2)
    answer = await world.ask("bisect courier good:2.4.0 bad:2.4.1")
    assert seen(answer).startswith("*First bad build: Courier 2.4.1 (171) · iOS*")
    assert answer.ephemeral_to == world.ana.id
    assert not world.slack.messages(world.releases)


@on_sqlite
async def test_bisect_refuses_one_build_as_both_ends(world: Environment) -> None:
    await world.start()
    line(world, 2)
    assert "Good and bad are the same build" in (await world.ask("bisect courier good:2.4.0 bad:#170")).text


@on_sqlite
async def test_bisect_refuses_what_is_not_ready(world: Environment) -> None:
    await world.start()
    made = line(world, 3)
    world.applivery.fail(made[2])
    assert "isn't ready, so it can't be tested." in (await world.ask("bisect courier good:2.4.0 bad:2.4.2")).text


@on_sqlite
async def test_bisect_without_a_known_forge_has_no_link(world: Environment) -> None:
    await world.start()
    for build in line(world, 2):
        build.wire["deployer"]["info"]["repositoryUrl"] = "https://git.acme.example/mobile"
    answer = await world.ask("bisect courier good:2.4.0 bad:2.4.1")
    assert labels(answer) == ["Get first bad", "Get last good"]


@on_sqlite
async def test_bisect_of_builds_without_commits_says_none(world: Environment) -> None:
    await world.start()
    line(world, 2, commit=None)
    assert "Commits" not in (await world.ask("bisect courier good:2.4.0 bad:2.4.1")).text


# ------------------------------------------------------------------ where it runs


@on_sqlite
async def test_bisect_asked_for_in_a_thread_stays_there(world: Environment) -> None:
    await world.start()
    line(world)
    talk = world.slack.say("It crashes again", world.bruno, world.releases)
    await world.slack.mention(TYPED, world.ana, world.releases, talk.ts)
    await rested(world)
    await world.settle()
    assert world.slack.messages(world.releases) == [talk]
    mine = [message for message in thread(world) if message.bot_id]
    assert [seen(message).splitlines()[0] for message in mine] == [
        "*Bisecting Courier · iOS*",
        "*Step 1: Courier 2.4.4 (174) · iOS*",
    ]
    answers = [await vote(world, word) for word in ("Good", "Good")]
    assert [answer.thread_ts for answer in answers] == [talk.ts, talk.ts]
    assert steps(world)[-1] == "*First bad build: Courier 2.4.7 (177) · iOS*"
    assert seen(mine[0]).startswith("*First bad build")


@on_sqlite
async def test_bisect_in_a_direct_message_stays_there(world: Environment) -> None:
    await world.start()
    line(world)
    await world.slack.write(TYPED, world.bruno)
    await rested(world)
    await world.settle()
    said = [message for message in world.slack.messages(world.slack.dm(world.bruno)) if message.bot_id]
    step = next(message for message in said if "Step 1" in seen(message))
    await vote(world, "Bad", message=step)
    said = [message for message in world.slack.messages(world.slack.dm(world.bruno)) if message.bot_id]
    assert any("Step 2" in seen(message) for message in said)
    assert not world.slack.messages(world.releases)


@on_sqlite
async def test_bisect_where_the_bot_cannot_post_is_refused(world: Environment) -> None:
    await world.start()
    line(world)
    answer = await world.ask(TYPED, channel=world.general)
    assert "I'm not in this channel" in answer.text
    assert not await world.bot.store.run(bisections.list_running_bisections, world.general.id)


async def test_bisect_of_the_same_app_runs_once_in_a_channel(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    again = await started(world)
    assert again.text.startswith("A bisect of Courier · iOS is already running here.")
    assert len(world.slack.messages(world.releases)) == 1


async def test_bisect_alone_lists_what_runs_here(world: Environment) -> None:
    await world.start()
    line(world)
    nothing = await world.ask("bisect")
    assert nothing.text.startswith("No bisect is running here.")
    await started(world)
    listed = await world.ask("bisect")
    assert "Courier · iOS · About 3 steps left (6 builds)\nCurrent: 2.4.4 (174)" in seen(listed)
    assert labels(listed) == ["Get build", "Stop bisect"]
    beta = world.slack.channel("beta", members=(world.ana,))
    assert (await world.ask("bisect", channel=beta)).text.startswith("No bisect is running here.")


async def test_bisect_follows_a_channel_to_its_new_id(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    [running] = await world.bot.store.run(bisections.list_running_bisections, world.releases.id)
    await world.bot.store.run(channel_moves.move_channel, world.releases.id, "C0NEW", 1.0)
    [moved] = await world.bot.store.run(bisections.list_running_bisections, "C0NEW")
    assert moved.id == running.id


# ------------------------------------------------------------------ who may


@pytest.mark.parametrize("word", ["Get build", "Good", "Bad", "Can't tell", "Stop bisect"])
@on_sqlite
async def test_bisect_buttons_refuse_a_guest(world: Environment, word: str) -> None:
    guest = world.slack.user("guest", guest=True)
    world.releases.members += [guest.id]
    await world.start()
    line(world)
    await started(world)
    answer = await vote(world, word, user=guest)
    assert "Guests can only use apps they've been given access to." in answer.text
    assert len(thread(world)) == 1
    assert mints(world) == 0


@on_sqlite
async def test_bisect_vote_is_refused_once_access_is_withdrawn(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    await world.bot.store.run(access.allow_channel, world.courier.id, "C0OTHER", world.ana.id)
    answer = await vote(world, "Good")
    assert "Courier can't be used here." in answer.text
    [running] = await world.bot.store.run(bisections.list_running_bisections, world.releases.id)
    assert not running.votes


@on_sqlite
async def test_bisect_step_is_held_while_the_app_is_kept_elsewhere(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    await world.ask("bisect")  # nothing new is said here
    [running] = await world.bot.store.run(bisections.list_running_bisections, world.releases.id)
    await world.bot.store.run(access.allow_channel, world.courier.id, "C0OTHER", world.ana.id)
    await world.bot.store.run(bisections.leave_out, running.id, {running.steps[0]})
    await world.settle()
    assert len(thread(world)) == 1
    await world.bot.store.run(access.allow_channel, world.courier.id, world.releases.id, world.ana.id)
    await world.bot.withdrawals.step()
    await world.settle()
    assert len(thread(world)) == 2


@on_sqlite
async def test_bisect_is_stopped_by_its_starter_and_releasers(world: Environment) -> None:
    carla = world.slack.user("carla")
    await world.start()
    line(world)
    await started(world, user=world.bruno)
    refused = await vote(world, "Stop bisect", user=carla)
    assert "only releasers can stop bisects that others started" in refused.text
    assert (await vote(world, "Stop bisect")).text == "*Bisect of Courier · iOS stopped.*"
    [head] = world.slack.messages(world.releases)
    assert seen(head).startswith("*Bisect of Courier · iOS stopped*")
    assert "The bug came in after 2.4.0 (170), up to 2.4.7 (177)." in seen(head)
    assert labels(head) == labels(thread(world)[0]) == []
    await started(world, user=world.bruno)
    assert (
        "stopped"
        in (await vote(world, "Stop bisect", user=world.ana, message=world.slack.messages(world.releases)[-1])).text
    )


@on_sqlite
async def test_bisect_old_button_after_the_end_says_so(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    good = next(each for each in controls(thread(world)[0]) if each.label == "Good")
    [running] = await world.bot.store.run(bisections.list_running_bisections, world.releases.id)
    await world.bot.store.run(bisections.stop_bisection, running.id)
    turn = await world.slack.click(thread(world)[0], good.action, user=world.bruno, block_id=good.block)
    assert (await turn.answer()).text == "This bisect has ended."


# ------------------------------------------------------------------ its end, and what is kept


async def test_bisect_without_votes_for_two_weeks_ends_once(world: Environment) -> None:
    clock = Clock(world)
    await world.start()
    line(world)
    await started(world)
    clock.forward(days=13)
    await world.bot.bisections.step()
    assert await world.bot.store.run(bisections.list_running_bisections, world.releases.id)
    if world.database.startswith("postgresql"):
        return  # whose clock is its own
    clock.forward(days=2)
    for _ in range(2):
        await world.bot.bisections.step()
        await world.settle()
    [head] = world.slack.messages(world.releases)
    assert seen(head).startswith("*Bisect of Courier · iOS ended: no votes for two weeks*")
    entries = await world.bot.store.run(audit.list_entries)
    assert [each.outcome for each in entries if each.action is AuditAction.BISECT] == [
        AuditOutcome.EXPIRED,
        AuditOutcome.STARTED,
    ]


async def test_bisect_forgotten_tester_leaves_the_count(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    await vote(world, "Good")
    question = await world.ask(f"forget <@{world.bruno.id}>")
    delete = next(each for each in labels(question) if each.startswith("Delete"))
    await (await press(world.slack, question, delete, user=world.ana)).answer()
    [running] = await world.bot.store.run(bisections.list_running_bisections, world.releases.id)
    assert world.bruno.id not in repr(running.votes)
    assert [each.verdict for each in running.votes] == [BisectVerdict.GOOD]


# ------------------------------------------------------------------ crashes and replicas


@on_sqlite
async def test_bisect_step_with_a_lost_answer_is_posted_once(world: Environment) -> None:
    await world.start()
    line(world)
    await started(world)
    world.slack.faults.add(POST, Fault(drop_after=True))
    await vote(world, "Good")
    await world.restart()
    await world.settle()
    assert steps(world) == [
        "✅ *Good:* Courier 2.4.4 (174) · iOS",
        "*Step 2: Courier 2.4.6 (176) · iOS*",
    ]


async def test_bisect_votes_at_once_ask_about_one_next_build(world: Environment) -> None:
    people = [world.slack.user(f"tester{n}") for n in range(6)]
    await world.start()
    line(world)
    await started(world)
    step = thread(world)[0]
    turns = await asyncio.gather(*(press(world.slack, step, "Good", user=person) for person in people))
    await asyncio.gather(*(turn.answer() for turn in turns))
    await rested(world)
    await world.settle()
    assert len(thread(world)) == 2
    assert "6 good" in seen(thread(world)[0])
