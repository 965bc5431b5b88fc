"""From what was typed, or what a button carries, to the question of a download summary; and its answer as a file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace

from bot.domain import grammar, periods
from bot.domain.downloads import By
from bot.domain.grammar import Option, Words
from bot.domain.model import App, Build, MemberDownloads
from bot.domain.periods import Period
from bot.errors import BadInput, NotFoundByName
from bot.language import say
from bot.slack.binding import bind
from bot.slack.blocks import File
from bot.slack.cards import builds as buildcards
from bot.slack.command import Call, Kind, Target
from bot.slack.reporting import Question
from bot.slack.sheets import Sheet, separator_of

_PERSON = re.compile(r"<@([UW][A-Za-z0-9_]+)(?:\|[^>]*)?>")
_MAIL = re.compile(r"<mailto:[^|>]*\|([^>]*)>|([^\s<>|]+@[^\s<>|]+)")
COLUMNS = ("name", "email", "member", "at", "version", "platform", "os", "device", "source")


async def question(
    call: Call,
    target: Target | None,
    *,
    since: Period | None = None,
    by: By | None = None,
    person: str | None = None,
) -> Question:
    """What is asked about. Raises Ambiguous, NotFoundByName, BadInput, Denied and what Applivery's answers mean."""
    target = target or Target(await call.the_app(None))
    app, builds = await _meant(call, target)
    email = await _email(call, person) if person else None
    asked = Question(app, "", (), since, by or By.PERSON, email, call.asker.tz)
    return about(asked, builds)


def about(asked: Question, builds: tuple[Build, ...]) -> Question:
    """The same question about these builds (none: the whole app), with the words for it in the language spoken now."""
    app = asked.app
    which = builds[0].id if len(builds) == 1 else builds[0].version if builds else "all"
    options = [*(periods.typed(asked.period) if asked.period else ())]
    options += [("by", asked.by.value)] if asked.by is not By.PERSON else []
    options += [("person", asked.email)] if asked.email else []
    typed = grammar.explain(Words((app.id, which), tuple(Option(key, value) for key, value in options)))
    what = _what(app, builds)
    if asked.email:
        what = say("{what} by {person}", what=what, person=asked.email)
    return replace(asked, builds=builds, what=what, typed=typed)


async def again(call: Call, typed: str) -> Question:
    """The question a button carries; whoever clicks is checked as if they had typed it."""
    words = grammar.parse(typed)
    return await of(call, words.plain, [(one.key, one.value) for one in words.options])


async def of(call: Call, plain: Sequence[str], options: Sequence[tuple[str, str]]) -> Question:
    """The question of some words and options."""
    entry = call.house.registry.get(Kind.COMMAND, "downloads")
    assert entry is not None
    kept = tuple(Option(key, value) for key, value in options if key in ("since", "until", "by", "person"))
    arguments = await bind(entry, call, Words(tuple(plain), kept))
    return await question(call, arguments.pop("target", None), **arguments)


async def _meant(call: Call, target: Target) -> tuple[App, tuple[Build, ...]]:
    try:
        if target.app is None:
            found = (await target.build(call)).build
            return found.app, (found,)
        return target.app, await call.house.reporting.builds(target.app, target.which)
    except NotFoundByName as error:
        error.next_step = error.next_step or say("Give a version, `#number`, `latest` or `all`.")
        raise


def _what(app: App, builds: tuple[Build, ...]) -> str:
    """What it is about, in plain words."""
    if len(builds) == 1:
        return buildcards.plain_title(builds[0])
    return f"{app.name} {builds[0].version}" if builds else app.name


async def _email(call: Call, person: str) -> str:
    """The e-mail of somebody typed as an address or a mention."""
    if mention := _PERSON.fullmatch(person):
        email = (await call.house.people.person(mention[1])).email
        if not email:
            raise BadInput(say("Slack does not tell me that person's e-mail."), say("Type it: `person:ana@acme.com`."))
        return email
    found = _MAIL.fullmatch(person)
    if not found:
        raise BadInput(
            say("“{typed}” is no e-mail and no person.", typed=person[:60]),
            say("Type `person:@` and pick them, or `person:ana@acme.com`."),
        )
    return found[1] or found[2]


# ------------------------------------------------------------------ as a file


class _Lines:
    """The lines of a CSV file: one for each download, times in the zone `tz`."""

    def __init__(self, tz: str, separator: str) -> None:
        self._zone = periods.zone(tz)
        self.sheet = Sheet(separator)

    def add(self, row: MemberDownloads) -> None:
        """Take the next row."""
        member = row.member
        for one in row.downloads:
            at = one.at.astimezone(self._zone).isoformat(timespec="seconds") if one.at else None
            what = (one.version, one.platform, one.os, one.device, one.source)
            self.sheet.line(member.name, member.email, member.kind, at, *what)


async def sheet(call: Call, asked: Question) -> tuple[File, int]:
    """Each download as a line of a CSV file, and how many there are."""
    separator = await asyncio.to_thread(separator_of, await call.house.people.locale(call.asker.user_id))
    found = await call.house.reporting.fold(asked, asked.period, lambda: _Lines(asked.tz, separator))
    header = Sheet(separator)
    header.line(*COLUMNS)
    content = header.file(*(lines.sheet for lines in found))
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"downloads-{asked.app.slug}-{call.now:%Y-%m-%d}")
    return File(f"{name}.csv", content), sum(lines.sheet.lines for lines in found)
