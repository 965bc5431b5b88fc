"""Run everything once: every command, button, form, shortcut, mention and worker, and failures."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import psycopg

from bot.db import scheduled_reports, subscriptions
from bot.db.types import micros
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import HandlerKind, command
from bot.domain.downloads import GroupBy
from bot.domain.model import BuildEvent, FileKind, Role
from bot.slack.blocks import Message as Says
from bot.slack.scopes import EVENTS
from sandbox.faults import Fault
from sandbox.slack import FakeMessage, FakeUser
from tests.conftest import Environment
from tests.support.handing import MINTING, ready, rested
from tests.support.seeing import Control, click, click_control, controls, every_message, old_card, press

MISHAPS = (
    Fault(status=500, error="no"),
    Fault(status=429, retry_after=1),
    Fault(status=401, code=4004),
    Fault(status=400, code=5014),
    Fault(drop=True),
    Fault(drop_after=True),
    Fault(body="<html>"),
)


async def everything(world: Environment) -> None:
    """Run everything, and assert that no handler was left out."""
    await _commands(world)
    await _forms(world)
    await _other_doors(world)
    await _unfinished(world)
    asked = await _asked_to_try(world) | await _goals(world) | await _bisects(world)
    pressed = await press_everything(world) | asked | {"subscriptions.v1"}  # turned with _many_subscriptions
    pressed |= await _failed(world)
    pressed |= await _requests(world)
    pressed |= await _changes(world)
    pressed |= await _forgotten(world)
    pressed |= await _home(world)
    pressed |= await _long_lists(world)
    await world.ask("unmute")  # what was muted on the way is to be heard
    await _mishaps(world)
    await world.look()
    await world.bot.expire.step()
    await _digest(world)
    await rested(world)
    left_out = names(world, HandlerKind.BUTTON) - pressed
    assert not left_out, f"a new button has to be pressed here too: {left_out}"


def names(world: Environment, kind: HandlerKind) -> set[str]:
    """Return the names of all handlers of a kind."""
    entries = world.bot.dispatcher.registry.entries
    return {name for known, name in entries if known is kind}


# ------------------------------------------------------------------ commands


def typed(world: Environment) -> list[str]:
    """Return at least one use of each command, and some that are refused."""
    bruno, group = f"<@{world.bruno.id}|bruno>", world.slack.usergroup("qa-team", [world.bruno])
    ios, android = world.applivery.builds[:2]
    return [
        "", "menu", "help", "help get", "nonsense", "whoami",
        "get courier", "get courier os:android", "get courier type:aab os:android", "get courier type:auto os:ios",
        f"get {ios.id}", f"get courier {android.id} type:file", "get nothing", "get courier since:x",
        f"get courier to:{bruno}", "get courier to:bruno", "get courier 9.9.9",
        "files courier os:android", f"files {ios.id}", "builds courier", "status courier",
        "status", "downloads courier",
        "watch courier", "watch latest", "news courier", "news courier os:android",
        "recall courier 0.0.9 x", "unrecall courier",
        f"subscribe courier on:uploaded,processed,failed mention:{group.id} label:Staging", "subscribe x:y",
        "subscriptions", "subscriptions all", "unsubscribe 4711",
        "mute", "mute 30m courier", "mute soon courier", "mute until friday", "mute off", "unmute courier",
        f"grant {bruno} member app:courier", f"grant <!subteam^{group.id}|@qa> member", f"revoke {bruno} app:courier",
        f"grant <#{world.releases.id}|releases> app:courier", f"revoke <#{world.releases.id}|releases> app:courier",
        "downloads courier since:30d by:version", f"downloads courier missing:<!subteam^{group.id}|@qa>",
        "downloads courier person:eva@acme.test", "downloads courier every:daily@09:00", "downloads courier every:soon",
        f"grant <#{world.general.id}|general> manager", f"revoke <#{world.general.id}|general>",
        f"forget <@{world.slack.user('eva').id}|eva>",
        f"grant {bruno} king", "audit", "audit format:csv", f"audit person:{bruno}",
    ]  # fmt: skip


async def _commands(world: Environment) -> None:
    ready(world, changelog="Faster https://docs.acme.test/notes")
    android = ready(world, os="android", number="174", extension="aab")
    world.applivery.attach(android, "notes.pdf", b"%PDF")
    world.applivery.download(android, world.applivery.member(first="Eva", last="Ruiz"))
    for number in range(101):  # people fill more than one page
        world.applivery.download(android, world.applivery.member(email=f"p{number}@acme.test"))
    words = typed(world)
    asked = {text.partition(" ")[0] for text in words} | {"upload", "attach"}  # these answer with a form: below
    commands = [entry for entry in world.bot.dispatcher.registry.commands() if entry.name not in asked]
    words += [line.removeprefix("/applivery ") for entry in commands for line in entry.usage if line.startswith("/")]
    for word in words:
        await world.ask(word)
    for text in (
        "get courier",
        "status",
        "subscribe courier",
        "audit",
        "downloads courier",
        "files courier os:android",
    ):
        await world.ask(text, user=world.bruno)
    direct = world.slack.dm(world.bruno)
    await world.ask("get courier", user=world.bruno, channel=direct)


async def _forms(world: Environment) -> None:
    world.applivery.app("Driver")
    await world.bot.dispatcher.services.apps.apps(fresh=True)
    turn = await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)
    form = await turn.view()
    for select in ("get.app", "get.build"):
        await world.slack.options(form, select, "", user=world.ana)
    await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.ana)
    await rested(world)
    sent = {form.callback_id, await _recall(world), *await _subscriptions(world), *await _uploads(world)}
    sent |= {await _downloads(world), await _share(world), await _goal_form(world)}
    assert names(world, HandlerKind.FORM) == sent, "a new form has to be sent here too"


async def _share(world: Environment) -> str:
    """A build is shared in the channel, by the menu of a link and by a button of before. The form's name."""
    turn = await click(world.slack, await world.ask("get courier"), "share.ask.v1", user=world.ana)
    form = await turn.view()
    await world.slack.submit(form, user=world.ana)
    await rested(world)
    build = f"{world.courier.id}/{world.applivery.builds[0].id}"
    await click(world.slack, old_card(world.slack, world.releases, "share.v1", build), "share.v1", user=world.ana)
    await rested(world)
    return form.callback_id


