"""`bisect`: testers try the builds between a good and a bad one, until the first bad build is known."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime

from bot.commands import get
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button, command
from bot.dispatch.targets import Filters
from bot.domain import access, bisection_candidates, grammar, lookup, platforms
from bot.domain.bisection import MOST_BUILDS, Bisection
from bot.domain.build_labels import BuildLabel
from bot.domain.builds import line_of
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.model import App, Build, Role, Stage
from bot.domain.states import BisectionState, BisectVerdict
from bot.exceptions import BuildRecalled, Choice, NotFound, Outdated, UserInputError
from bot.i18n import Counted, Text, _, gettext_noop
from bot.i18n.verbatim import verbatim
from bot.slack.blocks import Message
from bot.slack.button_values import BisectionValue
from bot.slack.views import bisections as cards

GOOD, BAD = "good", "bad"
WHICH = {GOOD: Text("Which build doesn't have the bug?"), BAD: Text("Which build has the bug?")}
WORDS = {
    BisectVerdict.GOOD: gettext_noop("good"),
    BisectVerdict.BAD: gettext_noop("bad"),
    BisectVerdict.UNCLEAR: gettext_noop("can't tell"),
}
OFFERED = 100  # builds to choose from


@command(need=Role.MEMBER)
async def bisect(
    call: CommandContext,
    app: App | None = None,
    *,
    filters: Filters,
    good: str | None = None,
    bad: str | None = None,
) -> Message:
    """Find the first bad build: testers try the builds in between.

    /applivery bisect courier good:2.3.9 bad:2.4.1
    /applivery bisect courier good:#173 bad:#190 os:ios
    /applivery bisect
    """
    if app is None and good is None and bad is None and not filters.options:
        return await _running(call)
    app = await call.only_app(app)
    goods = await _named(call, app, good, filters) if good else []
    bads = await _named(call, app, bad, filters) if bad else []
    if not goods or not bads:
        raise await _missing(call, app, filters, goods, bads)
    platform = _platform(goods, bads)
    first = _only(GOOD, good or "", [build for build in goods if build.platform.casefold() == platform])
    last = _only(BAD, bad or "", [build for build in bads if build.platform.casefold() == platform])
    return await _start(call, await _between(call, first, last, filters))


async def _start(call: CommandContext, builds: Sequence[Build]) -> Message:
    """Begin the bisect in this channel, or return the result if there is no build in between."""
    services = call.services.bisections
    new = Bisection.of(builds, call.asker, call.asker.channel_id or "", call.thread_ts, call.now)
    found = await services.range_of(new)
    if found.ask is None:
        return cards.result(new, found)
    await call.require_postable_here(gettext_noop("bisects show your versions and commits"))
    started, is_new = await services.start(call.asker, call.entrypoint, new)
    return cards.started(started, await services.range_of(started), is_new=is_new)


async def _running(call: CommandContext) -> Message:
    apps = {app.id: app for app in await call.apps()}
    here = await call.services.bisections.of_channel(call.asker.channel_id or "")
    known = next(iter(apps.values()), None)
    example = f"{call.typed_root} bisect {known.slug or known.id if known else 'courier'} good:2.3.9 bad:2.4.1".strip()
    return cards.running([each for each in here if each[0].app.id in apps], example)


# ------------------------------------------------------------------ good and bad builds


async def _named(call: CommandContext, app: App, which: str, filters: ParsedText) -> list[Build]:
    """Return the ready builds that `which` may mean, of the typed branch if any. Raises UserInputError."""
    named = await call.services.apps.named(app, which, _only_platform(filters))
    ready = [build for build in named if build.stage is Stage.READY]
    if not ready:
        raise UserInputError(
            Text("{build} isn't ready, so it can't be tested.", build=BuildLabel(named[0])),
            commands=lookup.see_builds(app),
        )
    return [build for build in ready if lookup.fits(build, filters)] or ready


def _only_platform(filters: ParsedText) -> ParsedText:
    return ParsedText((), tuple(option for option in filters.options if option.key == "os"))


async def _missing(
    call: CommandContext, app: App, filters: ParsedText, goods: Sequence[Build], bads: Sequence[Build]
) -> UserInputError:
    """Return the question for the good or bad build that was not named, with the builds to choose from."""
    key = GOOD if bads else BAD
    known = [*goods, *bads]
    ends = {build.platform.casefold() for build in known}
    times = [build.created_at for build in known if build.created_at]

    def fits(build: Build) -> bool:
        if build.stage is not Stage.READY or build.id in {end.id for end in known}:
            return False
        return not known or (build.platform.casefold() in ends and _is_beyond(build, times, older=key == GOOD))

    builds = await call.services.apps.builds(app, filters, is_wanted=fits, limit=OFFERED)
    if not builds:
        await call.services.apps.require_any(app)
        return UserInputError(
            Text("A bisect needs two ready builds of {app}.", app=verbatim(app.name)), commands=lookup.see_builds(app)
        )
    choices: list[Choice] = [(BuildLabel(build), f"{key}:{build.id}") for build in builds]
    sentence = Text("A bisect needs a build without the bug and a later one with it.")
    return UserInputError(sentence, WHICH[key], every=choices)


def _is_beyond(build: Build, times: Sequence[datetime], *, older: bool) -> bool:
    """Return whether a build is older (or newer) than one of these times, as far as known."""
    at = build.created_at
    return at is None or not times or (at <= max(times) if older else at >= min(times))


def _platform(goods: Sequence[Build], bads: Sequence[Build]) -> str:
    """Return the platform of both builds. Raises UserInputError if there is none, or several."""
    both = {build.platform.casefold(): build.platform for build in goods}
    both = {key: name for key, name in both.items() if key in {build.platform.casefold() for build in bads}}
    if not both:
        raise UserInputError(
            Text("{good} and {bad} are for different platforms.", good=BuildLabel(goods[0]), bad=BuildLabel(bads[0])),
            Text("Choose two builds for the same platform."),
            commands=lookup.see_builds(goods[0].app),
        )
    if len(both) > 1:
        choices: list[Choice] = [(platforms.name(name), f"os:{key}") for key, name in sorted(both.items())]
        raise UserInputError(Text("Both builds exist for several platforms."), Text("Which platform?"), every=choices)
    return next(iter(both))


def _only(key: str, which: str, builds: Sequence[Build]) -> Build:
    """Return the only build. Raises UserInputError to let the user choose between several."""
    if len(builds) == 1:
        return builds[0]
    sentence = Counted(
        "{number} build of {app} matches “{which}”.",
        "{number} builds of {app} match “{which}”.",
        len(builds),
        which=which,
        app=verbatim(builds[0].app.name),
    )
    choices: list[Choice] = [(BuildLabel(build), f"{key}:{build.id}") for build in builds]
    raise UserInputError(sentence, WHICH[key], every=choices, replaces=f"{key}:*")


async def _between(call: CommandContext, good: Build, bad: Build, filters: ParsedText) -> list[Build]:
    """Return the builds to bisect, oldest first. Raises UserInputError if the two builds can't be bisected."""
    if good.id == bad.id:
        raise UserInputError(
            Text("Good and bad are the same build: {build}.", build=BuildLabel(bad)),
            Text("Choose two different builds."),
            commands=lookup.see_builds(bad.app),
        )
    # Releases are often built from different branches: then builds of all branches are in between.
    is_any_line = line_of(good) != line_of(bad) or any(option.key == "branch" for option in filters.options)
    listed = await _listed(call, good, bad)
    wanted = [build for build in listed if build.id in (good.id, bad.id) or lookup.fits(build, filters)]
    found = bisection_candidates.between(good, bad, wanted, any_line=is_any_line)
    if found is None:
        swapped = grammar.readable(ParsedText((), (KeyValue(GOOD, bad.id), KeyValue(BAD, good.id), *filters.options)))
        raise UserInputError(
            Text("{good} is newer than {bad}.", good=BuildLabel(good), bad=BuildLabel(bad)),
            Text("The good build must be the older one. Swap them?"),
            every=[(Text("Swap good and bad"), f"bisect {good.app.slug or good.app.id} {swapped}")],
            replaces=None,
        )
    if len(found) > MOST_BUILDS:
        raise UserInputError(
            Counted(
                "There is {number} build between them, too many for a bisect.",
                "There are {number} builds between them, too many for a bisect.",
                len(found) - 2,
            ),
            Text("Choose two builds that are closer together."),
        )
    return found


