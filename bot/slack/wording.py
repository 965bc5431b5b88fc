"""Text for Slack: made inert, kept short without being torn, times and sizes as people say them; pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from bot.domain.expiry import is_today
from bot.domain.periods import zone
from bot.language import figure, say


def escape(text: object) -> str:
    """Make text from outside inert in mrkdwn: no mention, no link, no control characters, one space for any blank.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return _visible(str(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _visible(text: str) -> str:
    return _CONTROLS.sub(" ", _TURNS_AROUND.sub("", text))


# Control characters but for the line break, and halves of a character (Unicode's categories Cc and Cs)
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Marks that force a direction turn our own words around too. https://unicode.org/reports/tr9/
_TURNS_AROUND = re.compile("[\u202a-\u202e\u2066-\u2069]")


def inline(text: object, limit: int = 200) -> str:
    """Escaped text on one line, without mrkdwn's own marks, cut to `limit` characters before escaping."""
    words = " ".join(_visible(str(text)).split())
    for mark in "*_~`":
        words = words.replace(mark, _LOOKALIKE[mark])
    return escape(cut(words, limit))


def code(text: object, limit: int = 200) -> str:
    """Text from outside exactly as it is, on one line, where mrkdwn formats nothing; cut to `limit`."""
    words = " ".join(_visible(str(text)).split())
    return f"`{escape(cut(words.replace('`', _LOOKALIKE['`']), limit))}`" if words else ""


# Slack has no way to escape its formatting marks, so they are shown by characters that look the same.
_LOOKALIKE = {"*": "∗", "_": "＿", "~": "∼", "`": "ˋ"}


def plain(text: object, limit: int) -> str:
    """Text for a plain_text element: one line, cut to `limit`."""
    return cut(" ".join(_visible(str(text)).split()) or "–", limit)


def cut(text: str, limit: int) -> str:
    """The text, or its start with an ellipsis; never inside what one sees as one character, an entity or a link."""
    if len(text) <= limit:
        return text
    end = max(limit - 1, 0)
    while end > 0 and _joined(text, end):
        end -= 1
    return _UNFINISHED.sub("", text[:end]).rstrip() + "…"


_UNFINISHED = re.compile(r"(?:&\w{0,4}|<(?:[!@#][^<>]*|https?:[^<>]*|h?t{0,2}p?s?))\Z")


def _joined(text: str, at: int) -> bool:
    """Whether a person sees the characters on both sides of `at` as one. https://unicode.org/reports/tr29/"""
    before, after = text[at - 1], text[at]
    if after in "\u200c\u200d" or unicodedata.category(after).startswith("M"):
        return True
    if before == "\u200d" or unicodedata.combining(before) == 9:  # 9: a virama, which ties two letters into one
        return True
    if after in _FLAG_HALVES:
        return (at - len(text[:at].rstrip(_FLAG_HALVES))) % 2 == 1
    return bool(_ADDED.match(after))


_FLAG_HALVES = "".join(map(chr, range(0x1F1E6, 0x1F200)))
# skin tones, the letters of Scotland's flag, and the later parts of a Korean syllable
_ADDED = re.compile("[\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\u1160-\u11ff]")


def as_typed(text: str) -> str:
    """A message's text as its writer saw it: Slack's marks for people, channels and links become words again.

    https://docs.slack.dev/messaging/formatting-message-text#parsing
    """
    words = _MARK.sub(lambda found: _unmarked(found[1], found[2]), text)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


_MARK = re.compile(r"<([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")


def _unmarked(meant: str, label: str | None) -> str:
    if meant.startswith("!"):
        return label or f"@{meant[1:].partition('^')[0]}"
    if meant[0] in "@#":
        return f"{meant[0]}{label or meant[1:]}"
    return f"{label} ({meant})" if label and label not in meant else meant


def when(instant: datetime | None, style: str = "{date_short_pretty} {time}") -> str:
    """An instant in each reader's own time zone, with UTC words for clients that cannot."""
    if instant is None:
        return say("at an unknown time")
    return f"<!date^{int(instant.timestamp())}^{style}|{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"


def clock(instant: datetime, now: datetime, tz: str) -> str:
    """A time of day in the reader's zone (`tz`, an IANA name), with its day when that is not today there.

    Slack shows it in the zone of the reader's own device.
    """
    return when(instant, "{time}") if is_today(instant, now, zone(tz)) else when(instant)


def size(count: int | None) -> str:
    """Bytes as people say them: `48.2 MB`."""
    if count is None:
        return say("unknown size")
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{figure(int(amount))} {unit}" if unit == "bytes" else f"{figure(round(amount, 1))} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")