async def _goal_form(world: Environment) -> str:
    turn = await world.slack.command("/applivery", "goal courier", user=world.ana, channel=world.releases)
    form = await turn.view()
    for select in ("goal.app", "goal.version", "goal.place"):
        await world.slack.options(form, select, "", user=world.ana)
    chosen = {"goal.app": world.courier.id, "goal.place": f"<#{world.releases.id}>", "goal.by": "7d"}
    await world.slack.submit(form, {name: {name: value} for name, value in chosen.items()}, user=world.ana)
    await rested(world)
    return form.callback_id


async def _downloads(world: Environment) -> str:
    """A summary is asked for by form. The form's name."""
    turn = await world.slack.command("/applivery", "downloads", user=world.ana, channel=world.releases)
    form = await turn.view()
    for select in names(world, HandlerKind.OPTIONS):
        if select.startswith("downloads."):
            await world.slack.options(form, select, "", user=world.ana)
    await world.slack.submit(form, {"downloads.app": {"downloads.app": world.courier.id}}, user=world.ana)
    await rested(world)
    return form.callback_id


async def _uploads(world: Environment) -> set[str]:
    """A build is uploaded by form, which asks whether people are really to be mailed, and a file is attached to one."""
    build = world.applivery.builds[0]
    file = world.slack.pick("courier.ipa", b"PK\x03\x04 canary", world.ana)
    values = {
        "upload courier": {"upload.app": world.courier.id, "upload.file": [file], "upload.mail": ["employees"]},
        "attach": {"attach.app": world.courier.id, "attach.build": build.id, "attach.file": [file]},
    }
    sent = set()
    for words, typed in values.items():
        turn = await world.slack.command("/applivery", words, user=world.ana, channel=world.releases)
        form = await turn.view()
        sent.add(form.callback_id)
        there = {action for _, part in form.elements() if (action := part["action_id"])}
        for select in names(world, HandlerKind.OPTIONS) & there:
            await world.slack.options(form, select, "", user=world.ana)
        turn = await world.slack.submit(form, {name: {name: value} for name, value in typed.items()}, user=world.ana)
        if words.startswith("upload"):
            sure = await turn.view()
            sent.add(sure.callback_id)
            await world.slack.submit(sure, {}, user=world.ana)
        await rested(world)
        await world.bot.upload_runner.drain(10)
    return sent


