"""Each line of a forecast: what it says, with its people or without, and the one button it has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.forecast_facts import Forecast, ForecastItem, ForecastKind, ForecastPart, Unchecked
from bot.domain.install_rules import RULES
from bot.domain.model import Build, Stage
from bot.domain.states import PauseReason
from bot.exceptions import BudgetExhausted, Forbidden, SlackError
from bot.slack.views.forecast import SHOWN, forecast
from tests.support.facts import NOON, build

BUILD: Build = build(3, version="2.4.1")
AT = NOON + timedelta(days=9)
ADDRESS = "https://dashboard.test/acme"
COURIER = {"app_id": BUILD.app.id, "app_name": "Courier"}
HERE = {**COURIER, "channel_id": "C1", "number": 7}
RULE = next(rule for rule in RULES if rule.everywhere)


def shown(*items: ForecastItem, **more: Any) -> tuple[list[str], list[tuple[str, str]]]:
    """The lines below the headline, and the (label, action or address) of each button beside them."""
    message = forecast(Forecast(NOON + timedelta(days=30), NOON, items=items, **more))
    sides = [block["accessory"] for block in message.blocks if block.get("accessory")]
    buttons = [
        (side["text"]["text"], side.get("url") or f"{side['action_id'].partition('#')[0]} {side['value']}")
        for side in sides
    ]
    return message.text.split("\n")[1:], buttons


CASES: list[tuple[ForecastItem, str, tuple[str, str]]] = [
    (
        ForecastItem(ForecastKind.PROFILE, AT, build=BUILD, others=2, people=31),
        "Courier 2.4.1 (3) · iOS and 2 more builds: profile expires · 31 people",
        ("Details", f"status.v1 {BUILD.app.id}/{BUILD.id}"),
    ),
    (
        ForecastItem(ForecastKind.PROFILE, NOON, build=BUILD, people=None),
        "Courier 2.4.1 (3) · iOS: profile has expired · people unknown",
        ("Details", f"status.v1 {BUILD.app.id}/{BUILD.id}"),
    ),
    (
        ForecastItem(ForecastKind.PENDING_DELETION, AT, build=BUILD, people=1),
        "Courier 2.4.1 (3) · iOS: retention ends, may be deleted 30 days later · 1 person",
        ("Get", f"get.v1 {BUILD.app.id}/{BUILD.id}"),
    ),
    (
        ForecastItem(ForecastKind.DELETION, AT, build=replace(BUILD, stage=Stage.UNKNOWN), others=1, people=0),
        "Courier 2.4.1 (3) · iOS and 1 more build: may be deleted · 0 people",
        ("Details", f"status.v1 {BUILD.app.id}/{BUILD.id}"),
    ),
    (
        ForecastItem(ForecastKind.LIMIT, AT, limit=5_000, used=3_900, url=ADDRESS),
        "Download limit at this pace: 3,900 of 5,000 used",
        ("Open", ADDRESS),
    ),
    (
        ForecastItem(ForecastKind.LIMIT_REACHED, AT, limit=5_000, used=5_000, url=ADDRESS),
        "Download limit reached: 5,000 of 5,000",
        ("Open", ADDRESS),
    ),
    (
        ForecastItem(ForecastKind.LIMIT_REACHED, AT, reason="apps", limit=3, used=3, url=ADDRESS),
        "Limit for “apps” reached: 3 of 3",
        ("Open", ADDRESS),
    ),
    (
        ForecastItem(ForecastKind.PAUSED, reason="is_archived", **HERE),
        "Courier in <#C1> is paused: the channel is archived",
        ("Unsubscribe", "unsubscribe.v1 C1/7"),
    ),
    (
        ForecastItem(ForecastKind.PAUSED, reason="odd_reason", **{**HERE, "app_id": ""}),
        "every app in <#C1> is paused: Slack refuses messages in that channel (`odd_reason`)",
        ("Unsubscribe", "unsubscribe.v1 C1/7"),
    ),
    (
        ForecastItem(ForecastKind.NO_LISTENERS, people=0, **HERE),
        "Courier in <#C1>: only bots are in the channel",
        ("Unsubscribe", "unsubscribe.v1 C1/7"),
    ),
    (
        ForecastItem(ForecastKind.WILL_PAUSE, people=4, reason=PauseReason.ROLE, **HERE),
        "Courier in <#C1> pauses at the next build: the person who set it up no longer has the role · 4 people",
        ("Unsubscribe", "unsubscribe.v1 C1/7"),
    ),
    (
        ForecastItem(ForecastKind.NO_MATCH, **HERE),
        "Courier in <#C1>: no recent build matches the filters",
        ("Edit", "edit.v1 C1/7"),
    ),
    (
        ForecastItem(ForecastKind.REPORT_PAUSED, number=3, reason=PauseReason.APP, **COURIER),
        "Scheduled report on Courier is paused: the app was deleted in Applivery",
        ("Stop report", "undigest.v1 3"),
    ),
    (
        ForecastItem(ForecastKind.ROLES_LEFT, people=2),
        "People who left still have roles · 2 people",
        ("Audit", "run.v1 audit"),
    ),
    (
        ForecastItem(ForecastKind.SCOPE, reason="usergroups:read"),
        "Roles of user groups are off: Slack permission `usergroups:read` is missing",
        ("Open", "https://api.slack.com/apps"),
    ),
    (
        ForecastItem(
            ForecastKind.PLATFORM, AT, reason=RULE.title, platform="android", regions=("BR", "ID"), url=RULE.page
        ),
        "The developer isn't verified: installs on Android may stop in BR, ID",
        ("Read", RULE.page),
    ),
]


@pytest.mark.parametrize(("item", "line", "button"), CASES)
def test_each_kind_has_its_words_and_its_button(item: ForecastItem, line: str, button: tuple[str, str]) -> None:
    lines, buttons = shown(item)
    assert lines[0].partition("* · ")[2] == line
    assert buttons == [button]


def test_every_kind_is_in_the_table() -> None:
    assert {item.kind for item, _, _ in CASES} == set(ForecastKind)


@pytest.mark.parametrize(
    ("item", "when"),
    [
        (ForecastItem(ForecastKind.PROFILE, AT, build=BUILD), "<!date^"),
        (ForecastItem(ForecastKind.LIMIT, AT), "About <!date^"),
        (ForecastItem(ForecastKind.PLATFORM, AT, reason=RULE.title, is_year=True), "2026* ·"),
        (ForecastItem(ForecastKind.SCOPE), "Now* ·"),
    ],
)
def test_a_line_begins_with_its_date(item: ForecastItem, when: str) -> None:
    assert shown(item)[0][0].startswith(f"*{when}")


@pytest.mark.parametrize(
    ("unchecked", "line"),
    [
        (Unchecked(ForecastPart.RETENTION, ("A", "B")), "Build retention of A, B is unknown:"),
        (Unchecked(ForecastPart.PEOPLE, ("A", "B", "C", "D", "E")), "People weren't counted for A, B, C and 2 more."),
        (Unchecked(ForecastPart.BUILDS, ("A",)), "Only the newest builds of A were checked."),
        (Unchecked(ForecastPart.BUILDS, ("A",), Forbidden.kind), "Couldn't check builds of A: This bot isn't allowed"),
        (Unchecked(ForecastPart.DOWNLOADS, error=BudgetExhausted.kind), "Couldn't check this month's downloads: This"),
        (Unchecked(ForecastPart.DOWNLOADS, number=99), "The download limit wasn't checked:"),
        (
            Unchecked(ForecastPart.CHANNELS, error=SlackError.kind),
            "Couldn't check channels: Slack refused the",
        ),
        (Unchecked(ForecastPart.CHANNELS, number=1), "1 more channel wasn't checked."),
        (Unchecked(ForecastPart.ROLES, number=2), "2 more roles weren't checked."),
        (Unchecked(ForecastPart.APPS, number=2), "2 more apps weren't checked."),
        (Unchecked(ForecastPart.APPS, error="of a newer version"), "Couldn't check apps: Something went wrong."),
    ],
)
def test_an_unchecked_part_is_said_with_its_reason(unchecked: Unchecked, line: str) -> None:
    assert shown(unchecked=(unchecked,))[0][0].startswith(line)


def test_a_page_has_buttons_to_the_others_by_its_key() -> None:
    found = Forecast(AT, NOON, items=(ForecastItem(ForecastKind.SCOPE),) * (SHOWN + 1), key="k" * 22)
    first, last = (forecast(found, page).blocks[-1]["elements"] for page in (0, 1))
    assert [(each["text"]["text"], each["value"]) for each in first] == [("More", f"1 {'k' * 22}")]
    assert [(each["text"]["text"], each["value"]) for each in last] == [("Previous", f"0 {'k' * 22}")]
