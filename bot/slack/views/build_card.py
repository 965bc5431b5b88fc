"""The shape of a build's card: title, two lines of changelog, one line of facts, a button and a ⋯ menu; pure.

It is laid out for a phone, where a line has room for `WIDTH` digits and a pane for four cards of this shape.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from urllib.parse import SplitResult, urlsplit

from slack_sdk.models.blocks import ButtonElement, OverflowMenuElement

from bot.domain.model import Build
from bot.i18n import _
from bot.i18n.verbatim import unmarked
from bot.slack import blocks, mrkdwn
from bot.slack.blocks import Block
from bot.slack.mrkdwn import date_tag, escape_inline, unescape

WIDTH = 35  # digits in a line on a phone
SMALL_WIDTH = 44  # digits in a line of small print on a phone
ROWS = 4  # rows of title, changelog and facts together
NOTES = 2  # rows of the changelog
LINK = 600  # characters of an address
RECENT = timedelta(hours=12)  # for builds this recent the time of day is enough


def card(
    head: str,
    build: Build,
    buttons: Sequence[ButtonElement | OverflowMenuElement | None],
    now: datetime | None = None,
    *,
    lines: Sequence[str] = (),
) -> list[Block]:
    """Return a build's card below this title (mrkdwn): the changelog or other `lines`, the facts, and these buttons.

    The time of a build that is old at `now` has its day.
    """
    small = small_line([build], now)
    room = ROWS - rows(head) - rows(small, SMALL_WIDTH)
    lines = lines or notes(build, min(NOTES, max(room, 1 if rows(head) < ROWS - 1 else 0)))
    facts = [blocks.context(small)] if small else []
    return [blocks.section("\n".join([head, *lines])), *facts, blocks.actions(*buttons)]


def notes(build: Build, room: int = NOTES) -> list[str]:
    """Return the start of the changelog, or else of the commit subject, escaped, in at most `room` rows."""
    text = build.changelog.strip() or (build.origin.commit_message or "").strip().partition("\n")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found: list[str] = []
    while lines and room > 0:
        shown = fit(lines.pop(0), room)
        room -= rows(shown)
        found.append(f"{shown} …" if lines and room <= 0 and not shown.endswith("…") else shown)
    return found


def fit(text: str, room: int) -> str:
    """Return as much of a text as fits into `room` rows, on one line, escaped."""
    limit = min(len(text), 2 * room * WIDTH)
    if rows(escape_inline(text, limit)) > room:
        limit = bisect_right(range(limit), room, key=lambda length: rows(escape_inline(text, length))) - 1
    return escape_inline(text, limit)


def small_line(builds: Sequence[Build], now: datetime | None = None) -> str:
    """Return the known facts of a version's builds: `main · e2be26e · 18.6 MB · Build Robot · 12:19 PM · CI`."""
    build = builds[0]
    parts = [
        _branch(build),
        escape_inline(build.origin.commit[:7], 7) if build.origin.commit else "",
        _size(build) if len(builds) == 1 else "",
        escape_inline(build.uploader, 60) if build.uploader else "",
        _time(build.created_at, now) if build.created_at else "",
        *dict.fromkeys(_link(each_build.origin.url, _("CI")) for each_build in builds),
    ]
    return " · ".join(filter(None, parts))


def few_facts(build: Build) -> str:
    """Return the facts for the compact format: `main · 18.6 MB · CI`."""
    return " · ".join(filter(None, [_branch(build), _size(build), _link(build.origin.url, _("CI"))]))


def _branch(build: Build) -> str:
    return escape_inline(build.origin.branch, 60) if build.origin.branch else ""


def _size(build: Build) -> str:
    return "" if build.size is None else mrkdwn.size(build.size)


def _time(at: datetime, now: datetime | None) -> str:
    return recent_time(at, now or at) or date_tag(at)


def recent_time(at: datetime, now: datetime) -> str:
    """Return the time of day of a recent instant; empty for an older one, which needs the day."""
    return date_tag(at, "{time}") if abs(now - at) < RECENT else ""


def ci_button(build: Build) -> ButtonElement | None:
    """Return the button that opens the CI run of a build; None if it has no usable address."""
    url = build.origin.url
    if not url or not _link(url, "CI"):
        return None
    return blocks.link_button(_("CI run"), url, "open.ci")


def rows(text: str, width: int = WIDTH) -> int:
    """Return about how many lines a text takes on a phone."""
    seen = unmarked(unescape(_MARK.sub(_replace_mark, text)))
    return sum(ceil(sum(map(_columns, line)) / width) for line in seen.split("\n") if line)


# A mention, link or date, which `rows` measures as it is shown.
# https://docs.slack.dev/messaging/formatting-message-text
_MARK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_TIMES = {"{time}": "12:59 PM"}


def _replace_mark(match: re.Match[str]) -> str:
    if match[1].startswith("!date^"):
        return _TIMES.get(match[1].split("^")[2], "Nov 30, 2026 12:59 PM")
    return match[2] or "@a-user-group"


def _columns(character: str) -> float:
    """Return the width of a character in digits, in the fonts of Slack's apps."""
    if character in _NARROW:
        return 0.5
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1.25 if character.isupper() else 1


_NARROW = frozenset(" .,:;·|!'\"()[]/-ijlrtfI")


def _link(url: str | None, words: str) -> str:
    """Return an address as a mrkdwn link, if possible.

    https://docs.slack.dev/messaging/formatting-message-text#links
    """
    if not url or _parts(url).scheme not in ("http", "https"):
        return ""
    if len(url) > LINK or any(character in url for character in "<>| ") or not url.isprintable():
        return ""
    return f"<{url.replace('&', '&amp;')}|{escape_inline(words, 60)}>"


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