async def _recall(world: Environment) -> str:
    """Recall a build by form, request it, and show it; the undo is clicked below. Return the form's name."""
    bad = ready(world, version="1.9.0", number="190")
    await world.look()
    turn = await world.slack.command("/applivery", "recall", user=world.ana, channel=world.releases)
    form = await turn.view()
    for select in ("recall.app", "recall.build"):
        await world.slack.options(form, select, "", user=world.ana)
    filled = {"recall.app": world.courier.id, "recall.build": bad.id, "recall.reason": "crash on login"}
    await world.slack.submit(form, {name: {name: value} for name, value in filled.items()}, user=world.ana)
    await rested(world)
    for text in ("recall courier #190 again", "get courier #190", "news courier #190", "status courier", "unrecall"):
        await world.ask(text)
    await world.ask("recall courier #190 still")
    return form.callback_id


async def _subscriptions(world: Environment) -> set[str]:
    """A subscription is made by form, after a mistake, and changed; the list is turned. The names of the forms."""
    choices = await world.ask("subscribe on:failed")
    turn = await press(world.slack, choices, "Use a form", user=world.ana)
    new = await turn.view()
    await world.slack.options(new, "subscribe.app", "", user=world.ana)
    filled: dict[str, Any] = {"subscribe.app": world.courier.id, "subscribe.filters": "nothing"}
    await world.slack.submit(new, {name: {name: value} for name, value in filled.items()}, user=world.ana)
    filled = {
        "subscribe.filters": "",
        "subscribe.on": ["uploaded", "processed", "failed"],
        "subscribe.label": "Staging",
    }
    await world.slack.submit(new, {name: {name: value} for name, value in filled.items()}, user=world.ana)
    await rested(world)
    turn = await press(world.slack, await world.ask("subscriptions"), "Edit", user=world.ana)
    old = await turn.view()
    await world.slack.submit(old, user=world.ana)
    await rested(world)
    await _many_subscriptions(world)
    return {new.callback_id, old.callback_id}


async def _requests(world: Environment) -> set[str]:
    """Request roles, with a different decision each time; return the admin's buttons."""
    asker = world.slack.user("dora", locale=world.ana.locale, email="dora@acme.test")
    actions = ["decide.deny.v1", "decide.app.v1", "decide.all.v1"]
    asked = ["subscribe courier", "downloads courier", "audit"]
    for typed, action in zip(asked, actions, strict=True):
        await world.slack.click(await world.ask(typed, user=asker), "ask.v1", user=asker)
        await rested(world)
        question = _question(world)
        await world.slack.click(question, action, user=seer(world, question))
        await rested(world)
    return {*actions, "decide.v1"}  # which only messages of earlier versions have: commands/test_permits.py


