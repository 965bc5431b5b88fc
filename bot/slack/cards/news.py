"""The card of what is new in a build: its whole changelog, and what came since the one somebody has; pure."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain import changelogs, choice
from bot.domain.model import Build, Recall, Stage
from bot.domain.news import Since
from bot.language import count, say
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.cards.builds import changelog, facts, get_button, state, title
from bot.slack.wording import inline, when

IN_BETWEEN = 8  # builds
SECTION = 2900  # characters, after escaping
LINE = 500  # characters before escaping, which makes five of an ampersand
SECTIONS = 4  # of the changelog: with what came in between, what one message holds


def news(build: Build, missed: Since | None, recalls: Mapping[str, Recall], dashboard: str) -> Message:
    """All that is new in a build; `missed` when the asker has an earlier one, `recalls` by build id."""
    head, recall = say("What's new in {build}", build=title(build)), recalls.get(build.id)
    body: list[Block] = [blocks.section(f"*{head}*" + (f"\n{state(build, recall)}" if recall else ""))]
    if missed:
        had = _name(missed.build)
        head = say("What's new in {build} since {earlier}, which you got", build=title(build), earlier=had)
        body.append(blocks.context(say("since {earlier}, which you got {when}", earlier=had, when=when(missed.got_at))))
    written = _quoted(build.changelog)
    if written:
        body += [blocks.section(piece) for piece in written[:SECTIONS]]
        body += [blocks.context(say("The rest is in Applivery."))] if len(written) > SECTIONS else []
    else:
        unwritten = say("Nobody wrote down what is new in it. What is known:")
        body.append(blocks.section(unwritten, fields=_facts(build)))
    if missed and missed.between:
        body += _in_between(missed.between, recalls)
    get = [get_button(build)] if build.stage is Stage.READY and recall is None else []
    body.append(blocks.actions(*get, blocks.link_button(say("Open in Applivery"), dashboard, "open.dashboard")))
    said = inline(build.changelog, 2000) or say("nobody wrote it down.")
    more = "".join(f" {_name(one)}: {_short(one)}" for one in (missed.between if missed else ())[:IN_BETWEEN])
    return Message(f"{head}: {said}{more}", tuple(body))


def _in_between(between: tuple[Build, ...], recalls: Mapping[str, Recall]) -> list[Block]:
    body: list[Block] = [blocks.divider()]
    for one in between[:IN_BETWEEN]:
        taken = f" · {state(one, recalls[one.id])}" if one.id in recalls else ""
        told = changelog(one, changelogs.START) or _short(one)
        body.append(blocks.section(f"*{_name(one)}* · {when(one.created_at)}{taken}\n{told}"))
    if (left := len(between) - IN_BETWEEN) > 0:
        body.append(blocks.context(_more(left)))
    return body


def _more(left: int) -> str:
    return count("… and {number} more build in between.", "… and {number} more builds in between.", left)


def _name(build: Build) -> str:
    return inline(choice.label(build), 140)


def _short(build: Build) -> str:
    """What is new in a build in one line: as somebody wrote it, else as its commit says."""
    text = build.changelog.strip() or (build.origin.commit_message or "").strip()
    return inline(text, changelogs.START) or say("_nobody wrote down what is new in it_")


def _facts(build: Build) -> list[str]:
    """What tells most where nothing was written: the whole commit message, and where it came from."""
    message = (build.origin.commit_message or "").strip()
    found = facts(build, commit=not message)
    if message:
        commit = f"{inline((build.origin.commit or '')[:10], 10)} {inline(message, 1000)}".strip()
        found.insert(0, say("*Commit* {commit}", commit=commit))
    return found


def _quoted(text: str) -> list[str]:
    """A changelog as quotations of a section each, none of its lines lost."""
    found: list[str] = []
    for line in text.strip().splitlines():
        for part in [line[at : at + LINE] for at in range(0, len(line), LINE)] or [""]:
            quoted = f">{inline(part, LINE)}"
            if found and len(found[-1]) + 1 + len(quoted) <= SECTION:
                found[-1] += f"\n{quoted}"
            else:
                found.append(quoted)
    return found