async def _listed(call: CommandContext, good: Build, bad: Build) -> list[Build]:
    """Return the app's builds, newest first, down to the older of the two."""
    wanted = {good.id, bad.id}
    times = [build.created_at for build in (good, bad)]
    oldest = min((at for at in times if at), default=None)
    listed: list[Build] = []
    async with aclosing(call.services.apps.walk(bad.app)) as builds:
        async for build in builds:
            listed.append(build)
            wanted.discard(build.id)
            if not wanted or (oldest and build.created_at and build.created_at < oldest):
                break
    return listed


# ------------------------------------------------------------------ the buttons


@button(cards.GET, need=Role.MEMBER, once=True, about_build=True, for_link=True)
async def handed(call: CommandContext, value: str) -> Message:
    """*Get build* of a step: a new link, or the next build if this one is not available."""
    found = await _read(call, value)
    build_id = BisectionValue.parse(value).build_id
    try:
        build = await call.build(found.app.id, build_id)
        if build.stage is not Stage.FAILED:
            return await get.hand(call, build)
    except (NotFound, BuildRecalled):
        if found.state is not BisectionState.RUNNING:
            raise
    after = await call.services.bisections.leave_out(call.asker, call.entrypoint, found, build_id)
    if after is None:
        raise _kept_no_longer()
    return cards.gone(after, await call.services.bisections.range_of(after), found.build(build_id))


