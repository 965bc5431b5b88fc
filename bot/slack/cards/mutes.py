"""Cards about mutes: for how long, what happens then, and the way back; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.model import Subscription
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.wording import inline, when

NAMED = 5
HERE = "here"  # everything this channel hears of
CHOICES = (("1 hour", "1h"), ("4 hours", "4h"), ("Until tomorrow 09:00", "tomorrow 09:00"), ("Unmute", "off"))


def choices(found: Sequence[Subscription], target: str, now: datetime) -> Message:
    """For how long? `target` goes along with each button."""
    text = f"For how long shall I say nothing about {names(found)} in <#{found[0].channel_id}>?"
    quiet = [(one, one.muted_until) for one in found if one.muted_until and one.muted_until > now]
    muted = names([one for one, _ in quiet])
    note = f" Muted until {when(max(until for _, until in quiet))}: {muted}." if quiet else ""
    which = [
        blocks.button(label, f"muted.v1#{number}", f"{typed}/{target}", says=f"{label}: {_plain(found)}")
        for number, (label, typed) in enumerate(CHOICES)
    ]
    return Message(f"{text}{note}", (blocks.section(f"{text}{note}"), blocks.actions(*which)))


def muted(found: Sequence[Subscription], until: datetime, target: str, left_out: Sequence[Subscription]) -> Message:
    """Until when nothing is said, and what happens then."""
    text = (
        f"🔕 Muted until {when(until)}: {names(found)} in <#{found[0].channel_id}>. "
        f"What comes meanwhile is told {_then(found)}.{_every(found, target)}{_left(left_out)}"
    )
    off = blocks.button("Unmute", "muted.v1#off", f"off/{target}", says=f"Unmute {_plain(found)}")
    return Message(text, (blocks.section(text), blocks.actions(off)))


def unmuted(found: Sequence[Subscription], left_out: Sequence[Subscription]) -> Message:
    """It is told again, from now on."""
    text = f"🔔 Unmuted: {names(found)} in <#{found[0].channel_id}>. What was kept back comes now.{_left(left_out)}"
    return Message(text)


def not_muted(found: Sequence[Subscription]) -> Message:
    """There was nothing to take back."""
    return Message(f"Nothing of that was muted: <#{found[0].channel_id}> hears of {names(found)}.")


def names(found: Sequence[Subscription]) -> str:
    """The apps, each once, as part of a sentence."""
    every = list(dict.fromkeys(inline(one.app_name, 80) for one in found))
    if len(every) > NAMED:
        return f"{', '.join(every[:NAMED])} and {len(every) - NAMED} more"
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


def _plain(found: Sequence[Subscription]) -> str:
    return ", ".join(dict.fromkeys(one.app_name for one in found))


def _then(found: Sequence[Subscription]) -> str:
    if all(one.manner.digest for one in found):
        return "in the first digest after that"
    return "then, in one message" if len(found) == 1 else "then, in one message for each of them"


def _every(found: Sequence[Subscription], target: str) -> str:
    """Somebody meant one app, and the channel hears of it through its subscription to all."""
    everything = any(one.app_id is None for one in found) and "/" not in target and target != HERE
    return " This channel hears of it as one of every app, so that is muted too." if everything else ""


def _left(left_out: Sequence[Subscription]) -> str:
    return f" You may not mute {names(left_out)}." if left_out else ""