async def _changes(world: Environment) -> set[str]:
    """Another's subscription is kept, replaced and restored, a report is restored; the buttons that do it."""
    place = world.slack.channel("shipping", members=(world.ana, world.bruno))
    await world.ask(f"grant <@{world.bruno.id}> releaser")
    await world.ask("subscribe courier", user=world.bruno, channel=place)
    for label in ("Keep", "Replace"):
        answer = await world.ask("subscribe courier on:failed", channel=place)
        await press(world.slack, answer, label, user=world.ana)
        await rested(world)
    await click(world.slack, answer, "undo.subscription.v1", user=world.ana)
    await rested(world)
    [subscription] = await world.bot.store.run(subscriptions.list_subscriptions, place.id)
    of_notices = ("resume.v1", "sharefull.v1", "sharebare.v1", "import.v1")
    for action in of_notices:
        notice = old_card(world.slack, place, action, f"{place.id}/{subscription.id}")
        await click(world.slack, notice, action, user=world.ana)
        await rested(world)
    await world.ask("unsubscribe courier", channel=place)
    await world.ask("downloads courier every:daily@09:00", channel=place)
    [report] = await world.bot.store.run(scheduled_reports.list_reports, [place.id])
    ended = await world.ask(f"unsubscribe d{report.id}", channel=place)
    await click(world.slack, ended, "undo.digest.v1", user=world.ana)
    await rested(world)
    await world.ask(f"unsubscribe d{report.id}", channel=place)
    await world.ask(f"revoke <@{world.bruno.id}>")
    return {"keep.v1", "replace.v1", "undo.subscription.v1", *of_notices, "undo.digest.v1"}


async def _forgotten(world: Environment) -> set[str]:
    """The records of who asked for roles are deleted after a question, which is cancelled once; its buttons."""
    dora = world.slack.user("dora")
    actions = ["forget.cancel.v1", "forget.v1"]
    for action in actions:
        await world.slack.click(await world.ask(f"forget <@{dora.id}|dora>"), action, user=world.ana)
        await rested(world)
    return set(actions)


def _question(world: Environment) -> FakeMessage:
    """The newest question to an admin."""
    there = [message for listed in world.slack.mailbox.by_channel.values() for message in listed]
    asking = [
        message for message in there if any(part["action_id"] == "decide.deny.v1" for _, part in message.elements())
    ]
    return max(asking, key=lambda message: float(message.ts))


async def _long_lists(world: Environment) -> set[str]:
    """More of everything than a message holds, turned once; the buttons that do it."""
    await world.ask("unmute")
    app = world.applivery.app("Archive")
    await world.bot.dispatcher.services.apps.apps(fresh=True)
    for number in range(12):
        world.applivery.build(app, version=f"0.{number}.0", changelog="\n".join(f"{'word ' * 20}" for _ in range(200)))
    for number in range(42):
        world.applivery.attach(world.applivery.builds[-1], f"{number}.txt", b"x")
    for number in range(12):
        await _digest_of(world, app.id, f"0.{number}.0")
    end = world.applivery.app("Endings", configuration={"buildRetentionDays": 30})
    await world.bot.dispatcher.services.apps.apps(fresh=True)
    for number in range(7):  # each is somebody's, so that it has a line of its own
        made = world.applivery.build(end, version=f"0.{number}.0", created_at=datetime.now(UTC) - timedelta(days=20))
        world.applivery.download(made, world.applivery.member(email=f"end{number}@acme.test"))
    asked = ("builds archive", "files archive", "news archive", "audit", "subscriptions", "forecast endings")
    for typed in asked:
        answer = await world.ask(typed)
        await press(world.slack, answer, "More", user=world.ana)
        await rested(world)
    for digest in await world.bot.store.run(scheduled_reports.list_reports, [world.releases.id]):
        await world.bot.store.run(scheduled_reports.end_report, digest.id)
    return {f"more.{text}.v1" for text in ("builds", "files", "news", "audit", "digests", "forecast")}


