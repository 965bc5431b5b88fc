"""Messages about goals: the card in the channel, its last line, the private requests, the list; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import ButtonElement, OverflowMenuElement

from bot.domain import goals as decisions
from bot.domain.states import GoalState
from bot.domain.time_zones import zone
from bot.i18n import _, format_clock, format_number, format_short_day, gettext_noop, ngettext
from bot.i18n.units import format_percent
from bot.slack import blocks
from bot.slack.blocks import Block, Message, charts
from bot.slack.button_values import GoalValue
from bot.slack.markup import strip_formatting
from bot.slack.mrkdwn import date_tag, escape_inline
from bot.slack.views.builds import get_each_platform

if TYPE_CHECKING:
    from bot.domain.goals import Goal, GoalRequest, GoalStatus

WEEKDAY = "{date_short_pretty} {time}"
SHORT = timedelta(days=2)  # the chart of a shorter goal shows times of day
WITH_BUILD = (GoalState.RUNNING, GoalState.REACHED, GoalState.MISSED, GoalState.STOPPED)
ENDS = {
    GoalState.REACHED: gettext_noop("✅ *Goal reached:* {count}."),
    GoalState.MISSED: gettext_noop("❌ *Goal missed:* {count}."),
    GoalState.RECALLED: gettext_noop("⛔ *Goal ended:* {what} was recalled."),
    GoalState.DELETED: gettext_noop("⛔ *Goal ended:* {what} was deleted in Applivery."),
    GoalState.UNCOUNTABLE: gettext_noop("⚠️ *Goal ended:* I can't see who is in {place} any more."),
    GoalState.UNANSWERED: gettext_noop("⚠️ *Goal ended without a final count:* Applivery or Slack didn't answer."),
    GoalState.WITHDRAWN: gettext_noop("⚠️ *Goal ended without a final count:* it was no longer allowed."),
    GoalState.STOPPED: gettext_noop("⚠️ *Goal stopped:* {count}."),
}


# ------------------------------------------------------------------ in the channel


def card(status: GoalStatus) -> Message:
    """Return the card of a goal in a channel: counts and a chart, without names."""
    goal = status.goal
    head = title(goal) if goal.is_running else ending(status)
    lines = [head, _progress(status)] if goal.is_running and not goal.paused else [head]
    small = _small(status)
    get = get_each_platform(status.builds) if goal.state in WITH_BUILD and not goal.paused else []
    menu = _menu(goal) if goal.is_running else None
    buttons = [blocks.actions(*get, menu)] if get or menu else []
    text = " ".join(f"{strip_formatting(line).rstrip('.')}." for line in [*lines, " · ".join(small)])
    body: list[Block] = [blocks.section("\n".join(lines)), blocks.context(" · ".join(small))]
    if goal.paused or not status.samples:
        return Message(text, (*body, *buttons))
    drawn, bars = _chart(status)
    plainer = Message(text, (*body, blocks.section(bars), *buttons))
    return Message(text, (*body, drawn, *buttons), fallback=plainer)


def title(goal: Goal) -> str:
    """Return the title of a goal: `90% of @qa have Courier 2.4.1 by Friday`."""
    about = {"place": place(goal), "what": escape_inline(goal.what, 160), "when": date_tag(goal.deadline, WEEKDAY)}
    if goal.percent == decisions.USUAL_SHARE:
        return _("*Goal: everyone in {place} has {what}* by {when}", **about)
    if goal.percent:
        return _("*Goal: {share} of {place} have {what}* by {when}", share=format_percent(goal.percent), **about)
    return ngettext(
        "*Goal: {number} person in {place} has {what}* by {when}",
        "*Goal: {number} people in {place} have {what}* by {when}",
        goal.people,
        **about,
    )


def place(goal: Goal) -> str:
    """Return the group or channel; a group by its name, since a mention would notify all members."""
    return escape_inline(goal.place_name, 80) if goal.group_id else f"<#{goal.members_of}>"


def _progress(status: GoalStatus) -> str:
    last = status.last
    counted = _(
        "*{have} of {total}* have it ({share})",
        have=format_number(last.have),
        total=format_number(last.total),
        share=format_percent(status.percent),
    )
    parts = [counted, _("{number} to go", number=format_number(status.to_go))]
    if status.to_go:
        parts.append(_("needs {pace} a day", pace=_one_digit(decisions.needed_pace(status))))
        if (pace := decisions.pace(status.samples)) is not None:
            parts.append(_("{pace} a day so far", pace=_one_digit(pace)))
    return " · ".join(parts)


def _one_digit(value: float) -> str:
    rounded = round(value, 1)
    return format_number(int(rounded) if rounded == int(rounded) else rounded)


def _small(status: GoalStatus) -> list[str]:
    """Return the small print: the time of the count, what it leaves out, and who set the goal."""
    goal, last = status.goal, status.last
    small = [_("⚠️ Paused")] if goal.paused and goal.is_running else []
    small.append(_("Counted {when}", when=date_tag(last.at)))
    if status.asked:
        small.append(ngettext("{number} person asked", "{number} people asked", status.asked))
    if last.unknown:
        small.append(ngettext("{number} without an email in Slack", "{number} without an email in Slack", last.unknown))
    if status.newer and goal.is_running:
        small.append(_("{version} is newer", version=escape_inline(status.newer, 60)))
    return [*small, _("Set by {person}", person=f"<@{goal.created_by}>")]


def _menu(goal: Goal) -> OverflowMenuElement | None:
    return blocks.menu(
        blocks.menu_item(_("Who is missing"), "goal.who.v1", str(goal.id)),
        blocks.menu_item(_("Stop goal"), "goal.stop.v1", str(goal.id)),
        action=f"{blocks.MENU}#goal{goal.id}",
    )


def _chart(status: GoalStatus) -> tuple[Block, str]:
    """Return a chart of the people left by day next to an even pace, and the same as text."""
    goal, here = status.goal, zone(status.goal.tz)
    is_short = goal.deadline - goal.created_at < SHORT
    points = decisions.burn_down(status)
    local = [point.at.astimezone(here) for point in points]
    labels = [
        f"{format_short_day(at.date())} {format_clock(at.time())}" if is_short else format_short_day(at.date())
        for at in local
    ]
    day = format_short_day(status.last.at.astimezone(here).date())
    name = _("People to go, projected from {day}", day=day) if goal.is_running else _("People to go")
    to_go = [(label, point.to_go) for label, point in zip(labels, points, strict=True)]
    planned = [(label, point.planned) for label, point in zip(labels, points, strict=True)]
    drawn = charts.several("line", name, [(_("To go"), to_go), (_("Even pace"), planned)])
    return drawn, f"*{name}*\n{charts.text_bars(to_go)}"


def ending(status: GoalStatus) -> str:
    """Return the result of a goal in one line."""
    goal, last = status.goal, status.last
    about = {"place": place(goal), "what": escape_inline(goal.what, 160)}
    count = ngettext(
        "{have} of {number} in {place} has {what}",
        "{have} of {number} in {place} have {what}",
        last.total,
        have=format_number(last.have),
        **about,
    )
    words = _(ENDS.get(goal.state, ENDS[GoalState.STOPPED]), count=count, **about)
    if goal.state is GoalState.MISSED:
        return f"{words} {ngettext('{number} was needed.', '{number} were needed.', status.needed)}"
    return words


def ended(status: GoalStatus) -> Message:
    """Return the result of a goal as a message."""
    line = ending(status)
    return Message(strip_formatting(line), (blocks.section(line),))


# ------------------------------------------------------------------ to a person


def request(asked: GoalRequest) -> Message:
    """Return the request to a person who lacks the build, with buttons to get it and to opt out."""
    goal = asked.goal
    about = {"what": escape_inline(goal.what, 160), "when": date_tag(goal.deadline, WEEKDAY)}
    text = _("{person} asks you to try *{what}* by {when}.", person=f"<@{goal.created_by}>", **about)
    stop = blocks.button(_("Don't ask me again"), "unnudge.v1", "stop")
    small = blocks.context(_("You get at most one request a day."))
    return Message(text, (blocks.section(text), blocks.actions(*get_each_platform(asked.builds), stop), small))


# ------------------------------------------------------------------ to the user who set it


def started(status: GoalStatus, able: int, left_out: int) -> Message:
    """Return the confirmation of a new goal; `able` people will be asked, `left_out` more lack access."""
    goal = status.goal
    lines = [_("*Goal started.* Its card is in {channel}.", channel=f"<#{goal.channel_id}>"), *_asking(goal, able)]
    if left_out and goal.asks:
        lines.append(ngettext("{number} has no access.", "{number} have no access.", left_out))
    return _with_choices(goal, lines, can_ask=bool(able))


def _asking(goal: Goal, able: int) -> list[str]:
    if not goal.asks or not able:
        return [_("I won't ask anyone privately.")]
    return [
        ngettext(
            "I'll DM {number} person who lacks it, on a weekday between {first} and {last} their time.",
            "I'll DM {number} people who lack it, some each weekday between {first} and {last} their time.",
            able,
            first=format_clock(decisions.MORNING),
            last=format_clock(decisions.EVENING),
        )
    ]


def _with_choices(goal: Goal, lines: Sequence[str], *, can_ask: bool = True) -> Message:
    text = " ".join(lines)
    body = blocks.section("\n".join([lines[0], " ".join(lines[1:])]).strip())
    asking = [_switch(goal)] if can_ask else []
    return Message(text, (body, blocks.actions(*asking, stop_button(goal))))


def _switch(goal: Goal) -> ButtonElement:
    label = _("Don't ask people") if goal.asks else _("Ask people")
    return blocks.button(label, "goal.asks.v1", str(GoalValue(goal.id, not goal.asks)))


def stop_button(goal: Goal) -> ButtonElement:
    """Return the button that stops a goal."""
    return blocks.button(_("Stop goal"), "goal.stop.v1", str(goal.id))


def asking(goal: Goal) -> Message:
    """Return whether a goal asks people from now on."""
    said = (
        _("*Turned on.* I'll ask people privately.") if goal.asks else _("*Turned off.* I won't ask anyone privately.")
    )
    return _with_choices(goal, [said])


def already_reached(status: GoalStatus) -> Message:
    """Return the reply that a goal is reached already, so that no card is posted."""
    last, goal = status.last, status.goal
    return Message(
        _(
            "*Already reached:* {have} of {total} in {place} have {what}.",
            have=format_number(last.have),
            total=format_number(last.total),
            place=place(goal),
            what=escape_inline(goal.what, 160),
        )
    )


def stopped(goal: Goal) -> Message:
    """Return the confirmation that a goal was stopped, with a button to undo it."""
    text = _("*Stopped.* I won't count or ask any more: {what}.", what=escape_inline(goal.what, 160))
    undo = blocks.button(_("Undo"), "undo.goal.v1", str(goal.id))
    return Message(text, (blocks.section(text), blocks.actions(undo)))


def resumed(goal: Goal) -> Message:
    """Return the confirmation that a goal was resumed."""
    return Message(_("*Goal continued:* {what}.", what=escape_inline(goal.what, 160)))


def paused(goal: Goal, why: str) -> Message:
    """Return the notice to the user who set a goal that its card can't be shown; `why` is a whole sentence."""
    head = _(
        "⚠️ *Paused your goal in {channel}:* {what}.", channel=f"<#{goal.channel_id}>", what=escape_inline(goal.what)
    )
    text = f"{head} {why}".strip()
    return Message(text, (blocks.section(text), blocks.actions(stop_button(goal))))


def card_gone(goal: Goal) -> Message:
    """Return the notice to the user who set a goal that it was stopped, because its card isn't in the channel."""
    what, channel = escape_inline(goal.what, 160), f"<#{goal.channel_id}>"
    return Message(
        _("*Stopped your goal in {channel}:* {what}. Its card isn't there any more.", channel=channel, what=what)
    )


def listed(running: Sequence[GoalStatus], channel_id: str) -> Message:
    """Return the running goals of a channel, each with its menu, and a button to start another."""
    new = blocks.actions(blocks.button(_("New goal"), "goal.new.v1", "new", style=None if running else "primary"))
    if not running:
        text = _("*No goals* in {channel}.", channel=f"<#{channel_id}>")
        return Message(text, (blocks.section(text), new))
    head = _("*Goals in {channel}*", channel=f"<#{channel_id}>")
    lines = [f"{title(status.goal)}\n{_progress(status)}" for status in running]
    body = [blocks.section(line, accessory=_menu(status.goal)) for line, status in zip(lines, running, strict=True)]
    return Message(" ".join([head, *(line.replace("\n", ": ") for line in lines)]), (blocks.section(head), *body, new))