@button(cards.GOOD, need=Role.MEMBER)
async def good_build(call: CommandContext, value: str) -> Message:
    """*Good* of a step."""
    return await _vote(call, value, BisectVerdict.GOOD)


@button(cards.BAD, need=Role.MEMBER)
async def bad_build(call: CommandContext, value: str) -> Message:
    """*Bad* of a step."""
    return await _vote(call, value, BisectVerdict.BAD)


@button(cards.UNCLEAR, need=Role.MEMBER)
async def unclear_build(call: CommandContext, value: str) -> Message:
    """*Can't tell* of a step: the build is skipped."""
    return await _vote(call, value, BisectVerdict.UNCLEAR)


async def _vote(call: CommandContext, value: str, verdict: BisectVerdict) -> Message:
    found = await _read(call, value)
    build_id = BisectionValue.parse(value).build_id
    services = call.services.bisections
    result = await services.vote(call.asker, call.entrypoint, found, build_id, verdict)
    if result is None:
        raise _kept_no_longer()
    after = result.bisection
    standing = await services.range_of(after)
    if not result.is_counted:
        return cards.step_over(after, standing, is_asked=standing.ask == build_id)
    return cards.counted(after, standing, _(WORDS[verdict]))


@button(cards.STOP, need=Role.MEMBER)
async def stop(call: CommandContext, value: str) -> Message:
    """*Stop bisect*, for who started it and for releasers."""
    found = await _read(call, value)
    if not call.asker.is_(found.created_by):
        role = call.asker.role_for(found.app.id)
        access.require(role, Role.RELEASER, found.app, act=gettext_noop("stop bisects that others started"))
    ended = await call.services.bisections.stop(call.asker, call.entrypoint, found)
    if ended is None:
        raise _kept_no_longer()
    return cards.stopped(ended[0], was_running=ended[1])


async def _read(call: CommandContext, value: str) -> Bisection:
    """Return the bisect of a button, for an app that the user may use here.

    Raises Outdated, and the errors of `CommandContext.app`.
    """
    wanted = BisectionValue.parse(value)
    await call.app(wanted.app_id)
    found = None if wanted.number is None else await call.services.bisections.find(wanted.number)
    if found is None or found.app.id != wanted.app_id or wanted.build_id not in {build.id for build in found.builds}:
        raise _kept_no_longer()
    return found


def _kept_no_longer() -> Outdated:
    return Outdated(Text("This bisect is no longer available."), commands=((Text("See bisects"), "bisect"),))
