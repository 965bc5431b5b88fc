"""What a fresh sandbox has in it: a small company, its apps, their builds, and who downloaded them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from sandbox.applivery import FakeApp, FakeApplivery, FakeBuild
from sandbox.applivery.payloads import timestamp
from sandbox.faults import Fault
from sandbox.page import Persona
from sandbox.slack import FakeSlack

DAY = 86_400.0
HOUR = 3_600.0

CAST = (
    Persona("ana", "Workspace admin, QA lead"),
    Persona("bruno", "Developer"),
    Persona("carla", "Guest"),
)

MANIFEST: dict[str, Any] = {
    "features": {
        "slash_commands": [
            {
                "command": "/applivery",
                "description": "Builds, links and downloads",
                "usage_hint": "get courier",
                "should_escape": True,
            }
        ]
    }
}

PEOPLE_OF_SLACK: tuple[dict[str, Any], ...] = (
    {"handle": "ana", "name": "Ana Ferreira", "email": "ana@acme.example", "admin": True},
    {"handle": "bruno", "name": "Bruno Keller", "email": "bruno@acme.example"},
    {"handle": "carla", "name": "Carla Okafor", "email": "carla@agency.example", "guest": True, "tz": "Europe/London"},
)

SMALL_TALK = (
    ("general", "bruno", "Morning! The new test phones are in the drawer under the printer."),
    ("mobile-team", "bruno", "I branched `release/2.4` off main. Only fixes from here, please."),
    ("mobile-team", "ana", "Thanks! I will start with the sign-in flow on the *Pixel 8* and the old iPhone SE."),
)


# ------------------------------------------------------------------ Slack


def seed_slack(slack: FakeSlack) -> None:
    """Fill an empty workspace: the cast, #releases #mobile-team #general, a few words, a direct message each."""
    name_workspace(slack)
    ana, bruno, carla = (slack.user(**person) for person in PEOPLE_OF_SLACK)
    slack.channel("releases", members=[ana, bruno, carla])
    slack.channel("mobile-team", members=[ana, bruno], bot_is_member=False)
    slack.channel("general", members=[ana, bruno, carla], bot_is_member=False).general = True
    slack.usergroup("qa", [ana, carla])
    slack.usergroup("mobile", [ana, bruno])
    by_handle = {user.handle: user for user in (ana, bruno, carla)}
    for user in by_handle.values():
        slack.dm(user)
    for channel, handle, text in SMALL_TALK:
        slack.say(text, by_handle[handle], slack.channel(channel, bot_is_member=False))


def name_workspace(slack: FakeSlack) -> None:
    """The workspace's name, which is no part of a snapshot."""
    slack.workspace.team_name = "Acme Mobile"
    slack.workspace.team_domain = "acme"


# ------------------------------------------------------------------ Applivery


@dataclass(frozen=True)
class SeedBuild:
    """One build of the seed: `hours` is its age, `os` "both" makes one for each platform."""

    hours: float
    version: str
    number: int
    branch: str
    changelog: str
    os: str = "both"
    error: str | None = None


COURIER = (
    SeedBuild(29 * 24, "2.2.0", 201, "main", "Route list shows the next three stops\nDark mode follows the system"),
    SeedBuild(20 * 24, "2.3.0", 214, "main", "Proof of delivery with a signature\nFaster parcel search"),
    SeedBuild(13 * 24, "2.3.1", 219, "main", "Fix a crash when the signature pad is rotated"),
    SeedBuild(6 * 24, "2.4.0", 231, "release/2.4", "Depot switcher\nSign-in with a passkey", "ios"),
    SeedBuild(6 * 24 - 1, "2.4.0", 231, "release/2.4", "Depot switcher\nSign-in with a passkey", "android"),
    SeedBuild(52, "2.5.0", 238, "develop", "First look at the new map", "android",
         "The package has no valid signing block (APK Signature Scheme v2)."),
    SeedBuild(28, "2.4.1", 240, "release/2.4", "Fix: the depot switcher forgot its choice after an update", "ios"),
    SeedBuild(27, "2.4.1", 240, "release/2.4", "Fix: the depot switcher forgot its choice after an update", "android"),
    SeedBuild(3, "2.5.0", 244, "develop", "New map with live traffic\nParcels can be sorted by street", "ios"),
)  # fmt: skip

