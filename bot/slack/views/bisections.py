"""Messages of a bisect: its first message, a step with its buttons, the result, and private replies; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import ButtonElement

from bot.domain.states import BisectionState, Judgement
from bot.i18n import _, gettext_noop, ngettext
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.button_values import BisectionValue
from bot.slack.mrkdwn import escape_inline
from bot.slack.views.builds import get_named, heading, platform_name

if TYPE_CHECKING:
    from bot.domain.bisection import Bisection, BisectionRange, Tally
    from bot.domain.model import Build

GET = "bisect.get.v1"
GOOD = "bisect.good.v1"
BAD = "bisect.bad.v1"
UNCLEAR = "bisect.unclear.v1"
STOP = "bisect.stop.v1"
COMMIT = 64  # characters
_OVER = {
    Judgement.GOOD: gettext_noop("✅ *Good:* {build}"),
    Judgement.BAD: gettext_noop("❌ *Bad:* {build}"),
    Judgement.UNCLEAR: gettext_noop("⚠️ *Skipped, can't tell:* {build}"),
    Judgement.CONTESTED: gettext_noop("⚠️ *Testers disagree:* {build}"),
    Judgement.OPEN: gettext_noop("⚠️ *Not tested:* {build}"),
}


def head(bisection: Bisection, found: BisectionRange) -> Message:
    """Return the first message of a bisect, which is later replaced by its result."""
    if bisection.state is BisectionState.FOUND:
        return result(bisection, found)
    app = " · ".join(filter(None, [escape_inline(bisection.app.name, 80), platform_name(bisection.build(found.bad))]))
    ends = _(
        "Good: {good} · Bad: {bad}",
        good=_named(bisection, bisection.builds[0].id),
        bad=_named(bisection, bisection.builds[-1].id),
    )
    if bisection.state is BisectionState.RUNNING:
        title, small = _("*Bisecting {app}*", app=app), _left(found)
        row = [blocks.actions(_stop_button(bisection))]
    else:
        ending = gettext_noop("*Bisect of {app} stopped*")
        if bisection.state is BisectionState.EXPIRED:
            ending = gettext_noop("*Bisect of {app} ended: no votes for two weeks*")
        title, small = _(ending, app=app), _range(bisection, found)
        row = []
    return Message(f"{title}. {ends} {small}", (blocks.section(f"{title}\n{ends}"), blocks.context(small), *row))


def step(bisection: Bisection, place: int, found: BisectionRange) -> Message:
    """Return the message of the step with this number, counted from 1: what to test, or the verdict."""
    build_id = bisection.steps[place - 1]
    is_last = place == len(bisection.steps)
    if not build_id:  # RESULT
        return result(bisection, found) if is_last else _reopened()
    if is_last and bisection.state is BisectionState.RUNNING:
        return _ask(bisection, place, found)
    return _over(bisection, build_id, is_asked_again=build_id == found.ask and not is_last)


def _ask(bisection: Bisection, place: int, found: BisectionRange) -> Message:
    build = bisection.build(bisection.steps[place - 1])
    tally = bisection.tally(build.id)
    title = _("*Step {number}: {build}*", number=place, build=heading(build))
    question = _("Does it have the bug?")
    if tally.judgement is Judgement.CONTESTED:
        question = _("⚠️ Testers disagree. One more vote decides.")
    small = " · ".join(filter(None, [_left(found), _counts(tally)]))
    value = _value(bisection, build.id)
    row = blocks.actions(
        _get(_("Get build"), bisection, build, style="primary"),
        blocks.button(_("Good"), GOOD, value),
        blocks.button(_("Bad"), BAD, value),
        blocks.button(_("Can't tell"), UNCLEAR, value),
        blocks.menu(blocks.menu_item(_("Stop bisect"), STOP, value)),
    )
    return Message(f"{title} {question} {small}", (blocks.section(f"{title}\n{question}"), blocks.context(small), row))


def _over(bisection: Bisection, build_id: str, *, is_asked_again: bool) -> Message:
    build, tally = bisection.build(build_id), bisection.tally(build_id)
    sentence = _OVER[tally.judgement]
    if build_id in bisection.gone:
        sentence = gettext_noop("⛔ *Skipped, no longer available:* {build}")
    text = _(sentence, build=heading(build))
    counts = _("Vote again below.") if is_asked_again else _counts(tally)
    small = [blocks.context(counts)] if counts else []
    buttons = _opposite(bisection, build_id) if build_id not in bisection.gone and not is_asked_again else []
    return Message(f"{text} {counts}".strip(), (blocks.section(text), *small, *_row(buttons)))


def _opposite(bisection: Bisection, build_id: str) -> list[ButtonElement]:
    """Return the button for the opposite verdict, which opens the step again."""
    if bisection.state not in (BisectionState.RUNNING, BisectionState.FOUND):
        return []
    value = _value(bisection, build_id)
    match bisection.tally(build_id).judgement:
        case Judgement.GOOD:
            return [blocks.button(_("Vote bad"), BAD, value)]
        case Judgement.BAD:
            return [blocks.button(_("Vote good"), GOOD, value)]
        case Judgement.UNCLEAR:
            return [blocks.button(_("Vote good"), GOOD, value), blocks.button(_("Vote bad"), BAD, value)]
    return []


def result(bisection: Bisection, found: BisectionRange) -> Message:
    """Return the result: the first bad build, or the two builds between which it is, and the commits."""
    good, bad = bisection.build(found.good), bisection.build(found.bad)
    title = _("*First bad build: {build}*", build=heading(bad))
    lines = []
    if found.untested:
        title = _("*The bug came in after {good}, up to {bad}*", good=heading(good), bad=_named(bisection, bad.id))
        lines.append(
            ngettext("{number} build couldn't be tested.", "{number} builds couldn't be tested.", len(found.untested))
        )
    else:
        lines.append(_("Last good build: {build}", build=_named(bisection, good.id)))
    lines += _commits(good, bad)
    body = "\n".join([title, *lines])
    buttons = [
        *_compare(bisection, found),
        _get(_("Get first bad"), bisection, bad, mark="#bad"),
        _get(_("Get last good"), bisection, good, mark="#good"),
    ]
    return Message(" ".join([title, *lines]), (blocks.section(body), *_row(buttons)))


def _commits(good: Build, bad: Build) -> list[str]:
    after, up_to = (str(build.origin.commit or "").strip() for build in (good, bad))
    if not after or not up_to:
        return []
    if after == up_to:
        return [_("Both have the commit `{commit}`.", commit=after[:COMMIT])]
    return [_("Commits after `{good}`, up to `{bad}`", good=after[:COMMIT], bad=up_to[:COMMIT])]


def _compare(bisection: Bisection, found: BisectionRange) -> list[ButtonElement]:
    """Return the button to the commits; none if the builds are of two repositories, or their forge isn't known."""
    page = bisection.compare_page(found.good, found.bad)
    if page is None:
        return []
    label = _("Compare on {place}", place=page.place)
    return [blocks.link_button(label, page.url, "open.compare", style="primary")]


