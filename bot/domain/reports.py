"""A report about downloads: all a card or a digest says, so that whoever words it need ask nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from bot.domain.downloads import By, Counts, Summary, adoption, masked


@dataclass(frozen=True, slots=True)
class Before:
    """The same counts of the period before; `words` name it."""

    recorded: int
    crowd: int
    words: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was asked, and the answer.

    `what` and `span` say back what was asked, `typed` is how to ask it again (a command's words). `crowd` is the number
    of distinct people; `summary.people` are as many of them as the reader may see. `newest` is the app's newest ready
    version, None when the report is about one build. `links` were asked for in Slack, `remembered` the days our own
    ledger reaches back when the period is longer than that. `stretch` is the period's first and last day, `late` when
    a digest was due that is sent late. `language` is the one its words are in.
    """

    what: str
    span: str
    tz: str
    by: By
    summary: Summary
    crowd: int
    adoption: Counts = ()
    before: Before | None = None
    newest: str | None = None
    links: int | None = None
    remembered: int | None = None
    typed: str = ""
    late: datetime | None = None
    stretch: tuple[date, date] | None = None
    language: str = ""

    @property
    def named(self) -> bool:
        """Whether the reader sees who they are."""
        return bool(self.summary.people)

    @property
    def on_newest(self) -> int:
        """How many people's latest download is the newest version."""
        return dict(self.adoption).get(self.newest or "", 0)

    def without_names(self) -> Report:
        """The same for everybody: counts, and nobody in particular."""
        return replace(self, summary=replace(self.summary, people=()))

    def shared(self, home: str | None) -> Report:
        """The same for several managers: e-mails are gone, and where one stands for a name it is whole only when it
        is of the domain `home`."""
        people = tuple(
            replace(one, email=None, name=masked(one.name, home) if "@" in one.name else one.name)
            for one in self.summary.people
        )
        return replace(self, summary=replace(self.summary, people=people))

    def cut(self, most: int) -> Report:
        """The same with so many people at most."""
        return replace(self, summary=replace(self.summary, people=self.summary.people[:most]))


def report(what: str, span: str, summary: Summary, *, tz: str, by: By = By.PERSON) -> Report:
    """The report of a summary, before anything is compared with it."""
    return Report(what, span, tz, by, summary, len(summary.people), adoption(summary.people))
