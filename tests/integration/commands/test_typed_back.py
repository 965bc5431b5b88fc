"""Whatever the bot shows can be typed or pasted back to it, by every way in which words come."""

from __future__ import annotations

import html
import re
from functools import reduce
from typing import Any

import pytest

from bot.dispatch.registry import HandlerKind
from bot.domain.lookup import label
from bot.slack.views import builds as cards
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.support.handing import ready, rested, seen
from tests.support.pasting import pasted
from tests.support.seeing import controls, labels, press

MANY = {"links_per_minute": 10_000, "links_per_hour": 10_000}
AWKWARD = (
    "My *odd* App: 2.0 `beta`",
    "_internal_",
    "Foo & Bar <x> | #1 @here",
    "Ana’s – “best” app",
    "Ｆｕｌｌ ＿w",
    "שלום עולם",
    "😀 Rocket",
    "a,b.c!? [d] = (e) \\ ~f~",
    "two  blanks\u00a0and\u200b more",
    "shop.acme.io",
    "os:ios",
)


def the_build(message: FakeMessage) -> str:
    """The id of the build that an answer is about; its text when it is about none."""
    addresses = [control.url for control in controls(message) if control.action == "open.dashboard"]
    return re.sub(r".*id=", "", addresses[0]) if addresses else message.text


async def typed(world: Environment, words: str) -> FakeMessage:
    answer: FakeMessage = await world.ask(words)
    return answer


async def mentioned(world: Environment, words: str) -> FakeMessage:
    before = len(world.slack.ephemerals(world.ana))
    await world.slack.mention(f"<@{world.slack.bot_user_id}>, {words}", world.ana, world.releases)
    await world.slack.until(lambda: len(world.slack.ephemerals(world.ana)) > before)
    return world.slack.ephemerals(world.ana)[-1]


async def in_a_thread(world: Environment, words: str) -> FakeMessage:
    before = len(world.slack.ephemerals(world.ana))
    parent = world.slack.say("hello", world.ana, world.releases)
    await world.slack.mention(f"hi <@{world.slack.bot_user_id}>: {words}", world.ana, world.releases, parent.ts)
    await world.slack.until(lambda: len(world.slack.ephemerals(world.ana)) > before)
    return world.slack.ephemerals(world.ana)[-1]


@pytest.mark.parametrize("way", [typed, mentioned, in_a_thread])
async def test_a_label_means_its_build_by_every_way(world: Environment, way: Any) -> None:
    for number, name in enumerate(AWKWARD):
        app = world.applivery.app(name, slug=f"app-{number}")
        world.applivery.build(app, version="1.0", number="1", branch=name)
    await world.start(**MANY)
    apps = world.bot.dispatcher.services.apps
    for app in await apps.apps():
        for build in await apps.builds(app):
            shown = [cards.plain_title(build), f"{app.name} {label(build)}", f"{app.name} {build.version}", app.name]
            for words in shown:
                for sent in list(pasted(words))[: None if way is typed and words is shown[0] else 2]:
                    assert the_build(await way(world, f"status {sent}")) == build.id, sent


async def test_an_app_s_name_means_it_in_every_command(world: Environment) -> None:
    name = AWKWARD[0]
    odd = world.applivery.app(name, slug="odd")
    world.applivery.build(odd, version="1.0", number="7", os="ios")
    await world.start(**MANY)
    for words, said in {
        f"get {name}": f"{name} 1.0 (7) · iOS",
        f"builds {name}": f"Builds of {name}",
        f"subscribe {name} on:failed": f"to {name} (failed builds)",
        f"mute 4h {name}": f"{name} in",
        f"unmute {name}": f"Unmuted {name}",
        f"unsubscribe {name}": f"from {name}.",
        f"grant <@{world.bruno.id}|bruno> releaser app:{name}": f"for {name}",
        f"audit app:{name}": "Audit log",
        f"downloads {name} since:7d": f"ownloads of {name}",
        f"recall {name} 1.0 (7) it crashes": "it crashes",
        f"unrecall {name} 1.0 (7) · iOS": f"{name} 1.0 (7) for iOS",
    }.items():
        answer = await typed(world, words)
        assert said in html.unescape(answer.text).replace("`", "") or said in html.unescape(seen(answer)), words