def _reopened() -> Message:
    text = _("⚠️ *Reopened:* a new vote contradicts this result.")
    return Message(text, (blocks.section(text),))


# ------------------------------------------------------------------ to one tester


def started(bisection: Bisection, found: BisectionRange, *, is_new: bool) -> Message:
    """Return the reply to the user who began a bisect, or tried to while one was running."""
    text = _("*Bisect started.* {left}", left=_left(found))
    if not is_new:
        text = _("A bisect of {app} is already running here. {left}", app=_app(bisection), left=_left(found))
    if found.ask is None:
        text = _("*Bisect finished.* The result is posted here.")
    return _with_current(bisection, found, text, () if is_new else (_stop_button(bisection),))


def counted(bisection: Bisection, found: BisectionRange, word: str) -> Message:
    """Return the confirmation of a vote; `word` is the name of the verdict."""
    if found.ask is None:
        return Message(_("*Vote counted:* {verdict}. That was the last step.", verdict=word))
    text = _("*Vote counted:* {verdict}.", verdict=word)
    return _with_current(bisection, found, text)


def step_over(bisection: Bisection, found: BisectionRange, *, is_asked: bool) -> Message:
    """Return the reply to a click without effect: on a finished step, or a repeated one (`is_asked`)."""
    if bisection.state is not BisectionState.RUNNING:
        return Message(_("This bisect has ended."))
    if is_asked:
        return Message(_("Your vote is already counted."))
    return _with_current(bisection, found, _("This step has ended."))


def gone(bisection: Bisection, found: BisectionRange, build: Build) -> Message:
    """Return the reply to a tester whose build is no longer available."""
    text = _("{build} is no longer available, so it was skipped.", build=heading(build))
    if bisection.state is not BisectionState.RUNNING:
        return Message(text)
    return _with_current(bisection, found, text)