# (age in hours, version, number, changelog): eight of one line, so that `bisect` has something to find
FIELD_NOTES = (
    (16 * 24, "1.0.0", "10", "Photos keep their place on the map"),
    (15 * 24, "1.0.1", "11", "Notes are saved while you type"),
    (12 * 24, "1.0.2", "12", "Faster search in long lists"),
    (10 * 24, "1.0.3", "13", "Voice notes"),
    (8 * 24, "1.0.4", "14", "Voice notes keep playing when the screen is off"),
    (5 * 24, "1.0.5", "15", "Maps without a network"),
    (3 * 24, "1.0.6", "16", "Sketches on photos"),
    (31, "1.1.0", "17", "**One list** for photos and sketches\n\n- Sort by date or place\n- Share as a `.pdf`"),
)


def seed_applivery(applivery: FakeApplivery) -> None:
    """Fill an empty organization: Courier, Storefront and Field Notes, their builds, and Courier's downloads.

    Courier keeps builds for so short that some end within a month; Field Notes leaves it to the workspace. The older
    build of Storefront meets the plan's limit of downloads.
    """
    now = applivery.clock()
    courier = applivery.app("Courier", "courier", ("ios", "android"))
    courier["configuration"]["buildRetentionDays"] = 45
    builds = _courier_builds(applivery, courier, now)
    storefront = applivery.app("Storefront", "storefront", ("android",))
    for hours, version, number, words in (
        (9 * 24, "5.0.2", "88", "Gift cards at the till"),
        (44, "5.1.0", "91", "New product page\nApple-sized images load lazily"),
    ):
        made = applivery.build(
            storefront, version=version, number=number, os="android", extension="aab", branch="main", changelog=words,
            commit=_commit(storefront, version), created_at=now - hours * HOUR, size=24_300_000,
        )  # fmt: skip
        if version == "5.0.2":
            _limit_downloads(applivery, made, now)
    notes = applivery.app("Field Notes", "field-notes", ("ios",))
    del notes["configuration"]["buildRetentionDays"]
    for hours, version, number, words in FIELD_NOTES:
        build = applivery.build(
            notes, version=version, number=number, os="ios", branch="main", tag=f"v{version}", size=9_800_000,
            changelog=words, commit=_commit(notes, version), created_at=now - hours * HOUR,
        )  # fmt: skip
        build.wire["deployer"]["info"]["repositoryUrl"] = "git@github.com:acme/field-notes.git"
    _downloads(applivery, builds, now)
    _old_phone(applivery, applivery.builds_of(notes), now)


def _old_phone(applivery: FakeApplivery, builds: list[FakeBuild], now: float) -> None:
    """Let Ana's phone be too old for the newest Field Notes, which Bruno uploaded: Courier 2.4.1 works on it, and of
    Storefront nothing is known.
    """
    newest = max(builds, key=lambda build: build.entered_at)
    newest.wire["info"]["ios"]["plist"]["MinimumOSVersion"] = "18.0"
    newest.wire["uploadedBy"] = {
        "id": "b" * 24,
        "email": "bruno@acme.example",
        "firstName": "Bruno",
        "lastName": "Keller",
    }
    (ana,) = (member for member in applivery.members if member.get("email") == "ana@acme.example")
    older = min(builds, key=lambda build: build.entered_at)
    applivery.download(older, ana, at=now - HOUR, device="iPhone 15", os_version="17.5")


def _limit_downloads(applivery: FakeApplivery, build: FakeBuild, now: float) -> None:
    """Let a build be refused as all are once the month's limit is reached, so that one can see what is said then."""
    data = {"itemName": f"downloadsByMonth.{applivery.moment(now):%Y%m}", "limit": 40, "num": 40}
    error = {"code": 5003, "message": "Limit Exceeded", "data": data}
    refusal = Fault(status=400, body=json.dumps({"status": False, "error": error}))
    applivery.faults.add(f"GET */builds/{build.id}/downloadToken", refusal, times=None)


def _commit(app: FakeApp, version: str) -> str:
    return random.Random(f"{app.slug} {version}").randbytes(20).hex()  # noqa: S311 -- made up, and the same every time


