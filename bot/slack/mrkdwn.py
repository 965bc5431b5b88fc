"""Prepare text for Slack: escape it, truncate it at visible characters, format times and sizes; pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from bot.domain.time_zones import is_today, zone
from bot.i18n import _, localize
from bot.i18n.units import format_size
from bot.i18n.verbatim import CLOSE, OPEN, unmarked, verbatim
from bot.i18n.verbatim import code as as_code


def escape(text: object) -> str:
    """Make text from outside harmless in mrkdwn: no mention, no link, no control characters.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return strip_invisible(localize(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def strip_invisible(text: str) -> str:
    """Return the text without control characters and marks that change the direction of the text around it."""
    return text if text.isprintable() else _CONTROLS.sub(" ", _TURNS_AROUND.sub("", text))


# Control characters but for the line break, and halves of a character (Unicode's categories Cc and Cs)
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Marks that force a text direction would affect our own words too. https://unicode.org/reports/tr9/
_TURNS_AROUND = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BLANKS = re.compile("[\\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _single_line(text: object) -> str:
    """Return text from outside on one line, otherwise unchanged; empty if none of it is visible."""
    words = localize(text)
    if not words.isprintable():  # most texts are printable, and contain nothing to replace
        words = _BLANKS.sub(_replace_blank, _TURNS_AROUND.sub("", unmarked(words)))
    return words if words.strip() else ""


def _replace_blank(match: re.Match[str]) -> str:
    return " " if _BREAK.search(match[0]) else match[0]


def escape_inline(text: object, limit: int = 200) -> str:
    """Return text from outside on one line, truncated to `limit`, then escaped and marked for `markup`."""
    return escape(verbatim(truncate(_single_line(text), limit)))


def code(text: object, limit: int = 200) -> str:
    """Return the same as code, with any characters; empty when none is visible."""
    words = truncate(_single_line(text), limit)
    return escape(as_code(words)) if words else ""


def plain_text(text: object, limit: int) -> str:
    """Return text for a plain_text element: one line, truncated to `limit`."""
    return truncate(_single_line(text) or "–", limit)


def truncate(text: str, limit: int) -> str:
    """Return the text, or its start with an ellipsis; never cut inside a visible character, an entity or a link."""
    if len(text) <= limit:
        return text
    short = _truncate(text, limit)
    if short.rfind(OPEN) > short.rfind(CLOSE):
        short = f"{_truncate(text, limit - 1)[:-1]}{CLOSE}…"
    return short


def _truncate(text: str, limit: int) -> str:
    end = max(limit - 1, 0)
    while end > 0 and _is_one_glyph(text, end):
        end -= 1
    return _UNFINISHED.sub("", text[:end]).rstrip() + "…"


def split_lines(text: str, limit: int) -> list[str]:
    """Return the text in pieces of whole lines; a line that is too long is truncated."""
    found: list[str] = []
    for line in text.split("\n") if text else ():
        if found and len(found[-1]) + 1 + len(line) <= limit:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return [truncate(piece, limit) for piece in found]


_UNFINISHED = re.compile(r"(?:&\w{0,4}|<(?:[!@#][^<>]*|https?:[^<>]*|h?t{0,2}p?s?))\Z")


def _is_one_glyph(text: str, at: int) -> bool:
    """Return whether the characters on both sides of `at` are seen as one. https://unicode.org/reports/tr29/"""
    before, after = text[at - 1], text[at]
    if after in "\u200c\u200d" or unicodedata.category(after).startswith("M"):
        return True
    if before == "\u200d" or unicodedata.combining(before) == 9:  # 9: a virama, which joins two characters into one
        return True
    if after in _FLAG_HALVES:
        return (at - len(text[:at].rstrip(_FLAG_HALVES))) % 2 == 1
    return bool(_ADDED.match(after))


_FLAG_HALVES = "".join(map(chr, range(0x1F1E6, 0x1F200)))
# skin tones, the letters of Scotland's flag, and the later parts of a Korean syllable
_ADDED = re.compile("[\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\u1160-\u11ff]")


def unescape(text: str) -> str:
    """Return a message's text as its writer saw it, with Slack's marks for people, channels and links as words.

    https://docs.slack.dev/messaging/formatting-message-text#parsing
    """
    words = _MARK.sub(lambda match: _replace_mark(match[1], match[2]), text)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


_MARK = re.compile(r"<([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")


def _replace_mark(meant: str, label: str | None) -> str:
    if meant.startswith("!"):
        return label or f"@{meant[1:].partition('^')[0]}"
    if meant[0] in "@#":
        return f"{meant[0]}{label or meant[1:]}"
    return f"{label} ({meant})" if label and label not in meant else meant


def date_tag(instant: datetime | None, style: str = "{date_short_pretty} {time}") -> str:
    """Return an instant in each reader's own time zone, with a fallback in UTC for clients without date formatting."""
    if instant is None:
        return _("at an unknown time")
    return f"<!date^{int(instant.timestamp())}^{style}|{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"


def time_tag(instant: datetime, now: datetime, tz: str) -> str:
    """Return a time of day in the reader's zone (`tz`, an IANA name), with its day when that is not today there.

    Slack shows it in the zone of the reader's own device.
    """
    return date_tag(instant, "{time}") if is_today(instant, now, zone(tz)) else date_tag(instant)


def size(count: int | None) -> str:
    """Format a number of bytes: `48.2 MB`."""
    return _("unknown size") if count is None else format_size(count)
