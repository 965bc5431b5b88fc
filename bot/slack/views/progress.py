"""Messages about the progress of a watched build, until its end; pure."""

from __future__ import annotations

from datetime import timedelta

from slack_sdk.models.blocks import ButtonElement

from bot.domain.model import Build, Stage
from bot.i18n import _, gettext_noop
from bot.i18n.units import format_duration_short
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.mrkdwn import date_tag
from bot.slack.views import builds
from bot.slack.views.builds import build_value, check_button, heading, state, title, unknown, watch_button


def promised(build: Build, usual: timedelta | None, *, fresh: bool) -> Message:
    """Return the reply to `watch`; everything else is in the direct messages."""
    if not fresh:
        sentence = gettext_noop("You're already watching {build}. I'll DM you when it's ready or fails.")
    elif usual is None:
        sentence = gettext_noop("Watching {build}. I'll DM you when it's ready or fails.")
    else:
        sentence = gettext_noop("Watching {build} (usually about {time}). I'll DM you when it's ready or fails.")
    time = _short(usual)
    row = blocks.actions(_stop_button(build))
    shown = blocks.section(_(sentence, build=f"*{heading(build)}*", time=time))
    return Message(_(sentence, build=title(build), time=time), (shown, row))


def on_its_way(build: Build, usual: timedelta | None, left: timedelta | None, dashboard: str) -> Message:
    """Return the stage of the build and the estimated time left."""
    return _moving(build, f"{state(build)} · {_estimate(usual, left)}", dashboard)


def late(build: Build, usual: timedelta, dashboard: str) -> Message:
    """Return the notice that the build takes longer than usual."""
    words = _("longer than usual ({time})", time=_short(usual))
    return _moving(build, f"{state(build)} · {words}", dashboard)


def stuck(build: Build, dashboard: str) -> Message:
    """Return the warning that a build may be stuck, for both the new message and the updated one."""
    words = _("⚠️ This build may be stuck. I'll keep watching.")
    if build.created_at:
        words = _(
            "⚠️ This build may be stuck: uploaded {time}, and not ready yet. I'll keep watching.",
            time=date_tag(build.created_at),
        )
    return _moving(build, words, dashboard)


def ended(build: Build, dashboard: str) -> Message:
    """Return the final progress message; the link, or the same reason, is in a new message."""
    if build.stage is Stage.FAILED:
        return builds.status(build, dashboard)
    words = _("✅ Ready. Your link is below.") if build.stage is Stage.READY else state(build)
    return Message(f"{title(build)}: {words}", (blocks.section(f"*{heading(build)}*\n{words}"),))


def deleted(build: Build) -> Message:
    """Return the final message for a deleted build."""
    sentence = gettext_noop("{build} was deleted in Applivery before it was ready.")
    others = blocks.button(_("See builds"), "run.v1", f"builds {build.app.id}")
    shown = blocks.section(_(sentence, build=f"*{heading(build)}*"))
    return Message(_(sentence, build=title(build)), (shown, blocks.actions(others)))


def withheld(build: Build) -> Message:
    """Return the message for a user who may not see the build now; the reason is in another message."""
    text = _("Your watch of {build} is paused.", build=title(build))
    return Message(text, (blocks.section(text), blocks.actions(_stop_button(build))))


def stopped(build: Build, *, again: bool) -> Message:
    """Return the message of a watch that the user stopped; `again` is whether the build can still be watched."""
    text = _("Stopped watching {build}.", build=title(build))
    way_back = [blocks.actions(watch_button(build, _("Watch again")))] if again else []
    return Message(text, (blocks.section(text), *way_back))


def given_up(build: Build, dashboard: str) -> Message:
    """Return the message that the watch has ended without a known result."""
    if build.stage.final:
        return builds.status(build, dashboard)
    if build.stage is Stage.UNKNOWN:
        text = _("Stopped watching {build}: {status}.", build=title(build), status=unknown(build))
    else:
        text = _("Stopped watching {build}: it has taken too long and may never finish.", build=title(build))
    look = blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard")
    return Message(text, (blocks.section(text), blocks.actions(check_button(build), look)))


def _moving(build: Build, words: str, dashboard: str) -> Message:
    body = (
        blocks.section(f"*{heading(build)}*\n{words}"),
        blocks.actions(_stop_button(build), blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard")),
    )
    return Message(f"{title(build)}: {words}", body)


def _stop_button(build: Build) -> ButtonElement:
    return blocks.button(_("Stop watching"), "unwatch.v1", build_value(build))


def _estimate(usual: timedelta | None, left: timedelta | None) -> str:
    if usual is None or left is None:
        return _("no time estimate yet")
    if left < timedelta(minutes=1):
        return _("under 1 min left (usually {time})", time=_short(usual))
    return _("about {left} left (usually {time})", left=_minutes(left), time=_short(usual))


def _short(time: timedelta | None) -> str:
    return format_duration_short(time.total_seconds() if time else 0.0)


def _minutes(time: timedelta) -> str:
    minutes = max(1, round(time.total_seconds() / 60))
    return f"{minutes} min" if minutes < 60 else _short(time)
