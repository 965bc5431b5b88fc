"""What nobody should do, and what goes on meanwhile: each deed gives what it was in words, for the report."""

from __future__ import annotations

from copy import deepcopy

import aiohttp

from bot.db import app_polls
from bot.db.wakeups import Topic
from sandbox.slack import Interaction
from sandbox.slack.signing import signature
from tests.fuzz.deeds import RECENT, FuzzEnvironment, sendable
from tests.fuzz.scenery import a_build
from tests.fuzz.spoiling import spoiled, wrong
from tests.support.seeing import TICKET

WEBHOOK = "fuzz-webhook-secret"
JUNK = (
    b"", b"{", b"[]", b"null", b"5", b'"x"', b"payload=", b"payload={", b"payload=[]", b"payload=null", b"\xff\xfe\x00",
    b"a=%ff%fe", b"command=%2Fapplivery&text=%ff%00%ed%a0%80&user_id=U1", b"[" * 100_000, b'{"a":' * 5000,
    b"x" * 70_000, b'{"type": "url_verification", "challenge": {"a": 1}}', b"ssl_check=1",
    b'{"event": "processed", "build": 5}',
)  # fmt: skip


async def spoiled_again(scene: FuzzEnvironment) -> str:
    """A request of before, spoiled: keys missing, wrong types, text that breaks things."""
    slack = scene.world.slack
    sent = (slack.http.delivered if slack.request_url else slack.socket_mode.delivered)[-RECENT:]
    if not sent:
        return "spoiled: nothing was sent yet"
    entry = scene.chance.choice(sent)
    kind, payload = entry["type"], deepcopy(entry["payload"])
    turn = Interaction("spoiled", scene.world.ana.id, None, slack.until)
    if isinstance(payload, dict) and "trigger_id" in payload:
        payload["trigger_id"] = slack.desk.modals.trigger(turn, None)
        if "response_url" in payload:
            payload["response_url"] = slack.url + slack.desk.responses.issue(turn, scene.world.releases.id)
    if isinstance(payload, dict) and "event_id" in payload:
        payload["event_id"] = f"Ev{slack.workspace.new_word(10)}"
    # an answer's address that leads elsewhere is Slack's to give, and nobody else's: its signature covers it
    payload, done = spoiled(payload, scene.chance, keep=("response_url", "event_id"))
    what = f"spoiled {kind} {payload.get('type', '') if isinstance(payload, dict) else ''!r}: {', '.join(done)}"
    if slack.request_url and kind == "slash_commands":
        payload = {key: sendable(str(value)) for key, value in payload.items()}
    await slack.delivery.ask(kind, payload)
    return what


async def raw(scene: FuzzEnvironment) -> str:
    """Bytes at the HTTP door, signed or not."""
    chance = scene.chance
    path = chance.choice(
        ("/slack/events", "/slack/events", f"/webhooks/applivery/{WEBHOOK}", "/webhooks/applivery/guess", "/b/x")
    )
    body = chance.choice(JUNK)
    content_type = chance.choice(
        ("application/json", "application/x-www-form-urlencoded", "text/plain", "", "multipart/form-data")
    )
    stamp = chance.choice((str(int(scene.world.slack.workspace.clock())), "0", "x", "9" * 30, ""))
    name = (
        signature(scene.world.slack.signing_secret, stamp, body.decode("latin-1"))
        if chance.random() < 0.7
        else scene.typist.hostile()
    )
    headers = {"Content-Type": content_type, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": header(name)}
    what = f"raw {path} {body[:40]!r} {content_type} {stamp[:12]}"
    async with aiohttp.ClientSession() as session, session.post(scene.url + path, data=body, headers=headers) as answer:
        scene.statuses.append((what, answer.status))
    return what


async def claim(scene: FuzzEnvironment) -> str:
    """The claim page, by a ticket that somebody has, or a guess."""
    said = [message.text for listed in scene.world.slack.mailbox.by_channel.values() for message in listed[-RECENT:]]
    tickets = [ticket for text in said for ticket in TICKET.findall(text)]
    guess = scene.chance.choice(("x", "..", "%00", "%ff", "a" * 300, "%0a", "é"))
    ticket = scene.chance.choice(tickets) if tickets and scene.chance.random() < 0.7 else guess
    method = scene.chance.choice(("GET", "HEAD", "POST", "PUT", "OPTIONS"))
    headers = {"User-Agent": header(scene.typist.hostile()), "Accept-Language": header(scene.typist.hostile())}
    what = f"claim {method} /b/{ticket[:30]}"
    async with aiohttp.ClientSession() as session:
        async with session.request(method, f"{scene.url}/b/{ticket}", headers=headers, allow_redirects=False) as answer:
            scene.statuses.append((what, answer.status))
    return what


# ------------------------------------------------------------------ what goes on meanwhile


async def builds_move(scene: FuzzEnvironment) -> str:
    """Something happens to a build in Applivery."""
    builds, chance = scene.world.applivery.builds, scene.chance
    if not builds or chance.random() < 0.4:
        a_build(scene.world, chance.choice(scene.world.applivery.apps), chance)
        return "a new build"
    build, deed = chance.choice(builds), chance.randint(0, 4)
    if deed == 0:
        scene.world.applivery.delete(build)
    elif deed == 1:
        scene.world.applivery.fail(build, sendable(scene.typist.hostile()), chance.choice(("", "APK_x", "5006")))
    elif deed == 2:
        key = chance.choice([key for key in build.wire if key != "id"])
        scene.world.applivery.edit(build, {key: wrong(build.wire[key], chance)})
        return f"build {build.id}: {key}={str(build.wire.get(key))[:60]!r}"
    else:
        scene.world.applivery.move(build, chance.choice(("processed", "in_progress", "pending", "error", "odd")))
    return f"build {build.id}: {deed}"


async def time_passes(scene: FuzzEnvironment) -> str:
    """Hours or days go by, where the clock can be moved, and everything that was to come later is looked at."""
    hours = scene.chance.choice((0.1, 1, 25, 24 * 8))
    if scene.clock:
        scene.clock.forward(hours=hours)
    await scene.world.bot.store.run(app_polls.request_poll, None)
    for topic in Topic:
        scene.world.bot.store.wake(topic)
    return f"{hours} hours pass" if scene.clock else "everything is looked at"


def header(text: str) -> str:
    """The text as far as HTTP lets it stand in a header."""
    return "".join(candidate for candidate in text if " " <= candidate < "\x7f")[:500]
