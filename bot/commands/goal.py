"""`goal`: how many people of a group have a build by a deadline, on one card that is kept up to date."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from slack_sdk.models.blocks import Option

from bot.commands import downloads as reports
from bot.commands import get, report_query
from bot.commands.digests import NO, YES
from bot.commands.missing import names_of
from bot.dispatch.context import CommandContext
from bot.dispatch.modal_submission import attribute_to_field
from bot.dispatch.registry import button, command, form, options
from bot.dispatch.targets import Rest
from bot.domain import access, goal_sentence, grammar, lookup, mentions, references
from bot.domain import goals as decisions
from bot.domain.downloads import DownloadGap
from bot.domain.goal_sentence import GoalSentence
from bot.domain.goals import Goal, GoalSample, GoalStatus
from bot.domain.grammar import ParsedText
from bot.domain.lookup import AmbiguousInput
from bot.domain.model import App, Role
from bot.domain.timeparse import deadline
from bot.exceptions import ChannelUnavailable, SlackError, UserInputError
from bot.i18n import Counted, Text, _, gettext_noop, ngettext, use_locale
from bot.i18n.units import format_percent
from bot.i18n.verbatim import verbatim
from bot.services.channels import ABOUT_PEOPLE
from bot.services.report_query import about, which_of
from bot.services.reports import ReportQuery
from bot.slack import blocks
from bot.slack.blocks import Block, Message, Modal, Reply
from bot.slack.button_values import GoalValue
from bot.slack.views import goals as cards

SEE_ALL = ((Text("See goals"), "goal"),)
STOP = gettext_noop("stop goals")
SHARES = ("50", "75", "80", "90", "100")
FORM_SHARE, FORM_TIME = "90", "7d"
YES_WORD, NO_WORD = "yes", "no"
TIMES = (
    (gettext_noop("Tomorrow, 6:00 PM"), "tomorrow 18:00"),
    (gettext_noop("Friday, 6:00 PM"), "friday 18:00"),
    (gettext_noop("In 7 days"), "7d"),
    (gettext_noop("In 14 days"), "14d"),
    (gettext_noop("In 30 days"), "30d"),
)
EVERYONE = ("<!here>", "<!channel>", "<!everyone>", "@here", "@channel", "@everyone")


@command(need=Role.MANAGER, act=gettext_noop("set goals"))
async def goal(
    call: CommandContext,
    what: Rest | None = None,
    *,
    of: str | None = None,
    by: str | None = None,
    share: str | None = None,
    ask: str | None = None,
) -> Reply:
    """Set a goal: how many of a group have a build by a deadline.

    /applivery goal courier 2.4.1 90% of @qa by friday
    /applivery goal courier latest everyone in #releases by tomorrow 18:00
    /applivery goal courier 90% of @qa by 3d ask:no
    /applivery goal
    """
    if not any((what, of, by, share)):
        return await listed(call)
    sentence = goal_sentence.parse(str(what or ""), of=of or "", by=by or "", share=share or "")
    asks = _asks(ask)
    named = await _query(call, sentence, ask)
    query = await call.services.gaps.of_builds(named)
    if not sentence.place:
        return await _form(call, query.app, sentence, query if named.builds else None, asks=asks)
    return await start(call, query, sentence, asks=asks)


async def listed(call: CommandContext) -> Message:
    """Return the goals of this channel."""
    channel_id = _channel(call)
    return cards.listed(await call.services.goals.of_channel(channel_id), channel_id)


def _channel(call: CommandContext) -> str:
    channel_id = call.asker.channel_id or ""
    if not channel_id or channel_id.startswith("D"):
        raise ChannelUnavailable(
            Text("This command only works in a channel."), Text("Choose a channel that I'm in."), is_here=True
        )
    return channel_id


def _asks(word: str | None) -> bool:
    if word is None or word.casefold() in YES:
        return True
    if word.casefold() in NO:
        return False
    raise UserInputError(
        Text("`ask:` can't be “{word}”.", word=word[:40]), every=["ask:yes", "ask:no"], replaces=f"ask:{word}"
    )


async def _query(call: CommandContext, sentence: GoalSentence, ask: str | None) -> ReportQuery:
    """Return the named app and builds. If the user has to choose between several, the other words are kept."""
    try:
        return await report_query.named(call, sentence.what)
    except AmbiguousInput as error:
        before = error.left.plain if error.left else ()
        share = f"{sentence.percent}%" if sentence.percent else f"{sentence.people} people" * bool(sentence.people)
        rest = [*share.split(), *(["of", sentence.place] if sentence.place else [])]
        rest += ["by", *sentence.when.split()] if sentence.when else []
        rest += [f"ask:{ask}"] if ask else []
        error.left = ParsedText((*before, *grammar.read(" ".join(rest)).plain), grammar.read(" ".join(rest)).options)
        raise


# ------------------------------------------------------------------ starting


async def start(call: CommandContext, query: ReportQuery, sentence: GoalSentence, *, asks: bool) -> Message:
    """Count, post the card, and return the confirmation with what happens next."""
    channel_id = _channel(call)
    await call.require_postable_here(ABOUT_PEOPLE)
    await call.services.installation.require_scope("users:read.email")
    with attribute_to_field("goal.by"):
        until = deadline.parse(
            sentence.when or decisions.USUAL_TIME, now=call.now, tz=call.asker.tz, day_ends=decisions.EVENING
        )
    with attribute_to_field("goal.place"):
        group_id, members_of, name = await _people(call, sentence.place)
    with use_locale(call.services.language):
        what = about(query, query.builds).what
    goal = Goal(
        id=0,
        team_id=call.asker.team_id,
        channel_id=channel_id,
        app_id=query.app.id,
        app_name=query.app.name,
        build_ref=which_of(query.builds),
        what=what,
        group_id=group_id,
        members_of=members_of,
        place_name=name,
        percent=sentence.percent if sentence.has_share else decisions.USUAL_SHARE,
        people=sentence.people,
        deadline=until,
        tz=call.asker.tz,
        asks=asks,
        created_by=call.asker.user_id,
        created_at=call.now,
    )
    if await call.services.goals.like(goal):
        raise UserInputError(Text("This goal is already running in this channel."), commands=SEE_ALL)
    gap = await call.services.gaps.compare(query, goal.place, call.asker.user_id)
    status = GoalStatus(goal, (_counted(call, goal, gap),), query.builds)
    if not status.to_go:
        return cards.already_reached(status)
    others = [user_id for user_id in gap.lack if not call.asker.is_(user_id)]
    able = await call.services.gaps.able(query.app, others)
    saved = await call.services.goals.start(call.asker, call.entrypoint, status)
    return cards.started(replace(status, goal=saved), len(able), len(others) - len(able))


def _counted(call: CommandContext, goal: Goal, gap: DownloadGap) -> GoalSample:
    """Return the first count. Raises UserInputError if there are too few people for a goal."""
    total = len(gap.have) + len(gap.lack)
    place = verbatim(goal.place_name) if goal.group_id else Text("the channel")
    if not total:
        raise UserInputError(Text("I can't see the email of any person in {place}.", place=place))
    if goal.people > total:
        many = Counted(
            "I can count only {number} person in {place}.",
            "I can count only {number} people in {place}.",
            total,
            place=place,
        )
        raise UserInputError(many, Text("Use a smaller number, or `90%`."))
    return GoalSample(call.now, len(gap.have), total, len(gap.unknown))


async def _people(call: CommandContext, typed: str) -> tuple[str, str, str]:
    """Return the typed user group with its name, or the typed channel."""
    if typed.partition("|")[0].rstrip(">") in [each.rstrip(">") for each in EVERYONE]:
        return "", _channel(call), ""
    if channel := references.channel(typed):
        return "", channel, ""
    if typed.startswith(("#", "<@", "<!")) and not references.group(typed):
        references.place(typed)
    marked = references.group_and_handle(typed)
    try:
        handles = await call.services.channels.group_handles()
    except SlackError:
        if not marked:
            raise
        handles = {}
    if marked:  # whether it exists is checked when its people are counted
        return marked[0], "", f"@{handles.get(marked[0]) or marked[1] or marked[0]}"
    group_id = mentions.named(typed, handles)
    return group_id, "", f"@{handles[group_id]}"


# ------------------------------------------------------------------ the buttons


@button("goal.who.v1", need=Role.MANAGER, act=gettext_noop("see who is missing"))
async def who(call: CommandContext, value: str) -> Message:
    """*Who is missing*: visible only to the manager who clicks."""
    goal = await _goal(call, value)
    app = await call.app(goal.app_id)
    builds = await call.services.reports.builds(app, goal.build_ref)
    _gap, names = await names_of(call, about(ReportQuery(app, "", tz=call.asker.tz), builds), goal.place)
    return names


@button("goal.stop.v1", need=Role.MANAGER, act=STOP)
async def stop(call: CommandContext, value: str) -> Message:
    """*Stop goal*, for any manager of its app."""
    goal = await _managed(call, value)
    if not await call.services.goals.stop(call.asker, call.entrypoint, goal):
        raise _ended()
    return cards.stopped(goal)


@button("undo.goal.v1", need=Role.MANAGER, replaces_message=True)
async def undo(call: CommandContext, value: str) -> Message:
    """*Undo* below a goal that was stopped."""
    goal = await call.services.goals.resume(call.asker, call.entrypoint, await _managed(call, value))
    if goal is None:
        raise _ended()
    return cards.resumed(goal)


@button("goal.asks.v1", need=Role.MANAGER, replaces_message=True)
async def asking(call: CommandContext, value: str) -> Message:
    """*Don't ask people* and *Ask people*."""
    wanted = GoalValue.parse(value)
    goal = await _managed(call, str(wanted.number or ""))
    changed = await call.services.goals.set_asking(call.asker, call.entrypoint, goal, asks=wanted.asks)
    if changed is None:
        raise _ended()
    return cards.asking(changed)