def stopped(bisection: Bisection, *, was_running: bool) -> Message:
    """Return the confirmation that a bisect has ended."""
    if not was_running:
        return Message(_("This bisect has ended."))
    return Message(_("*Bisect of {app} stopped.*", app=_app(bisection)))


def running(bisections: Sequence[tuple[Bisection, BisectionRange]], example: str) -> Message:
    """Return the running bisects of a channel; if there are none, how to begin one (`example` is a command)."""
    if not bisections:
        text = _("No bisect is running here.")
        how = _("Start one with a good and a bad build: `{command}`", command=example)
        return Message(f"{text} {how}", (blocks.section(text), blocks.context(how)))
    head = ngettext("*{number} bisect running here*", "*{number} bisects running here*", len(bisections))
    body: list[Block] = [blocks.section(head)]
    said = [head]
    for bisection, found in bisections:
        line = f"{_app(bisection)} · {_left(found)}"
        if found.ask:
            line += "\n" + _("Current: {build}", build=_named(bisection, found.ask))
        get = _get(_("Get build"), bisection, bisection.build(found.ask)) if found.ask else None
        body += [blocks.section(line), blocks.actions(get, _stop_button(bisection))]
        said.append(line)
    return Message(" ".join(said), tuple(body))


def _with_current(
    bisection: Bisection, found: BisectionRange, text: str, more: Sequence[ButtonElement] = ()
) -> Message:
    """Return a sentence with the build to test now, and the button to get it."""
    if found.ask is None:
        return Message(text)
    now = _("Current: {build}", build=_named(bisection, found.ask))
    buttons = [_get(_("Get build"), bisection, bisection.build(found.ask)), *more]
    return Message(f"{text} {now}", (blocks.section(f"{text}\n{now}"), *_row(buttons)))


# ------------------------------------------------------------------ parts


def _row(buttons: Sequence[ButtonElement]) -> list[Block]:
    return [blocks.actions(*buttons)] if buttons else []


def _value(bisection: Bisection, build_id: str) -> str:
    return str(BisectionValue(bisection.app.id, build_id, bisection.id))


def _get(label: str, bisection: Bisection, build: Build, *, style: str | None = None, mark: str = "") -> ButtonElement:
    """Return the button to get a build; `mark` distinguishes its action from another in the row."""
    ends = (bisection.builds[0].id, bisection.builds[-1].id)
    if build.id in ends:  # the ends are not tested, so if one is missing the bisect continues
        return get_named(label, f"get.v1{mark}", build, style)
    value = _value(bisection, build.id)
    return blocks.button(label, f"{GET}{mark}", value, style=style, accessibility_label=_named(bisection, build.id))


def _stop_button(bisection: Bisection) -> ButtonElement:
    value = _value(bisection, bisection.builds[-1].id)
    question = _("The votes so far stay visible, and no more builds are asked about.")
    return blocks.button(_("Stop bisect"), STOP, value, confirm=question, verb=_("Stop bisect"))


def _named(bisection: Bisection, build_id: str) -> str:
    """`2.4.0 (231)`, escaped."""
    build = bisection.facts_of(build_id)
    number = f" ({escape_inline(build.number, 40)})" if build.number else ""
    return f"{escape_inline(build.version, 60) if build.version else _('without a version')}{number}"


def _app(bisection: Bisection) -> str:
    platform = platform_name(bisection.build(bisection.builds[-1].id))
    return " · ".join(filter(None, [escape_inline(bisection.app.name, 80), platform]))


def _left(found: BisectionRange) -> str:
    """Return `About 2 steps left (3 builds)`."""
    steps = ngettext("About {number} step left", "About {number} steps left", found.steps_left)
    builds = ngettext("{number} build", "{number} builds", len(found.left))
    return f"{steps} ({builds})"


def _range(bisection: Bisection, found: BisectionRange) -> str:
    return _(
        "The bug came in after {good}, up to {bad}.",
        good=_named(bisection, found.good),
        bad=_named(bisection, found.bad),
    )


def _counts(tally: Tally) -> str:
    """Return `2 good · 1 bad`; never the names of testers."""
    parts = [
        ngettext("{number} good", "{number} good", tally.good) if tally.good else "",
        ngettext("{number} bad", "{number} bad", tally.bad) if tally.bad else "",
        ngettext("{number} can't tell", "{number} can't tell", tally.unclear) if tally.unclear else "",
    ]
    return " · ".join(filter(None, parts))