def _courier_builds(applivery: FakeApplivery, courier: FakeApp, now: float) -> list[FakeBuild]:
    builds = [
        _courier_build(applivery, courier, line, os, now)
        for line in COURIER
        for os in (("ios", "android") if line.os == "both" else (line.os,))
    ]
    fresh = {build.wire["os"]: build for build in builds if build.wire["versionName"] == "2.4.1"}
    notes = "# Courier 2.4.1\n\n1. Switch the depot, kill the app, open it again.\n2. The depot is still chosen.\n"
    applivery.attach(fresh["ios"], "test-plan.md", notes.encode(), "text/markdown")
    applivery.attach(fresh["android"], "mapping.txt", b"com.acme.courier.Depot -> a.b.c:\n", "text/plain")
    _sign_ad_hoc(builds[-1], applivery, now + 6 * DAY)
    return builds


def _courier_build(applivery: FakeApplivery, courier: FakeApp, line: SeedBuild, os: str, now: float) -> FakeBuild:
    extra: dict[str, Any] = (
        {"error": line.error, "errorCode": "1008", "processLogs": [line.error]} if line.error else {}
    )
    return applivery.build(
        courier,
        version=line.version,
        number=str(line.number),
        os=os,
        status="error" if line.error else "processed",
        branch=line.branch,
        tag=f"v{line.version}" if line.branch == "main" else None,
        commit=_commit(courier, f"{line.version} {line.number}"),
        commit_message=line.changelog.partition("\n")[0],
        changelog=line.changelog,
        tags=("rc",) if line.branch.startswith("release/") else (),
        size=18_400_000 if os == "ios" else 14_100_000,
        created_at=now - line.hours * HOUR,
        queuedTime=4_000,
        processTime=21_000,
        updatedAt=timestamp(now - line.hours * HOUR + 25),
        **extra,
    )


def _sign_ad_hoc(build: FakeBuild, applivery: FakeApplivery, expires: float) -> None:
    """Only the phones in the profile can install it, and not for long: the bot can warn about both."""
    profile = build.wire["info"]["ios"]["mobileprovision"]
    profile |= {
        "signingType": "ad-hoc",
        "ProvisionsAllDevices": False,
        "ProvisionedDevices": "14",
        "ExpirationDate": applivery.moment(expires).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


# (member type, email, first name, last name); unknown and anonymous have no more than their type
MEMBERS = (
    ("user", "ana@acme.example", "Ana", "Ferreira"),
    ("user", "bruno@acme.example", "Bruno", "Keller"),
    ("employee", "dmitri@acme.example", "Dmitri", "Volkov"),
    ("employee", "elena@acme.example", "Elena", "Rossi"),
    ("employee", "farah@acme.example", "Farah", "Haddad"),
    ("mdmUser", "depot-7@devices.acme.example", "Depot 7", "Tablet"),
    ("otpUser", "carla@agency.example", "Carla", "Okafor"),
    ("unknown", None, None, None),
    ("anonymous", None, None, None),
)
DEVICES = {
    "ios": (("iPhone 15", "17.5"), ("iPhone SE", "16.7"), ("iPhone 13 mini", "17.4"), ("iPad Air", "17.5")),
    "android": (("Pixel 8", "14"), ("Galaxy S23", "14"), ("Fairphone 5", "13"), ("Galaxy Tab A8", "13")),
}
SOURCES = {"mdmUser": "emm", "unknown": "integrationApi", "user": "dashboard"}
DOWNLOADS = 26


def _downloads(applivery: FakeApplivery, builds: list[FakeBuild], now: float) -> None:
    """The same lines every time: each person comes back for some builds, the newer ones more often."""
    dice = random.Random("downloads")  # noqa: S311 -- made up
    members = [applivery.member(kind, email=email, first=first, last=last) for kind, email, first, last in MEMBERS]
    ready = [build for build in builds if build.ready]
    made: list[tuple[float, FakeBuild, dict[str, Any]]] = []
    for index in range(DOWNLOADS):
        build = dice.choices(ready, weights=range(1, len(ready) + 1))[0]
        age = now - build.entered_at
        made.append((build.entered_at + age * dice.uniform(0.02, 0.95), build, members[index % len(members)]))
    for at, build, member in sorted(made, key=lambda each: each[0]):
        device, version = dice.choice(DEVICES[build.wire["os"]])
        source = SOURCES.get(member["type"], "store")
        applivery.download(build, member, at=at, device=device, os_version=version, source=source)