async def _goal(call: CommandContext, value: str) -> Goal:
    number = GoalValue.parse(value).number
    goal = None if number is None else await call.services.goals.find(number)
    if goal is None:
        raise _ended()
    return goal


async def _managed(call: CommandContext, value: str) -> Goal:
    """Return a goal of an app that the user manages. Raises PermissionDenied."""
    goal = await _goal(call, value)
    app = App(goal.app_id, goal.app_id, goal.app_name)
    access.require(call.asker.role_for(app.id), Role.MANAGER, app, act=call.act)
    return goal


def _ended() -> UserInputError:
    return UserInputError(Text("That goal has already ended."), commands=SEE_ALL)


# ------------------------------------------------------------------ the form


@button("goal.new.v1", need=Role.MANAGER)
async def new(call: CommandContext, value: str) -> Modal:
    """*New goal* below the list."""
    apps = await call.apps()
    return await _form(call, apps[0] if len(apps) == 1 else None)


async def _form(
    call: CommandContext,
    app: App | None,
    sentence: GoalSentence | None = None,
    query: ReportQuery | None = None,
    *,
    asks: bool = True,
) -> Modal:
    """Return the form, filled in with the typed words; `query` has the named builds."""
    _channel(call)
    sentence = sentence or GoalSentence()
    shares = {share: format_percent(int(share)) for share in SHARES}
    if sentence.people:
        share = f"{sentence.people} people"
        shares[share] = ngettext("{number} person", "{number} people", sentence.people)
    else:
        share = str(sentence.percent or FORM_SHARE)
        shares.setdefault(share, format_percent(int(share)))
    times = {value: _(label) for label, value in TIMES}
    when = sentence.when or FORM_TIME
    times.setdefault(when, when)
    requests = {YES_WORD: _("Ask people"), NO_WORD: _("Don't ask people")}
    only = blocks.option(app.name, app.id) if app else None
    which = blocks.option(query.what, which_of(query.builds)) if query else None
    return Modal(
        "goal.v1",
        _("New goal"),
        (
            blocks.external_select(_("App"), "goal.app", hint=_("Type to find an app"), chosen=only),
            blocks.external_select(
                _("Version"), "goal.version", hint=_("The latest version"), chosen=which, optional=True
            ),
            blocks.external_select(_("People"), "goal.place", hint=_("A user group or this channel")),
            _select(_("Percentage"), "goal.share", shares, share),
            _select(_("Deadline"), "goal.by", times, when),
            _select(_("Private requests"), "goal.ask", requests, YES_WORD if asks else NO_WORD),
        ),
        submit=_("Set goal"),
        private_metadata=app.id if app else "",
    )


