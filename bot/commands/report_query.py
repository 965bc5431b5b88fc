"""Parse what was typed, or the value of a button, into the query of a download report."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.dispatch.arguments import bind
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import HandlerKind
from bot.dispatch.targets import BuildReference
from bot.domain import grammar, references
from bot.domain.downloads import GroupBy
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.lookup import LATEST
from bot.domain.model import App, Build
from bot.domain.timeparse.period import Period
from bot.exceptions import NotFoundByName, UserInputError
from bot.i18n import Text
from bot.services import report_query
from bot.services.reports import ReportQuery
from bot.slack.blocks import FileAttachment

_MAIL = re.compile(r"<mailto:[^|>]*\|([^>]*)>|([^\s<>|]+@[^\s<>|]+)")


async def question(
    call: CommandContext,
    target: BuildReference | None,
    *,
    since: Period | None = None,
    by: GroupBy | None = None,
    person: str | None = None,
) -> ReportQuery:
    """Return the query for typed arguments.

    Raises AmbiguousInput, NotFoundByName, UserInputError, PermissionDenied and the errors of Applivery's responses.
    """
    if person and by is GroupBy.FAILURE:
        raise UserInputError(Text("Failed installs are counted without names."), Text("Remove `person:`."))
    target = target or BuildReference(await call.only_app(None))
    app, builds = await _meant(call, target)
    email = await _email(call, person) if person else None
    query = ReportQuery(app, "", (), since, by or GroupBy.PERSON, email, call.asker.tz)
    return report_query.about(query, builds)


async def named(call: CommandContext, text: str) -> ReportQuery:
    """Return the query for a typed app, with or without builds. Raises as `question` does."""
    entry = call.registry.get(HandlerKind.COMMAND, "downloads")
    assert entry is not None
    arguments = await bind(entry, call, grammar.read(text))
    return await question(call, arguments.get("target"))


async def again(call: CommandContext, typed: str) -> ReportQuery:
    """Return the query of a button; the user is authorised as for a typed command."""
    words = grammar.parse(typed)
    return await of(call, words.plain, [(option.key, option.value) for option in words.options])


async def of(call: CommandContext, plain: Sequence[str], options: Sequence[tuple[str, str]]) -> ReportQuery:
    """Return the query for plain words and options."""
    entry = call.registry.get(HandlerKind.COMMAND, "downloads")
    assert entry is not None
    kept = tuple(KeyValue(key, value) for key, value in options if key in ("since", "until", "by", "person"))
    arguments = await bind(entry, call, ParsedText(tuple(plain), kept))
    return await question(call, arguments.pop("target", None), **arguments)


async def _meant(call: CommandContext, target: BuildReference) -> tuple[App, tuple[Build, ...]]:
    try:
        if target.app is None and target.which != LATEST:
            build = (await target.resolve(call)).build
            return build.app, (build,)
        app = await target.resolve_app(call)
        return app, await call.services.reports.builds(app, target.which)
    except NotFoundByName as error:
        # reports are about versions and builds, not branches
        error.choices = tuple(choice for choice in error.choices if not choice[1].startswith("branch:"))
        if not error.choices:
            error.next_step = Text("Use a version, `#number`, `latest` or `all`.")
        raise


async def _email(call: CommandContext, person: str) -> str:
    """Return the email of a user typed as an address or a mention."""
    if mentioned := references.person(person):
        email = (await call.services.access.person(mentioned)).email
        if not email:
            await call.services.installation.require_scope("users:read.email")
            raise UserInputError(
                Text("I can't see that person's email in Slack."),
                Text("Type the email address instead: `person:ana@acme.com`."),
            )
        return email
    match = _MAIL.fullmatch(person)
    if not match:
        raise UserInputError(
            Text("I couldn't find “{typed}”.", typed=person[:60]),
            Text("Type `person:@` and pick someone, or an email: `person:ana@acme.com`."),
        )
    return match[1] or match[2]


async def as_file(call: CommandContext, query: ReportQuery) -> tuple[FileAttachment, int, int]:
    """Return the downloads as a CSV file, their number, and how many more Applivery counts."""
    locale = await call.services.access.locale(call.asker.user_id)
    content, lines, unlisted = await report_query.write_csv(call.services.reports, query, locale)
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"downloads-{query.app.slug}-{call.now:%Y-%m-%d}")
    return FileAttachment(f"{name}.csv", content), lines, 0 if query.period else unlisted