async def _digest_of(world: Environment, app_id: str, which: str) -> None:
    await world.bot.store.run(
        scheduled_reports.add_report,
        team_id=world.slack.team_id,
        place=world.releases.id,
        app_id=app_id,
        app_name="Archive",
        which=which,
        by=GroupBy.PERSON,
        schedule="daily@09:00",
        tz="UTC",
        quiet=True,
        created_by=world.ana.id,
        due_at=datetime.now(UTC) + timedelta(days=9),
    )


async def _many_subscriptions(world: Environment) -> None:
    """More than one page of them, for as long as it takes to turn it."""
    for number in range(12):
        about = {"channel_id": "C0FULL", "app_id": f"{number:024x}", "app_name": f"App {number}", "query": ""}
        await world.bot.store.run(
            subscriptions.add_subscription,
            team_id=world.slack.team_id,
            events=(BuildEvent.FAILED,),
            created_by=world.ana.id,
            **about,
        )
    listed = await world.ask("subscriptions all")
    for label in ("Next", "Previous"):
        await press(world.slack, listed, label, user=world.ana)
        await rested(world)
    for number in range(12):
        await world.bot.store.run(subscriptions.remove_subscription, "C0FULL", f"{number:024x}")


async def _other_doors(world: Environment) -> None:
    hello = world.slack.say("hello", world.ana, world.releases)
    await world.slack.mention("get courier", world.ana, world.releases, hello.ts, retries=1)
    await world.slack.mention("get courier", world.bruno, world.releases)
    await world.slack.mention("builds courier", world.bruno, world.releases)
    lab = world.slack.channel("lab", bot_is_member=False, members=(world.ana, world.bruno))
    await world.slack.invite(lab, world.ana)  # the button below its welcome is pressed below
    file = world.slack.share("posted.apk", b"PK\x03\x04 posted", world.ana, world.releases)
    used = {"get_build": hello, "upload_build": file, "attach_file": file, "get_any_build": None}
    assert names(world, HandlerKind.SHORTCUT) == used.keys(), "a new shortcut has to be used here too"
    for shortcut, message in used.items():
        turn = await world.slack.shortcut(shortcut, user=world.ana, message=message)
        await rested(world)
    anywhere = await turn.view()
    await world.slack.submit(anywhere, {"get.app": {"get.app": world.courier.id}}, user=world.ana)
    await rested(world)
    await _pasted(world)
    world.slack.faults.add("file", Fault(drop_at=0.5))
    state = {"upload.app": {"upload.app": world.courier.id}}
    form = next(view for view in world.slack.views if view.callback_id == "upload.v1")
    await world.slack.submit(form, state, user=world.ana)
    await rested(world)
    await world.bot.upload_runner.drain(10)


async def _pasted(world: Environment) -> None:
    """Links to an app's page, which is its newest build, to a build on its way and to a failed one; their cards."""
    world.slack.subscribed = set(EVENTS)
    world.slack.workspace.unfurl_domains = ("acme.applivery.io",)
    made = [ready(world), *(ready(world, number=status, status=status) for status in ("in_progress", "error"))]
    for build in ("", *(f"?build={build.id}" for build in made[1:])):
        message, _ = await world.slack.paste(f"https://acme.applivery.io/courier{build}", world.bruno, world.releases)
        await rested(world)
        assert message.cards
        for control in controls(message):
            await click_control(world.slack, message, control, user=world.ana)
            await rested(world)
    for build in made:
        world.applivery.delete(build)


async def _home(world: Environment) -> set[str]:
    """Everybody opens their Home and uses each kind of button there; the names of what was clicked."""
    pressed: set[str] = set()
    for who in (world.ana, world.bruno, world.slack.user("gus", guest=True, locale=world.ana.locale)):
        await world.slack.home(who)
        await rested(world)
        home = world.slack.home_of(who)
        assert home
        kinds = {element["action_id"] for _, element in home.elements()} - {"unsubscribe.v1"}
        for action in sorted(kinds):
            if any(element["action_id"] == action for _, element in home.elements()):  # it is shown anew each time
                await world.slack.click(home, action, user=who)
                await rested(world)
                pressed.add(action.partition("#")[0])
    return pressed