def _select(label: str, name: str, choices: dict[str, str], chosen: str) -> Block:
    """Return a select of choices, by value, of which one is chosen."""
    options_by_value = {value: blocks.option(shown, value) for value, shown in choices.items()}
    return blocks.static_select(label, name, [*options_by_value.values()], chosen=options_by_value[chosen])


@form("goal.v1", need=Role.MANAGER)
async def submitted(call: CommandContext, typed: dict[str, str]) -> Message:
    """Start the goal of the form."""
    words = [typed.get("goal.app", ""), typed.get("goal.version", "")]
    query = await call.services.gaps.of_builds(await report_query.of(call, [word for word in words if word], []))
    share = typed.get("goal.share", FORM_SHARE)
    share = share if share.endswith("people") else f"{share}%"
    sentence = goal_sentence.parse("", of=typed.get("goal.place", ""), by=typed.get("goal.by", ""), share=share)
    return await start(call, query, sentence, asks=_asks(typed.get("goal.ask")))


@options("goal.app", need=Role.MANAGER)
async def apps(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the apps whose name matches the text typed so far."""
    return await get.apps(call, typed, chosen)


@options("goal.version", need=Role.MANAGER)
async def versions(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the versions of the chosen app, newest first."""
    return await reports.versions(call, typed, {**chosen, "downloads.app": chosen.get("goal.app", "")})


@options("goal.place", need=Role.MANAGER)
async def places(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return this channel and the user groups whose handle matches the text typed so far."""
    found: Sequence[Option] = [
        blocks.option(f"@{handle}", f"<!subteam^{group_id}>")
        for group_id, handle in sorted((await call.services.channels.group_handles()).items(), key=lambda each: each[1])
        if lookup.has(f"@{handle}", typed)
    ]
    here = [blocks.option(_("Everyone in this channel"), f"<#{_channel(call)}>")] if not typed else []
    return [*here, *found][: blocks.OPTIONS]