@pytest.mark.parametrize(
    "words",
    [
        "builds courier branch:{branch}",
        "builds courier branch:`{branch}`",
        'builds courier branch:"{branch}"',
        "builds courier tag:{tag}",
        "builds courier by:{uploader}",
        "builds courier -branch:main by:“{uploader}”",
        "builds courier os: ios branch: {branch}",
        "builds courier by:'{uploader}'",
        "builds courier ios",
        "builds courier version:`2.4.0`",
    ],
)
async def test_a_fact_of_a_build_means_it_in_a_filter(world: Environment, words: str) -> None:
    await world.start()
    facts = {"branch": "feature/new_login*v2", "tag": "release candidate", "uploader": "Ana María Ruiz"}
    ready(world, version="1.0.0", branch="main", os="android", number="1")
    ready(
        world,
        branch=facts["branch"],
        tags=(facts["tag"],),
        uploader={"firstName": "Ana", "lastName": "María Ruiz", "email": "a@b.c"},
    )
    answer = await world.ask(words.format(**facts))
    assert "2.4.0 (173)" in answer.text
    assert "1.0.0" not in answer.text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("get curier", "Did you mean `Courier`?"),
        ("get courier 2.4.1", "Did you mean `2.4.0`?"),
        ("get courier andriod", "Did you mean `android`?"),
        ("builds courier branch:main by:No One", 'Did you mean `by:"No One"`?'),
        ("subscribe courier tz:America/Los_Angles", "Did you mean `tz:America/Los_Angeles`"),
        ("get courier brnch:main", "Did you mean `branch:`?"),
        ("whoam", "Did you mean `whoami`"),
    ],
)
async def test_unknown_words_get_the_closest_right_ones(world: Environment, words: str, said: str) -> None:
    await world.start()
    ready(world, os="android")
    answer = await world.ask(words)
    assert said in answer.text


async def test_a_reason_is_kept_as_it_was_typed(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("recall courier 2.4.0 (173) it *crashes* in `login` – “always”")
    assert "it *crashes* in `login` – " in html.unescape(seen(answer))


async def test_suggested_build_name_is_understood_when_typed(world: Environment) -> None:
    await world.start()
    ready(world, version="2.4 *rc* `1`")
    missed = await world.ask("get courier 2.4 *rc* `2`")
    answer = await (await press(world.slack, missed, "2.4 *rc* `1`", user=world.ana)).answer()
    assert "2.4 *rc* `1`" in html.unescape(answer.text)


async def test_build_without_app_asks_for_app_and_keeps_build(world: Environment) -> None:
    ready(world)
    other = world.applivery.app("Driver")
    world.applivery.build(other, version="2.4.0", number="173")
    await world.start()
    for words in ("get #173", "get 2.4.0 (173)", "get ios 2.4"):
        asked = await world.ask(words)
        assert labels(asked) == ["Courier", "Driver"]
        answer = await (await press(world.slack, asked, "Driver", user=world.ana)).answer()
        assert answer.text.startswith("Driver 2.4.0 (173) for iOS")


async def test_every_example_of_help_is_understood(world: Environment) -> None:
    await world.start(**MANY)
    ready(world)
    group = world.slack.usergroup("qa-team", [world.bruno])
    picked = {
        "@bruno": f"<@{world.bruno.id}|bruno>",
        "@ana": f"<@{world.ana.id}|ana>",
        "@colleague": f"<@{world.bruno.id}|bruno>",
        "@qa-team": f"<!subteam^{group.id}|@qa-team>",
        "@mobile-qa": f"<!subteam^{group.id}|@qa-team>",
        "#releases": f"<#{world.releases.id}|releases>",
        "#leads": f"<#{world.releases.id}|releases>",
    }
    entries = world.bot.dispatcher.registry.entries
    usages = [line for (kind, _), entry in entries.items() if kind is HandlerKind.COMMAND for line in entry.usage]
    for line in (line for line in usages if line.startswith("/")):
        words = reduce(lambda text, name: text.replace(name, picked[name]), picked, line)
        turn = await world.slack.command("/applivery", f"`{words}`", user=world.ana, channel=world.releases)
        await rested(world)
        said = turn.answers[-1].text if turn.answers else ""
        for wrong in (
            "nknown command",
            "nknown option",
            "nknown word",
            "I can't read",
            "no app called",
        ):
            assert wrong not in said, (line, said)


async def test_a_menu_is_searched_as_people_type(world: Environment) -> None:
    world.applivery.app("Ana’s – App", slug="anas")
    await world.start()
    turn = await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)
    form = await turn.view()
    for part in ("ana's - app", "Ana’s\u00a0– App\u200b", "`Ana’s`", "ANA’S"):
        found = await world.slack.options(form, "get.app", part, user=world.ana)
        assert [entry["text"]["text"] for entry in found] == ["Ana’s – App"], part


@pytest.mark.parametrize("way", [typed, mentioned, in_a_thread])
async def test_link_to_a_build_in_applivery_names_it(world: Environment, way: Any) -> None:
    """The build in the link, not the newest one, and not the question which app is meant."""
    await world.start()
    world.applivery.app("Driver")
    old = ready(world, version="1.0.0", number="1")
    ready(world, version="2.0.0", number="2")
    workspace = world.applivery.organization["slug"]
    page = f"https://dashboard.applivery.io/{workspace}/apps/{world.courier.slug}/builds"
    assert the_build(await way(world, f"status <{page}?id={old.id}>")) == old.id
    assert "1.0.0 (1)" in seen(await way(world, f"builds <{page}?id={old.id}>"))
    elsewhere = page.replace(f"/{workspace}/", "/elsewhere/")
    assert "1.0.0" not in seen(await way(world, f"status {elsewhere}?id={old.id}")), "another workspace's"
