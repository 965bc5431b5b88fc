"""What is new in a build: its whole changelog, and the changes since the user's build; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.domain import build_labels, changelogs
from bot.domain.model import Build, Recall, Stage
from bot.i18n import _
from bot.slack import blocks, markdown
from bot.slack.blocks import Block, Message
from bot.slack.blocks.paging import PagedItems, page_buttons
from bot.slack.mrkdwn import date_tag, escape_inline
from bot.slack.views.builds import build_value, changelog, facts, get_button, news_button, state, title

if TYPE_CHECKING:
    from bot.domain.changes_since import ChangesSince

ROOM = 12  # units of a page: a paragraph of the changelog takes three, a build in between one
MORE = "more.news.v1"


def news(
    build: Build, missed: ChangesSince | None, recalls: Mapping[str, Recall], dashboard: str, number: int = 0
) -> Message:
    """Return a page of what is new in a build; `missed` is set if the user has an earlier one.

    `recalls` are by build id.
    """
    pages = _pages(build, missed, recalls)
    number = max(0, min(number, len(pages) - 1))
    head, recall = _("What's new in {build}", build=title(build)), recalls.get(build.id)
    which = _("({part} of {parts})", part=number + 1, parts=len(pages)) if len(pages) > 1 else ""
    top = f"*{head}* {which}".rstrip()
    body: list[Block] = [blocks.section(top + (f"\n{state(build, recall)}" if recall else ""))]
    if missed:
        had = _name(missed.build)
        head = _("What's new in {build} since {earlier}, which you have", build=title(build), earlier=had)
        body.append(
            blocks.context(_("Since {earlier}, which you got {when}", earlier=had, when=date_tag(missed.got_at)))
        )
    body += [block for block, _ in pages[number]]
    get = [get_button(build)] if build.stage is Stage.READY and recall is None else []
    body.append(blocks.actions(*get, blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard")))
    part: PagedItems[Block] = PagedItems((), number, number, number + 1 < len(pages))
    text = " ".join(words for _, words in pages[number])
    return Message(f"{head} {which}".rstrip() + f": {text}", (*body, *page_buttons(part, MORE, build_value(build))))


def _pages(build: Build, missed: ChangesSince | None, recalls: Mapping[str, Recall]) -> list[list[tuple[Block, str]]]:
    """Return the pages: the changelog and the builds in between, as blocks and as plain text."""
    pages: list[list[tuple[Block, str]]] = [[]]
    semaphore = ROOM
    between = [(_between(each_build, recalls), 1) for each_build in (missed.between if missed else ())]
    for piece, takes in [*((piece, 3) for piece in _changelog(build)), *between]:
        if takes > semaphore:
            pages.append([])
            semaphore = ROOM
        semaphore -= takes
        pages[-1].append(piece)
    return pages


def _changelog(build: Build) -> list[tuple[Block, str]]:
    """Return the whole changelog in paragraphs; if there is none, the known facts."""
    if not build.changelog.strip():
        unwritten = _("No changelog.")
        return [(blocks.section(unwritten, fields=_facts(build)), unwritten)]
    return markdown.formatted(build.changelog)


def _between(build: Build, recalls: Mapping[str, Recall]) -> tuple[Block, str]:
    taken = f" · {state(build, recalls[build.id])}" if build.id in recalls else ""
    text = changelog(build, changelogs.START) or _short(build)
    cut_short = len(build.changelog.strip()) > changelogs.START
    line = f"*{_name(build)}* · {date_tag(build.created_at)}{taken}\n{text}"
    return blocks.section(line, accessory=news_button(build) if cut_short else None), f"{_name(build)}: {_short(build)}"


def _name(build: Build) -> str:
    return escape_inline(build_labels.label(build), 140)


def _short(build: Build) -> str:
    """Return what is new in a build in one line: its changelog, else its commit message."""
    text = build.changelog.strip() or (build.origin.commit_message or "").strip()
    return escape_inline(text, changelogs.START) or _("_no changelog_")


def _facts(build: Build) -> list[str]:
    """Return the facts to show without a changelog: the whole commit message, and the source."""
    message = (build.origin.commit_message or "").strip()
    found = facts(build, commit=not message)
    if message:
        commit = f"{escape_inline((build.origin.commit or '')[:10], 10)} {escape_inline(message, 1000)}".strip()
        found.insert(0, _("*Commit* {commit}", commit=commit))
    return found
