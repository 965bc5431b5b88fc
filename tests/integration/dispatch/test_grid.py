"""Enterprise Grid: the same person gets the same verdict by every entrypoint, and both their ids are one person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.db import access, audit
from bot.domain.audit import AuditAction
from bot.domain.colleagues import ColleagueRule
from bot.domain.model import App, Role
from bot.exceptions import PermissionDenied, PermissionUnverified
from sandbox.slack import FakeUser, FakeView, GridPeople, SlackApiError, seed_grid
from sandbox.slack.people import FakeMembership
from tests.conftest import Environment
from tests.integration.commands.test_downloads import private
from tests.support.handing import directs, ready, rested, seen
from tests.support.seeing import labels, old_card, press
from tests.support.watching import on_its_way, watched

COLLEAGUES = ("home", "both", "wanda", "ursula")
STRANGER = "People from another organisation can only use apps"
SISTER = "People from other workspaces can only use apps"
REFUSED = {
    "guest": "Guests can only use apps",
    "partner": STRANGER,
    "other": STRANGER,
    "gone": "Only members of this workspace",
    "robot": "Only members of this workspace",
}
EVERYBODY = (*COLLEAGUES, "sister", *REFUSED)
everybody = pytest.mark.parametrize("kind", EVERYBODY)
rules = pytest.mark.parametrize("rule", list(ColleagueRule))


@pytest.fixture
def grid(world: Environment) -> GridPeople:
    people = seed_grid(world.slack.workspace)
    world.releases.members += [person.id for person in people.everybody.values()]
    return people


def refusal(kind: str, rule: str) -> str | None:
    """How a person is refused; None for a colleague."""
    return SISTER if kind == "sister" and rule == ColleagueRule.WORKSPACE else REFUSED.get(kind)


async def form_of(world: Environment, person: FakeUser) -> FakeView:
    """The form of `get`, opened while the person was welcome."""
    grid, before, rule = world.slack.workspace.organisation, replace(person), world.bot.settings.access_org
    assert grid is not None
    person.grid = FakeMembership(person.id, grid.id, grid.name, [world.slack.team_id])
    person.guest = person.deleted = person.bot = False
    await world.restart(access_org=rule)
    turn = await world.slack.command("/applivery", "get", user=person, channel=world.releases)
    view: FakeView = await turn.view()
    vars(person).update(vars(before))
    await world.restart(access_org=rule)
    return view


async def by_command(world: Environment, person: FakeUser) -> str:
    return str((await world.ask("get courier", user=person)).text)


async def by_button(world: Environment, person: FakeUser) -> str:
    card = old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{world.applivery.builds[-1].id}")
    return str((await (await press(world.slack, card, "Old", user=person)).answer()).text)


async def by_form(world: Environment, person: FakeUser) -> str:
    form = await form_of(world, person)
    before = len(world.slack.ephemerals(person))
    turn = await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=person)
    await world.slack.until(lambda: len(world.slack.ephemerals(person)) > before)
    return f"{world.slack.ephemerals(person)[-1].text} {turn.errors or ''}"


async def by_mention(world: Environment, person: FakeUser) -> str:
    before = world.slack.say("hello", world.ana, world.releases)
    await world.slack.mention("get courier", person, world.releases, before.ts)
    await world.slack.until(lambda: world.slack.ephemerals(person, world.releases))
    return str(world.slack.ephemerals(person, world.releases)[-1].text)


async def by_direct_message(world: Environment, person: FakeUser) -> str:
    before = len(directs(world, person))
    await world.slack.write("get courier", person)
    await world.slack.until(lambda: len(directs(world, person)) > before)
    return str(directs(world, person)[-1].text)


async def by_shortcut(world: Environment, person: FakeUser) -> str:
    card = old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{world.applivery.builds[-1].id}")
    return str((await (await world.slack.shortcut("get_build", user=person, message=card)).answer()).text)


WAYS: dict[str, Callable[[Environment, FakeUser], Awaitable[str]]] = {
    "command": by_command,
    "button": by_button,
    "form": by_form,
    "mention": by_mention,
    "direct message": by_direct_message,
    "shortcut": by_shortcut,
}


@everybody
@rules
async def test_grid_same_verdict_by_every_way_in(world: Environment, grid: GridPeople, kind: str, rule: str) -> None:
    await world.start(access_org=rule)
    world.applivery.app("Driver")
    ready(world)
    person, words = grid.everybody[kind], refusal(kind, rule)
    for way, ask in WAYS.items():
        if (kind, way) == ("robot", "direct message"):
            continue  # no app can write to another one
        said = await ask(world, person)
        assert (words or "Courier 2.4.0") in said, way
        assert (words is None) == ("Courier 2.4.0" in said), way


@everybody
@rules
async def test_grid_same_verdict_in_the_typeahead_and_at_home(
    world: Environment, grid: GridPeople, kind: str, rule: str
) -> None:
    await world.start(access_org=rule)
    world.applivery.app("Driver")
    ready(world)
    person, words = grid.everybody[kind], refusal(kind, rule)
    form = await form_of(world, person)
    assert bool(await world.slack.options(form, "get.app", "", user=person)) == (words is None)
    await world.slack.home(person)
    await rested(world)
    assert (words or "You're *member*") in seen(world.slack.home_of(person))


@everybody
@rules
async def test_grid_same_verdict_on_whom_others_name(
    world: Environment, grid: GridPeople, kind: str, rule: str
) -> None:
    await world.start(access_org=rule)
    ready(world)
    person, words = grid.everybody[kind], refusal(kind, rule)
    for each in sorted(person.ids):
        sent = (await world.ask(f"get courier to:<@{each}>")).text
        assert sent.startswith("Sent ") == (words is None), sent
        granted = (await world.ask(f"grant <@{each}> releaser")).text
        stored = person.grid.id if person.grid else person.id
        assert granted.startswith((f"<@{stored}> is now", f"<@{stored}> is already")) == (words is None), granted
    assert bool(directs(world, person)) == (words is None)


@everybody
@rules
async def test_grid_same_verdict_in_rechecks(world: Environment, grid: GridPeople, kind: str, rule: str) -> None:
    await world.start(access_org=rule)
    person, words = grid.everybody[kind], refusal(kind, rule)
    courier = App(world.courier.id, "courier", "Courier")
    permission = world.bot.dispatcher.services.sent_builds._permission
    for each in sorted(person.ids):
        if words is None:
            actor = await permission.require(each, Role.MEMBER, courier, world.releases.id)
            assert actor.team_id == world.slack.team_id
            assert actor.user_id == (person.grid and person.grid.id)
        else:
            with pytest.raises(PermissionDenied, match=words):
                await permission.require(each, Role.MEMBER, courier, world.releases.id)


async def test_an_organisations_installation_takes_all_of_it(world: Environment, grid: GridPeople) -> None:
    world.slack.install_for_organisation()
    await world.start()
    ready(world)
    for kind, person in grid.everybody.items():
        words = REFUSED.get(kind) or "Courier 2.4.0"
        assert words in (await world.ask("get courier", user=person)).text, kind
        assert words in await by_button(world, person), kind


# ------------------------------------------------------------------ two ids, one person


duals = pytest.mark.parametrize("kind", ["wanda", "ursula"])


def other_id(person: FakeUser) -> str:
    [found] = person.ids - {person.id}
    return found


@duals
@pytest.mark.parametrize("listed", ["own", "other"])
async def test_an_admin_of_the_settings_has_either_id(
    world: Environment, grid: GridPeople, kind: str, listed: str
) -> None:
    person = grid.everybody[kind]
    await world.start(access_admins=(person.id if listed == "own" else other_id(person),))
    assert "You're *admin*" in (await world.ask("whoami", user=person)).text


@duals
async def test_a_grant_to_a_group_reaches_its_dual_member(world: Environment, grid: GridPeople, kind: str) -> None:
    person = grid.everybody[kind]
    group = world.slack.usergroup("qa", [person])
    assert group.users == [other_id(person)]
    await world.start()
    await world.ask(f"grant <!subteam^{group.id}|@qa> manager")
    assert "You're *manager*" in (await world.ask("whoami", user=person)).text


@duals
@pytest.mark.parametrize("shown", ["asked", "own"])
async def test_an_id_that_ones_record_hides_is_learned(
    world: Environment, grid: GridPeople, kind: str, shown: str
) -> None:
    """A record may have one id alone; that of the other id, in a group or a grant, leads to the same person."""
    person = grid.everybody[kind]
    group = world.slack.usergroup("qa", [person])
    world.slack.workspace.shown_ids = shown
    await world.start()
    await world.ask(f"grant <!subteam^{group.id}|@qa> manager")
    assert "You're *manager*" in (await world.ask("whoami", user=person)).text
    assert "You're *member*" in (await world.ask("whoami", user=grid.home)).text
    await world.ask(f"grant <@{other_id(person)}> releaser")
    await world.ask(f"revoke <!subteam^{group.id}|@qa>")
    assert "You're *releaser*" in (await world.ask("whoami", user=person)).text
    await world.restart(access_admins=(other_id(person),))
    assert "You're *admin*" in (await world.ask("whoami", user=person)).text
    assert "You're *member*" in (await world.ask("whoami", user=grid.home)).text


async def test_a_group_of_unknown_ids_gives_nothing(world: Environment, grid: GridPeople) -> None:
    """Whom Slack says nothing of may be the asker: not now, and a recheck waits."""
    group = world.slack.usergroup("qa", [grid.ursula])
    await world.start()
    await world.ask(f"grant <!subteam^{group.id}|@qa> manager")
    await world.ask("whoami", user=grid.home)
    await world.restart()
    permission = world.bot.dispatcher.services.sent_builds._permission
    await permission.require(grid.home.id, Role.MEMBER, None, None)
    await world.restart()
    usergroups, facts = world.slack.workspace.usergroups, world.slack.workspace.person

    def silent(user_id: object) -> FakeUser | None:
        if user_id in usergroups[group.id].users:
            raise SlackApiError("fatal_error")
        return facts(user_id)

    world.slack.workspace.person = silent  # type: ignore[method-assign]
    assert "You're *member*" in (await world.ask("whoami", user=grid.home)).text
    permission = world.bot.dispatcher.services.sent_builds._permission
    with pytest.raises(PermissionUnverified):
        await permission.require(grid.home.id, Role.MEMBER, None, None)


@duals
async def test_a_grant_by_one_id_is_revoked_by_the_other(world: Environment, grid: GridPeople, kind: str) -> None:
    person = grid.everybody[kind]
    await world.start()
    await world.ask(f"grant <@{other_id(person)}> manager")
    assert "You're *manager*" in (await world.ask("whoami", user=person)).text
    await world.ask(f"revoke <@{person.id}>")
    assert await world.bot.store.cached(access.list_grants, world.slack.team_id) == []


@duals
async def test_a_grant_of_before_is_theirs_by_either_id(world: Environment, grid: GridPeople, kind: str) -> None:
    person = grid.everybody[kind]
    await world.start()
    for each in person.ids:
        await world.bot.store.run(access.grant_role, world.slack.team_id, each, Role.MANAGER, None, "UOLD")
        assert "You're *manager*" in (await world.ask("whoami", user=person)).text
        await world.ask(f"revoke <@{person.id}>")
        assert "You're *member*" in (await world.ask("whoami", user=person)).text


@duals
async def test_audit_and_forget_find_both_ids(world: Environment, grid: GridPeople, kind: str) -> None:
    person = grid.everybody[kind]
    await world.start()
    ready(world)
    await world.ask("get courier", user=person)
    for each in person.ids:
        assert "2.4.0" in seen(await world.ask(f"audit person:<@{each}>"))
    answer = await world.ask(f"forget <@{other_id(person)}>")
    await press(world.slack, answer, "Delete 1 record", user=world.ana)
    await rested(world)
    assert [entry.action for entry in await world.bot.store.run(audit.list_entries)] == [AuditAction.FORGET]


@duals
async def test_links_are_counted_for_the_person(world: Environment, grid: GridPeople, kind: str) -> None:
    person = grid.everybody[kind]
    await world.start(links_per_minute=1)
    ready(world)
    assert "Courier 2.4.0" in (await world.ask("get courier", user=person)).text
    event = {"type": "app_mention", "user": other_id(person), "text": f"<@{world.slack.bot_user_id}> get courier"}
    await world.slack.event({**event, "channel": world.releases.id, "ts": world.slack.workspace.new_ts()})
    await rested(world)
    entries = await world.bot.store.run(audit.list_entries)
    assert {entry.user_id for entry in entries} == {person.grid and person.grid.id}
    assert len(world.applivery.minted) == 1


@duals
async def test_a_watch_is_told_where_the_person_is(world: Environment, grid: GridPeople, kind: str) -> None:
    person = grid.everybody[kind]
    await world.start()
    on_its_way(world)
    await world.ask(f"get courier to:<@{other_id(person)}>")  # Slack's other id of them is known first
    message = await watched(world, user=person)
    assert "2.4.0" in message.text
    assert world.slack.calls_of("chat.postMessage")[-1].args["channel"] == person.id


@duals
async def test_a_changed_record_is_read_again_by_either_id(world: Environment, grid: GridPeople, kind: str) -> None:
    person = grid.everybody[kind]
    await world.start()
    assert "You're *member*" in (await world.ask("whoami", user=person)).text
    await world.slack.change(person, guest=True)
    assert REFUSED["guest"] in (await world.ask("whoami", user=person)).text


@duals
async def test_missing_counts_a_person_of_two_ids_once(world: Environment, grid: GridPeople, kind: str) -> None:
    person = grid.everybody[kind]
    await world.start()
    ready(world)
    group = world.slack.usergroup("qa", [person, grid.home])
    group.users.append(person.id)
    answer = await world.ask(f"downloads courier missing:<!subteam^{group.id}|@qa>")
    assert "*0 of 2 people*" in answer.text
    _, [names] = private(world, world.ana)
    assert "*Not downloaded yet* (2)" in names.text
    assert sum(names.text.count(f"<@{each}>") for each in person.ids) == 1


@duals
async def test_an_opt_out_holds_for_both_ids(world: Environment, grid: GridPeople, kind: str) -> None:
    person = grid.everybody[kind]
    await world.start()
    ready(world)
    group = world.slack.usergroup("qa", [person])
    await press(world.slack, old_card(world.slack, world.releases, "unnudge.v1", "x"), "Old", user=person)
    await rested(world)
    await world.ask(f"downloads courier missing:<!subteam^{group.id}|@qa>")
    _, [names] = private(world, world.ana)
    assert "*Not downloaded yet* (1)" in names.text
    assert labels(names) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"team": None, "user.team_id": None},
        {"team": None, "user.team_id": "T0ELSEWHERE", "team_id": "T0ELSEWHERE"},
        {"team": {"id": "E0SANDBOX"}, "user.team_id": "E0SANDBOX", "enterprise": None},
        {"team": {"id": "T0ELSEWHERE"}, "user.team_id": "T0ELSEWHERE", "enterprise": {"id": "E0OTHER"}},
    ],
    ids=str,
)
async def test_grid_payload_decides_nothing(world: Environment, grid: GridPeople, odd: dict[str, Any]) -> None:
    """The organisation's installation has `team` null: https://github.com/slackapi/deno-slack-runtime/issues/65"""
    payloads, interaction = world.slack.person.payloads, world.slack.person.payloads.interaction

    def write(kind: str, user: FakeUser) -> dict[str, Any]:
        payload = interaction(kind, user) | {key: value for key, value in odd.items() if "." not in key}
        payload["user"] = {**payload["user"], "team_id": odd["user.team_id"]}
        return payload

    payloads.interaction = write  # type: ignore[method-assign]
    await world.start()
    world.applivery.app("Driver")
    ready(world)
    for way in ("button", "form", "shortcut"):
        for kind in (*COLLEAGUES, "partner"):
            said = await WAYS[way](world, grid.everybody[kind])
            assert ("Courier 2.4.0" in said) == (kind != "partner"), (way, kind)


async def test_a_silent_record_refuses_in_words(world: Environment, grid: GridPeople) -> None:
    assert grid.home.grid is not None
    grid.home.grid.teams = []
    await world.start()
    assert "can't check who you are" in (await world.ask("get courier", user=grid.home)).text


async def test_an_admin_of_the_sister_is_none_here(world: Environment, grid: GridPeople) -> None:
    grid.both.admin = True
    await world.start()
    assert "You're *member*" in (await world.ask("whoami", user=grid.both)).text