async def _unfinished(world: Environment) -> None:
    """Builds on their way: promised, watched, announced, told, failed, deleted."""
    build = ready(world, version="3.0.0", number="300", status="in_progress", os="android")
    other = ready(world, version="3.1.0", number="310", status="pending")
    lost = ready(world, version="3.1.1", number="311", status="pending")
    await world.look()
    await world.ask("status courier 3.0.0")
    for number in ("300", "310", "311"):
        await world.ask(f"watch courier #{number}", user=world.bruno)
    await rested(world)
    await world.look()
    for number in ("300", "310"):
        answer = await world.ask(f"get courier #{number}")
        await world.slack.click(answer, "await.v1", user=world.ana)
    await rested(world)
    world.applivery.move(build, "processed")
    world.applivery.fail(other, "bad profile")
    world.applivery.delete(lost)
    await world.look()
    card = [each for each in world.slack.messages(world.releases) if "Courier 3.0.0" in each.text][-1]
    await world.slack.shortcut("get_build", user=world.bruno, message=card)
    ready(world, version="3.2.0", number="320", status="in_progress")
    await world.ask("get courier #320")  # its buttons are pressed below, and those of the progress message
    await world.ask("watch courier #320", user=world.bruno)
    await rested(world)
    await world.look()


async def _asked_to_try(world: Environment) -> set[str]:
    """Somebody who lacks a build is asked to try it, wants no more of that, and thinks better of it."""
    nora = world.slack.user("nora", name="Nora", locale=world.ana.locale, email="nora@acme.test")
    group = world.slack.usergroup("testers", [nora])
    await world.ask(f"downloads courier missing:<!subteam^{group.id}|@testers>")
    await rested(world)
    head = world.slack.messages(world.slack.dm(world.ana))[-1]
    await click(world.slack, world.slack.messages(world.slack.dm(world.ana), head.ts)[-1], "nudge.v1", user=world.ana)
    await rested(world)
    card = world.slack.messages(world.slack.dm(nora))[-1]
    turn = await click(world.slack, card, "unnudge.v1", user=nora)
    await (await click(world.slack, await turn.answer(), "renudge.v1", user=nora)).answer()
    return {"unnudge.v1", "renudge.v1"}


async def _goals(world: Environment) -> set[str]:
    """A goal is set, counted, stopped and continued; its owner asks who is missing, and lets no one be asked."""
    group = world.slack.usergroup("targets", [world.bruno, world.slack.user("nora")])
    answer = await world.ask(f"goal courier everyone in <!subteam^{group.id}|@targets> by 1d")
    await rested(world)
    await click(world.slack, answer, "goal.asks.v1", user=world.ana)
    execute(world, f"UPDATE goals SET due_at = {micros(datetime.now(UTC)) - 1}")
    await world.bot.goals.step()
    await world.bot.announce.drain()
    card = [message for message in world.slack.messages(world.releases) if "@targets" in message.text][-1]
    await click(world.slack, card, "goal.who.v1", user=world.ana)
    turn = await click(world.slack, card, "goal.stop.v1", user=world.ana)
    await click(world.slack, await turn.answer(), "undo.goal.v1", user=world.ana)
    await click(world.slack, await world.ask("goal"), "goal.new.v1", user=world.ana)
    await rested(world)
    return {"goal.asks.v1", "goal.who.v1", "goal.stop.v1", "undo.goal.v1", "goal.new.v1"}


