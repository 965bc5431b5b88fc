"""Progress messages of a watched build, and its end; pure."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.model import Build, Stage
from bot.i18n import _
from bot.i18n.units import format_duration
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.mrkdwn import date_tag, escape, escape_inline
from bot.slack.views import builds
from bot.slack.views.builds import build_value, check_button, facts, platform_name, state, title, unknown, watch_button


def promised(build: Build, usual: timedelta | None, left: timedelta | None, *, fresh: bool) -> Message:
    """Return the answer to `watch`; the rest is said in the direct messages."""
    if not fresh:
        return Message(_("You are watching {build} already: it is in our direct messages.", build=title(build)))
    sentences = (
        _("I keep you posted on {build} in our direct messages.", build=title(build)),
        _estimate(build, usual, left),
        _("You get a new message there when it is ready, or when it is not going to be."),
    )
    return Message(" ".join(sentences))


def on_its_way(build: Build, usual: timedelta | None, left: timedelta | None, dashboard: str) -> Message:
    """How far the build has come and how long it usually still has."""
    return _moving(build, state(build), _estimate(build, usual, left), dashboard)


def late(build: Build, usual: timedelta, dashboard: str) -> Message:
    """It takes longer than usual, which is no reason to worry yet."""
    words = _(
        "It is taking longer than usual: {builds} usually take {time}.",
        builds=_alike(build),
        time=format_duration(usual.total_seconds()),
    )
    return _moving(build, state(build), words, dashboard)


def stuck(build: Build, dashboard: str) -> Message:
    """Return the warning that a build may be stuck; the same text in the new message and in the edited one."""
    sentences = [_("It is taking far longer than builds do, and may be stuck.")]
    if build.created_at:
        sentences.append(_("It was uploaded {time}.", time=date_tag(build.created_at)))
    sentences.append(_("Look at it in the dashboard; if nothing moves there, upload it again. I go on watching."))
    waits = build.stage is Stage.PENDING
    still = _("⏰ still waiting to be processed") if waits else _("⏰ still being processed")
    return _moving(build, still, " ".join(sentences), dashboard)


def ended(build: Build, dashboard: str) -> Message:
    """Return what the progress message says at the end; the link, or the same reason, comes in a new message."""
    if build.stage is Stage.FAILED:
        return builds.status(build, dashboard)
    words = _("{state}. You get it in a new message.", state=state(build))
    return Message(f"{title(build)}: {words}", (blocks.section(f"*{title(build)}*\n{words}"),))


def deleted(build: Build) -> Message:
    """There is nothing left to wait for."""
    text = _(
        "🗑️ {build} was deleted in Applivery before it was ready, so nothing more will come of it.", build=title(build)
    )
    lists = _("`builds {app}` lists what there is.", app=escape(build.app.slug))
    return Message(text, (blocks.section(text), blocks.context(lists)))


def withheld(build: Build) -> Message:
    """Return the message for a user who may not see the build now; the reason is in a message of its own."""
    text = _("⏸ Your watch of {build} is paused.", build=title(build))
    stop = blocks.button(_("Stop watching"), "unwatch.v1", build_value(build))
    return Message(text, (blocks.section(text), blocks.actions(stop)))


def stopped(build: Build, *, again: bool) -> Message:
    """Return the message of a watch that the user stopped; `again`: the build can still be watched."""
    text = _("You no longer watch {build}.", build=title(build))
    way_back = [blocks.actions(watch_button(build, _("Watch again")))] if again else []
    return Message(text, (blocks.section(text), *way_back))


def given_up(build: Build, dashboard: str) -> Message:
    """Return the message that its end is unknown, and that the watch has ended."""
    if build.stage.final:
        return builds.status(build, dashboard)
    if build.stage is Stage.UNKNOWN:
        text = _(
            "I've stopped watching {build}: {status}. I can't tell whether it will ever be ready.",
            build=title(build),
            status=unknown(build),
        )
    else:
        text = _("I've stopped watching {build}: it has taken too long and may never finish.", build=title(build))
    look = blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard")
    return Message(text, (blocks.section(text), blocks.actions(check_button(build), look)))


def _moving(build: Build, stands: str, words: str, dashboard: str) -> Message:
    body = (
        blocks.section(f"*{title(build)}*\n{stands}\n{words}", fields=facts(build)),
        blocks.actions(
            blocks.button(_("Stop watching"), "unwatch.v1", build_value(build)),
            blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard"),
        ),
    )
    return Message(f"{title(build)}: {stands}. {words}", body)


def _estimate(build: Build, usual: timedelta | None, left: timedelta | None) -> str:
    builds = _alike(build)
    if usual is None or left is None:
        return _("I cannot say how long it takes: {builds} that are ready tell nothing of it.", builds=builds)
    if left < timedelta(minutes=1):
        return _(
            "Less than a minute left: {builds} usually take {time}.",
            builds=builds,
            time=format_duration(usual.total_seconds()),
        )
    return _(
        "About {left} left: {builds} usually take {time}.",
        left=format_duration(left.total_seconds(), minutes_from=60),
        builds=builds,
        time=format_duration(usual.total_seconds()),
    )


def _alike(build: Build) -> str:
    app = escape_inline(build.app.name, 80)
    if not build.platform:
        return _("the builds of {app}", app=app)
    return _("the {platform} builds of {app}", platform=platform_name(build), app=app)
