"""The card of what is new in a build: its whole changelog, and what came since the one somebody has; pure."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain import changelogs, choice
from bot.domain.model import Build, Recall, Stage
from bot.domain.news import Since
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
    head, recall = f"What's new in {title(build)}", recalls.get(build.id)
    body: list[Block] = [blocks.section(f"*{head}*" + (f"\n{state(build, recall)}" if recall else ""))]
    if missed:
        head += f" since {_name(missed.build)}, which you got"
        body.append(blocks.context(f"since {_name(missed.build)}, which you got {when(missed.got_at)}"))
    written = _quoted(build.changelog)
    if written:
        body += [blocks.section(piece) for piece in written[:SECTIONS]]
        body += [blocks.context("The rest is in Applivery.")] if len(written) > SECTIONS else []
    else:
        body.append(blocks.section("Nobody wrote down what is new in it. What is known:", fields=_facts(build)))
    if missed and missed.between:
        body += _in_between(missed.between, recalls)
    get = [get_button(build)] if build.stage is Stage.READY and recall is None else []
    body.append(blocks.actions(*get, blocks.link_button("Open in Applivery", dashboard, "open.dashboard")))
    said = inline(build.changelog, 2000) or "nobody wrote it down."
    more = "".join(f" {_name(one)}: {_short(one)}" for one in (missed.between if missed else ())[:IN_BETWEEN])
    return Message(f"{head}: {said}{more}", tuple(body))


def _in_between(between: tuple[Build, ...], recalls: Mapping[str, Recall]) -> list[Block]:
    body: list[Block] = [blocks.divider()]
    for one in between[:IN_BETWEEN]:
        taken = f" · {state(one, recalls[one.id])}" if one.id in recalls else ""
        told = changelog(one, changelogs.START) or _short(one)
        body.append(blocks.section(f"*{_name(one)}* · {when(one.created_at)}{taken}\n{told}"))
    if (left := len(between) - IN_BETWEEN) > 0:
        body.append(blocks.context(f"… and {left} more build{'s' * (left > 1)} in between."))
    return body


def _name(build: Build) -> str:
    return inline(choice.label(build), 140)


def _short(build: Build) -> str:
    """What is new in a build in one line: as somebody wrote it, else as its commit says."""
    text = build.changelog.strip() or (build.origin.commit_message or "").strip()
    return inline(text, changelogs.START) or "_nobody wrote down what is new in it_"


def _facts(build: Build) -> list[str]:
    """What tells most where nothing was written: the whole commit message, and where it came from."""
    message = (build.origin.commit_message or "").strip()
    found = [line for line in facts(build) if not (message and line.startswith("*Commit*"))]
    commit = f" {inline(build.origin.commit[:10], 10)}" if build.origin.commit else ""
    return [*([f"*Commit*{commit} {inline(message, 1000)}"] if message else []), *found]


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