async def _failed(world: Environment) -> set[str]:
    """A build did not install: the questions, the cause, and the uploader is told, after thinking better of it once."""
    world.slack.user("pia", name="Pia", locale=world.ana.locale, email="pia@acme.test")
    build = ready(world, version="3.3.0", number="330", uploader={"email": "pia@acme.test"})
    message = await world.ask(f"get {build.id}")
    used = [
        "failed.v1",
        *["failed.step.v1#0"] * 3,
        "failed.tell.v1",
        "failed.keep.v1",
        "failed.tell.v1",
        "failed.send.v1",
    ]
    for action in used:
        message = await (await click(world.slack, message, action, user=world.ana)).answer()
    return {action.partition("#")[0] for action in used}


async def _bisects(world: Environment) -> set[str]:
    """The first bad build is found by votes of every kind, and a second bisect is stopped."""
    app = world.applivery.app("Driver", slug="driver")
    made = [
        world.applivery.build(app, version=f"1.0.{n}", number=str(n), branch="main", commit=str(n) * 40)
        for n in range(5)
    ]
    for steps in (("get", "unclear", "bad", "good"), ("stop",)):
        await world.ask(f"bisect {app.id} good:{made[0].id} bad:{made[-1].id}")
        await rested(world)
        await world.bot.announce.drain()
        head = [message for message in world.slack.messages(world.releases) if "Driver" in message.text][-1]
        for step in steps:
            asked = world.slack.messages(world.releases, head.ts)[-1]
            await click(world.slack, asked, f"bisect.{step}.v1", user=world.ana)
            await rested(world)
            await world.bot.announce.drain()
    return {f"bisect.{step}.v1" for step in ("get", "unclear", "good", "bad", "stop")}


async def _digest(world: Environment) -> None:
    """Run a scheduled report, and the hourly clean-up of the audit log."""
    await world.ask("downloads courier every:daily@09:00")
    due_at = micros(datetime.now(UTC) - timedelta(hours=1))
    execute(
        world, f"UPDATE scheduled_reports SET due_at = {due_at}, reported_until = {due_at - 40 * 24 * 3600 * 10**6}"
    )
    await world.bot.digest.step()
    await world.bot.announce.drain()
    await world.bot.forget.step()


# ------------------------------------------------------------------ buttons


async def press_everything(world: Environment) -> set[str]:
    """Click every kind of button in every kind of place, as a user who sees it; return the names of the buttons."""
    pressed: Counter[tuple[str, str]] = Counter()
    done: set[tuple[str, str, str]] = set()
    for _ in range(3):  # what answers has buttons too
        for message in [
            each_message for listed in world.slack.mailbox.by_channel.values() for each_message in list(listed)
        ]:
            for control in controls(message):
                kind = (control.action, place(world, message))
                key = (message.ts, control.action, control.value)
                if key in done or message.deleted or pressed[kind] >= ENOUGH:
                    continue
                if await _pressed(world, message, control):
                    pressed[kind] += 1
                    done.add(key)
    return {action.partition("#")[0] for action, _ in pressed}


ENOUGH = 4


def place(world: Environment, message: FakeMessage) -> str:
    """The kind of place where a message stands."""
    if message.ephemeral_to:
        return f"only {message.ephemeral_to}"
    return "direct" if world.slack.channels[message.channel].is_im else "everybody"


async def _pressed(world: Environment, message: FakeMessage, control: Control) -> bool:
    if control.action.startswith(("unsubscribe", "undigest", "undo.")):
        return True  # pressed last, in _mishaps: what is announced has to be heard
    if control.value.startswith(("grant <#", "revoke <#")):
        return True  # Undo would limit the app to a channel, and the direct messages to come would be refused
    try:
        await click_control(world.slack, message, control, user=seer(world, message))
    except LookupError:
        return False
    await rested(world)
    return True


def seer(world: Environment, message: FakeMessage) -> FakeUser:
    """Return a user who sees a message: its recipient, or Ana."""
    user = message.ephemeral_to or world.slack.channels[message.channel].im_user
    return world.slack.users[user] if user else world.ana


# ------------------------------------------------------------------ mishaps


