"""What counts as a fault of ours: an error in the log, words without help, a request that hangs, a refusal by Slack."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.i18n import LANGUAGES, _, use_locale
from tests.conftest import Environment
from tests.fuzz.deeds import FuzzEnvironment
from tests.support.seeing import every_message

BUG = "Something went wrong on our side."
# What Slack only says to who sends it nonsense; no fault that is let in says any of these.
NONSENSE = frozenset((
    "invalid_blocks", "invalid_blocks_format", "invalid_arguments", "invalid_json", "json_not_object",
    "invalid_post_type", "no_text", "msg_too_long", "msg_blocks_too_long", "too_many_attachments",
    "metadata_too_large", "invalid_metadata_format", "unknown_method", "not_authed", "invalid_form_data",
    "invalid_array_arg", "invalid_charset", "missing_charset", "invalid_payload",
))  # fmt: skip
MEANT = ("announce.set_aside",)  # errors that are Slack's, for whoever is on call
OURS = re.compile(r'File "[^"]*?/(bot/[^"]+)", line (\d+), in (\w+)')


@dataclass(frozen=True)
class FuzzFailure:
    """One fault: what it is, by which two of a kind are known, and all there is to say about it."""

    kind: str
    about: str = field(compare=False)


@dataclass
class Oracle:
    """Reads what has happened since it looked last."""

    world: Environment
    log: io.StringIO
    calls: int = 0
    uses: int = 0
    messages: set[tuple[str, str]] = field(default_factory=set)

    def findings(self, scene: FuzzEnvironment, *, trouble: bool) -> Iterator[FuzzFailure]:
        """What is wrong now; with `trouble` let in by us, some things may go unanswered."""
        yield from self._logged(trouble)
        yield from self._refused()
        yield from self._unhelpful()
        for what, turn in scene.turns:
            if not turn.acked and turn.payload:  # without one, the app is told nothing
                yield FuzzFailure(f"{turn.kind} was not acknowledged: {turn.error}", what)
            elif turn.kind == "command" and not trouble and not (turn.answers or turn.views or self._direct(turn.user)):
                yield FuzzFailure("a command without an answer", what)
        for what, status in scene.statuses:
            if status >= 500 and not (trouble and status in (502, 503, 504)):
                yield FuzzFailure(f"HTTP {status}", what)
        scene.turns.clear()
        scene.statuses.clear()

    def _logged(self, trouble: bool) -> Iterator[FuzzFailure]:
        lines, _ = self.log.getvalue().splitlines(), self.log.seek(0)
        self.log.truncate()
        for line in lines:
            try:
                said = json.loads(line)
            except ValueError:
                yield FuzzFailure("a log line that is no JSON", line[:2000])
                continue
            if said["level"] in ("error", "critical") and said["event"] not in MEANT:
                frames = OURS.findall(said.get("exception", ""))
                where = ":".join(frames[-1]) if frames else ""
                if where.startswith("sandbox/applivery/"):
                    continue  # of a build that we spoiled there; to the bot it is one more answer that fails
                kind = f"{said['event'].splitlines()[0]} {said.get('error', '')} {where}"
                yield FuzzFailure(kind[:300], said.get("exception") or line[:3000])
            elif said.get("problem") in ("RequestRefused", "Unreadable") and not trouble:
                yield FuzzFailure(f"Applivery was asked nonsense: {said.get('cause')}", line)

    def _refused(self) -> Iterator[FuzzFailure]:
        calls, uses = self.world.slack.calls, self.world.slack.responses.uses
        for call in calls[self.calls :]:
            error = str((call.answer or {}).get("error", ""))
            if error in NONSENSE:
                yield FuzzFailure(f"{call.method}: {error}", f"{call.answer} to {json.dumps(call.args)[:3000]}")
        for _url, body, status in uses[self.uses :]:
            if status == 400:
                yield FuzzFailure("response_url: 400", json.dumps(body)[:3000])
        self.calls, self.uses = len(calls), len(uses)

    def _unhelpful(self) -> Iterator[FuzzFailure]:
        for message in every_message(self.world.slack):
            key = (message.channel, f"{message.ts} {message.edited_ts}")
            if key not in self.messages and any(bug in message.text for bug in _in_each_language(BUG)):
                yield FuzzFailure("somebody was told that something went wrong", message.text)
            self.messages.add(key)

    def _direct(self, user: str) -> bool:
        """Whether somebody was told something in their direct messages instead."""
        place = next((channel.id for channel in self.world.slack.channels.values() if channel.im_user == user), "")
        return any(message.bot_id for message in self.world.slack.mailbox.by_channel.get(place, []))


def leaks(world: Environment) -> Iterator[FuzzFailure]:
    """Tokens that everybody can read: whatever was typed, none may be said in a channel."""
    tokens = [token.token for token in world.applivery.minted]
    for message in every_message(world.slack):
        if not message.ephemeral_to and not world.slack.channels[message.channel].is_im:
            text = json.dumps(message.saved(), default=str)
            yield from (FuzzFailure("a token in a channel", text[:3000]) for token in tokens if token in text)


def _in_each_language(sentence: str) -> Iterator[str]:
    for language in LANGUAGES:
        with use_locale(language):
            yield _(sentence)
