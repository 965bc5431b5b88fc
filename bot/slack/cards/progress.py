"""What somebody who watches a build reads while it is on its way, and how that ends; pure."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.model import Build, Stage
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.cards import builds
from bot.slack.cards.builds import STAGE_WORDS, build_value, facts, platform_name, title, watch_button
from bot.slack.wording import escape, inline, when


def promised(build: Build, usual: timedelta | None, left: timedelta | None, *, fresh: bool) -> Message:
    """The answer to `watch`; the rest is said in the direct messages."""
    if not fresh:
        return Message(f"You are watching {title(build)} already: it is in our direct messages.")
    return Message(
        f"I keep you posted on {title(build)} in our direct messages. {_estimate(build, usual, left)} "
        "You get a new message there when it is ready, or when it is not going to be."
    )


def on_its_way(build: Build, usual: timedelta | None, left: timedelta | None, dashboard: str) -> Message:
    """How far the build has come and how long it usually still has."""
    return _moving(build, STAGE_WORDS[build.stage], _estimate(build, usual, left), dashboard)


def late(build: Build, usual: timedelta, dashboard: str) -> Message:
    """It takes longer than usual, which is no reason to worry yet."""
    words = f"It is taking longer than usual: {_usually(build, usual)}"
    return _moving(build, STAGE_WORDS[build.stage], words, dashboard)


def stuck(build: Build, dashboard: str) -> Message:
    """It takes so long that somebody had better look; the same words as a new message and in the edited one."""
    uploaded = f" It was uploaded {when(build.created_at)}." if build.created_at else ""
    words = (
        f"It is taking far longer than builds do, and may be stuck.{uploaded} "
        "Look at it in the dashboard; if nothing moves there, upload it again. I go on watching."
    )
    return _moving(build, f"⏰ still {STAGE_WORDS[build.stage].partition(' ')[2]}", words, dashboard)


def ended(build: Build, dashboard: str) -> Message:
    """What the progress message says at the end; the link, or the same reason, comes in a new message."""
    if build.stage is Stage.FAILED:
        return builds.status(build, dashboard)
    words = f"{STAGE_WORDS[build.stage]}. You get it in a new message."
    return Message(f"{title(build)}: {words}", (blocks.section(f"*{title(build)}*\n{words}"),))


def deleted(build: Build) -> Message:
    """There is nothing left to wait for."""
    text = f"🗑️ {title(build)} was deleted in Applivery before it was ready, so nothing more will come of it."
    return Message(
        text, (blocks.section(text), blocks.context(f"`builds {escape(build.app.slug)}` lists what there is."))
    )


def stopped(build: Build) -> Message:
    """The person wanted to hear no more."""
    text = f"You no longer watch {title(build)}."
    return Message(text, (blocks.section(text), blocks.actions(watch_button(build, "Watch again"))))


def _moving(build: Build, state: str, words: str, dashboard: str) -> Message:
    body = (
        blocks.section(f"*{title(build)}*\n{state}\n{words}", fields=facts(build)),
        blocks.actions(
            blocks.button("Stop watching", "unwatch.v1", build_value(build)),
            blocks.link_button("Open in Applivery", dashboard, "open.dashboard"),
        ),
    )
    return Message(f"{title(build)}: {state}. {words}", body)


def _estimate(build: Build, usual: timedelta | None, left: timedelta | None) -> str:
    if usual is None or left is None:
        return f"I cannot say how long it takes: {_whose(build)} that are ready tell nothing of it."
    rest = "Less than a minute left" if left < timedelta(minutes=1) else f"About {_long(left, short=60)} left"
    return f"{rest}: {_usually(build, usual)}"


def _usually(build: Build, usual: timedelta) -> str:
    return f"{_whose(build)} usually take {_long(usual)}."


def _whose(build: Build) -> str:
    platform = f"{platform_name(build)} " if build.platform else ""
    return f"the {platform}builds of {inline(build.app.name, 80)}"


def _long(time: timedelta, short: int = 90) -> str:
    """`40 seconds`, `8 minutes`, `3 hours`: as exact as a guess is; under `short` seconds it is told in seconds."""
    seconds = time.total_seconds()
    unit, size = ("second", 1) if seconds < short else ("minute", 60) if seconds < 5400 else ("hour", 3600)
    count = max(1, round(seconds / size))
    return f"{count} {unit}{'s' * (count != 1)}"