async def _mishaps(world: Environment) -> None:
    answer = await world.ask("get courier os:android")
    for fault in MISHAPS:
        world.applivery.faults.add(MINTING, fault)
        await world.ask("get courier")
        world.applivery.faults.add(MINTING, fault)
        await click(world.slack, answer, "dm.v1", user=world.ana)
        await rested(world)
        world.applivery.faults.clear()
    for target, error in (("response_url", "used_url"), ("chat.postMessage", "fatal_error"), ("chat.update", "x")):
        world.slack.faults.add(target, Fault(status=404 if target == "response_url" else None, error=error), times=3)
        await world.slack.command("/applivery", "get courier", user=world.ana, channel=world.releases)
        await world.slack.mention("get courier", world.ana, world.releases)
        await rested(world)
        world.slack.faults.clear()
    world.bot.dispatcher.registry.add(broken.entries[0])  # type: ignore[attr-defined]
    await world.ask("broken")
    world.applivery.reshape(MINTING, _odd())
    for _ in range(3):
        await world.ask("get courier")
    for table in ("link_expiries", "audit", "link_quota", "key_value", "build_watches"):
        with away(world, table):
            await world.ask("get courier")
            await world.ask("watch courier #320")
            await world.slack.mention("get courier", world.ana, world.releases)
            await rested(world)
    await world.ask("unsubscribe courier")
    await asyncio.sleep(0)


def _odd() -> Callable[[Any], Any]:
    """Tokens in shapes nobody expects, in turn: nested, in an error's own words, with a time that is none."""
    shapes = cycle(("nested", "error", "time"))

    def change(body: Any) -> Any:
        data = body.get("data") or {}
        if "token" not in data:
            return body
        shape = next(shapes)
        if shape == "nested":
            return {**body, "data": {**data, "token": {"value": data["token"]}}}
        if shape == "error":
            return {"status": False, "error": {"code": 1, "message": f"no such token {data['token']}"}}
        return {**body, "data": {**data, "expiresAt": "soon"}}

    return change


@command(need=Role.MEMBER)
async def broken(call: CommandContext) -> Says:
    """Break with a link in hand, as a bug would.

    /applivery broken
    """
    app = await call.app("courier")
    found = await call.services.apps.build(app, "latest")
    link = await call.services.links.issue(call.asker, found.build, FileKind.FILE, entrypoint=call.entrypoint)
    raise ValueError("could not use", link, {"link": link})


@contextmanager
def away(world: Environment, table: str) -> Iterator[None]:
    """A table that is not there for a while, so that the database's own errors come up."""
    execute(world, f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        execute(world, f"ALTER TABLE {table}_away RENAME TO {table}")


def execute(world: Environment, statement: str) -> None:
    """Execute a statement without the bot."""
    if world.database.startswith("sqlite"):
        with closing(sqlite3.connect(world.database.removeprefix("sqlite:///"), timeout=5)) as database, database:
            database.execute(statement)
        return
    with psycopg.connect(world.database, autocommit=True) as database:
        database.execute(statement)  # type: ignore[call-overload]


def dump(world: Environment) -> str:
    """Return all rows of all tables as text."""
    if world.database.startswith("sqlite"):
        with closing(sqlite3.connect(world.database.removeprefix("sqlite:///"), timeout=5)) as database:
            return "\n".join(database.iterdump())
    with psycopg.connect(world.database, autocommit=True) as database:
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        # type: ignore[call-overload]
        rows = [(table, database.execute(f'SELECT * FROM "{table}"').fetchall()) for (table,) in tables]
        return repr(rows)


def said_to_everybody(world: Environment) -> list[FakeMessage]:
    """Every message, and every earlier version of one, in channels and threads, by whomever."""
    every = every_message(world.slack, own=False)
    return [
        message for message in every if not message.ephemeral_to and not world.slack.channels[message.channel].is_im
    ]
