"""The world in which the fuzz plays: everybody and everything a careful attacker would bring along."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from sandbox.applivery.models import FakeApp
from tests.conftest import Environment
from tests.fuzz.words import HOSTILE

NAMES = tuple(name for name in HOSTILE if name.strip() and "\ud800" not in name and "\udfff" not in name)


def furnish(world: Environment, chance: random.Random) -> None:
    """People of every kind, places of every kind, and apps, builds and downloads whose words are hostile."""
    slack = world.slack
    world.ana.locale, world.bruno.locale = chance.choices(("en-US", "es-ES", "fr-FR", ""), k=2)
    guest = slack.user("guest", guest=True)
    slack.user("eva", name="<!channel> Eva", email="eva@acme.test", tz="Asia/Kathmandu", locale="es-ES")
    stranger = slack.user("stranger", team_id="T0ELSEWHERE")
    slack.user("gone").deleted = True
    slack.channel("secret", private=True, members=(world.ana, world.bruno))
    slack.channel("shared", shared=True, members=(world.ana, guest, stranger))
    slack.channel("old", archived=True, members=(world.ana,))
    for user in (world.ana, world.bruno, guest, stranger):
        slack.dm(user)
    for app in (
        world.courier,
        world.applivery.app("Driver"),
        world.applivery.app(chance.choice(NAMES)[:200], slug="odd-one"),
    ):
        for _ in range(chance.randint(1, 6)):
            a_build(world, app, chance)


def a_build(world: Environment, app: FakeApp, chance: random.Random) -> None:
    """One more build, somewhere on its way, perhaps with attachments and downloads."""
    status = chance.choice(
        ("processed", "processed", "processed", "in_progress", "pending", "error", "success", "thawing")
    )
    build = world.applivery.build(
        app,
        version=chance.choice(("1.0.0", "2.4.0", "2.4.0-rc.1", "10", chance.choice(NAMES)[:100])),
        number=str(chance.choice((1, 173, 174, 99_999, chance.choice(NAMES)[:60]))),
        os=chance.choice(("ios", "android")),
        status=status,
        branch=chance.choice((None, "release/2.4", "main", chance.choice(NAMES)[:200])),
        changelog=chance.choice(("", "Faster", chance.choice(NAMES), chance.choice(NAMES) * 3)),
        tags=[chance.choice(("rc", "nightly", chance.choice(NAMES)[:50])) for _ in range(chance.randint(0, 3))],
        extension=chance.choice((None, None, "aab")),
        created_at=datetime.now(UTC) - timedelta(minutes=chance.choice((0, 1, 60, 10_000))),
    )
    if status == "processed" and chance.random() < 0.4:
        world.applivery.attach(build, f"{chance.choice(NAMES)[:80]}.pdf".replace("/", "-"), b"%PDF")
    for _ in range(chance.choice((0, 0, 2, 12))):
        name = chance.choice(NAMES)[:80]
        who = world.applivery.member(
            chance.choice(("user", "employee", "unknown", "anonymous")),
            email=chance.choice(("eva@acme.test", "ana@acme.test", None)),
            first=name,
        )
        world.applivery.download(
            build, who, device=chance.choice(NAMES)[:60], os_version=chance.choice(("17.1", "", name))
        )
