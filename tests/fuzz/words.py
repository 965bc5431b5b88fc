"""What is typed: sentences of the real grammar from real names, and the text that breaks things."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

from bot.dispatch.arguments import _strip_optional, option_keys
from bot.dispatch.registry import HandlerKind, Parameter, RegisteredHandler
from bot.dispatch.targets import BuildReference, Rest
from bot.domain.downloads import GroupBy
from bot.domain.model import App
from sandbox.slack import FakeUser
from tests.conftest import Environment
from tests.support.everything import typed

HOSTILE = (
    "", " ", "\t\n", "\x00", "a\x00b", "\ud800", "ok\udfff", "\ufeff", "\u2028", "\u202edenrut\u202c",
    "مرحبا بالعالم", "👩‍👩‍👧‍👦" * 30, "é" * 400, "a" * 3001, "x " * 2000, "𝕏" * 200, "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍" * 20,
    "ﷺ" * 100, "ß", "İ", "¼", "٣", "²", "'; DROP TABLE builds; --", "' OR 1=1 --", "%", "_%", "%s%n%x",
    "{0.__class__}", "${jndi:ldap://x}", "$(id)", "`id`", "<script>alert(1)</script>", "<!channel>", "<!here|here>",
    "<!subteam^S0NOBODY|@qa>", "<!date^1^{date}|x>", "<@U0NOBODY>", "<@U0NOBODY|nobody>", "<@",
    "<#C0NOWHERE|nowhere>", "<https://x.test|*click*>", "&lt;!channel&gt;", "&amp;",
    "*bold* _it_ ~no~ `code` ```block", "> quote", "\\", '"', "“", "”", "«", "'", '"unclosed', '\\"', ":", "::", "a:",
    ":a", "-:", "-", "--", "*", "**", "?", "[", "[a-", "!", "#", "##", "#0", "#-1", "#99999999999999999999", "0",
    "-1", "1e308", "NaN", "inf", "1" * 400, "None", "null", "true", "{}", "[]", "../../etc/passwd", "/", "/v1",
    "a/b/c/d/e/f", "//", "a%2fb", "f" * 24, "0" * 24, "٠" * 24, "ſ" * 24, "http://[::1",
    "https://hooks.slack.com/commands/1/2/3",
)  # fmt: skip
TIMES = (
    "7d", "1d", "0d", "-1d", "99999d", "4h", "30m", "0m", "99999999999h", "friday", "yesterday", "today", "tomorrow",
    "last", "2026-11-01", "2026-02-30", "0001-01-01", "9999-12-31", "99999-01-01", "2026-11-01T10:00", "until",
    "until friday 10:00", "until 25:00", "until 2026-11-01", "tomorrow 8:00", "off", "soon", "monday@09:00",
    "daily@09:00", "weekdays@24:00", "mon,thu@17:30", "daily@", "@", "monday@9", "22:00-08:00", "8-8", "25-1",
    "00:00-24:00",
)  # fmt: skip
OTHERS = (
    "yes", "no", "on", "off", "ios", "android", "IOS", "windows", "auto", "file", "aab", "csv", "json", "compact",
    "full", "version", "uploaded", "processed", "failed", "cert", "feedback", "processed,failed", "all", "day", "os",
    "person", "source", "member", "releaser", "manager", "admin", "king", "Europe/Madrid", "Mars/Phobos", "UTC",
    "release/*", "release/2.4", "rc", "nightly", "eva@acme.test", "crash on login", "menu", "help", "latest",
)  # fmt: skip
DAYS = ("7d", "30d", "friday", "yesterday", "today", "2026-11-01", "2025-01-01")
FITTING = {
    "os": ("ios", "android"), "branch": ("release/*", "main", "*"), "tag": ("rc", "nightly"),
    "version": ("2.4.0", "1.*"), "since": DAYS, "until": DAYS, "by": tuple(GroupBy),
    "type": ("auto", "file", "aab"), "person": ("@ana", "eva@acme.test", "<@U0S000001>"),
    "missing": ("@qa-team", "<!subteam^S0S000001>", "#releases"),
    "every": ("monday@09:00", "daily@17:30", "weekdays@08:00", "mon,thu@10:00"), "quiet": ("yes", "22:00-08:00"),
    "on": ("processed", "failed", "uploaded,processed,failed"), "format": ("compact", "full", "csv"),
    "threads": ("on", "off"), "group": ("version", "off"), "digest": ("daily@09:00", "monday@10:00"),
    "tz": ("Europe/Madrid", "UTC", "Asia/Kathmandu"), "mention": ("@qa-team", "off"),
    "app": ("courier", "driver", "odd-one"), "to": ("<@U0S000002>", "<@U0S000003|guest>"),
}  # fmt: skip
SEPARATORS = (" ", " ", " ", "  ", "\u00a0", "\u200b", "\n", "")


class InputGenerator:
    """Somebody who types, by chance; the same seed types the same in the same world."""

    def __init__(self, world: Environment, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self.known = typed(world)
        self.entries = sorted(
            world.bot.dispatcher.registry.entries.values(), key=lambda entry: (entry.kind.value, entry.name)
        )

    def entries_of(self, kind: HandlerKind) -> list[RegisteredHandler]:
        """What the bot has of a kind."""
        return [entry for entry in self.entries if entry.kind is kind]

    # -------------------------------------------------------------- whole texts

    def text(self) -> str:
        """What somebody types after the slash command."""
        kind = self.chance.random()
        if kind < 0.35:
            words = self.chance.choice(self.known).split(" ")
        elif kind < 0.85:
            words = self.sentence(self.chance.choice(self.entries_of(HandlerKind.COMMAND)))
        elif kind < 0.95:
            words = [self.word() for _ in range(self.chance.randint(0, 8))]
        else:
            return self.hostile()
        if self.chance.random() < 0.3:
            words = self._muddled(words)
        return self.chance.choice(SEPARATORS[:3] if self.chance.random() < 0.9 else SEPARATORS).join(words)

    def sentence(self, entry: RegisteredHandler) -> list[str]:
        """A subcommand with what it takes, each with something that may well be right."""
        words = [entry.name]
        for parameter in entry.parameters:
            if parameter.is_required or self.chance.random() < 0.6:
                words += self._options(parameter) if parameter.is_option else self._plain(parameter)
        return words

    def _plain(self, parameter: Parameter) -> list[str]:
        kind = _strip_optional(parameter.kind)
        if kind is App:
            return [self.app()]
        if kind is BuildReference:
            return self.chance.choice(([self.app()], [self.app(), self.which()], [self.which()], [self.build_id()]))
        if kind is Rest:
            return [self.word() for _ in range(self.chance.randint(1, 4))]
        return [self.chance.choice((self.app, self.who, self.word, self.build_id))()]

    def _options(self, parameter: Parameter) -> list[str]:
        keys = option_keys(parameter)
        return [self.option(self.chance.choice(keys)) for _ in range(self.chance.choice((1, 1, 1, 2, 3)))]

    def option(self, key: str) -> str:
        """`key:value`, quoted when that seems a good idea."""
        kind = self.chance.random()
        value = (
            self.chance.choice(FITTING.get(key, OTHERS))
            if kind < 0.6
            else self.word()
            if kind < 0.9
            else self.hostile()
        )
        if " " in value and self.chance.random() < 0.8:
            first, last = self.chance.choice(('""', "“”", "«»"))
            value = f"{first}{value}{last}"
        return f"{'-' if self.chance.random() < 0.1 else ''}{key}:{value}"

    def _muddled(self, words: list[str]) -> list[str]:
        words = list(words)
        for _ in range(self.chance.randint(1, 3)):
            at = self.chance.randint(0, len(words))
            deed = self.chance.randint(0, 4)
            if deed == 0 or not words:
                words.insert(at, self.hostile())
            elif deed == 1:
                words.insert(at, self.chance.choice(words))
            elif deed == 2:
                words.pop(self.chance.randrange(len(words)))
            elif deed == 3:
                self.chance.shuffle(words)
            else:
                words[self.chance.randrange(len(words))] += self.chance.choice(HOSTILE)
        return words

    # -------------------------------------------------------------- words

    def hostile(self) -> str:
        """Text that breaks things."""
        return self.chance.choice(HOSTILE)

    def word(self) -> str:
        """A word that means something somewhere."""
        kinds: tuple[Callable[[], str], ...] = (
            self.app, self.which, self.build_id, self.who,
            lambda: self.chance.choice(TIMES), lambda: self.chance.choice(OTHERS), self.hostile,
        )  # fmt: skip
        return self.chance.choices(kinds, (4, 3, 1, 3, 5, 5, 1))[0]()

    def app(self) -> str:
        """An app as people name one."""
        app = self.chance.choice(self.world.applivery.apps)
        return self.chance.choice(
            (app.slug, app.slug, app.slug, app.name, app.id, app.id.upper(), "*", "couriér", app.slug[:-1])
        )

    def which(self) -> str:
        """A build of an app as people name one."""
        builds = self.world.applivery.builds
        if not builds:
            return "latest"
        wire = self.chance.choice(builds).wire
        found = re.search(r'"buildNumber": "([^"]*)"', json.dumps(wire))
        number = found[1] if found else "173"
        return str(
            self.chance.choice(("latest", wire.get("versionName") or "1", f"#{number}", "9.9.9", wire.get("id")))
        )

    def build_id(self) -> str:
        """An id of a build, or of none."""
        builds = self.world.applivery.builds
        return self.chance.choice(builds).id if builds and self.chance.random() < 0.8 else "f" * 24

    def who(self) -> str:
        """Somebody, a group or a channel, as Slack writes them into a command."""
        slack, chance = self.world.slack, self.chance
        user, channel = chance.choice(list(slack.users.values())), chance.choice(list(slack.channels.values()))
        group = chance.choice(list(slack.usergroups.values()))
        return chance.choice(
            (
                f"<@{user.id}|{user.handle}>", f"<@{user.id}>", f"@{user.handle}", user.id, user.handle,
                user.email or "",
                f"<!subteam^{group.id}|@{group.handle}>", f"<!subteam^{group.id}>", f"@{group.handle}", group.id,
                f"<#{channel.id}|{channel.name}>", f"<#{channel.id}|>", f"#{channel.name}", channel.id,
            )
        )  # fmt: skip

    def user(self) -> FakeUser:
        """Somebody to do it: an admin mostly, else nothing would ever happen."""
        others = [user for user in self.world.slack.users.values() if not user.bot]
        return self.world.ana if self.chance.random() < 0.6 else self.chance.choice(others)

    # -------------------------------------------------------------- what buttons carry

    def value(self, given: str = "") -> str:
        """What a button of an older version, or somebody who makes one up, might carry."""
        kind = self.chance.randint(0, 5)
        if kind == 0:
            return self.hostile()
        if kind == 1:
            return self.text()
        if kind == 2:
            parts = [
                self.chance.choice((self.app, self.build_id, self.word))() for _ in range(self.chance.randint(1, 5))
            ]
            return self.chance.choice("/ :|").join(parts)
        if kind == 3 and given:
            at = self.chance.randrange(len(given))
            return given[:at] + self.chance.choice(("", "/", " ", self.hostile()[:50])) + given[at + 1 :]
        if kind == 4:
            return str(self.chance.choice((0, 1, 2, -1, 2**31, 2**63, 10**18, 10**30)))
        return f"{given}/{self.word()}" if given else self.word()
