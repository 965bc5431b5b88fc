"""A report about downloads: all that a card or a scheduled report shows, so that views need no requests."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.adoption import Adoption
from bot.domain.downloads import Counts, DownloadSummary, GroupBy, PersonRow, masked, versions_now


class PreviousPeriod(Struct, frozen=True):
    """The same counts of the period before; `words` name it."""

    recorded: int
    crowd: int
    words: str


class DownloadReport(Struct, frozen=True):
    """What was asked, and the answer.

    `what` and `span` repeat what was asked, `typed` is the command that asks it again. `crowd` is the number of
    distinct people; `summary.people` are as many of them as the reader may see, `versions_now` how many of all are on
    which version, `adopted` how many have the newest (None when the report is about one build). `links` were requested
    in Slack, `remembered` the days our own audit log reaches back when the period is longer than that. `stretch` is the
    period's first and last day, `late` when a report was due that is sent late. `language` is the one its texts are in.
    """

    what: str
    span: str
    tz: str
    by: GroupBy
    summary: DownloadSummary
    crowd: int
    versions_now: Counts = ()
    before: PreviousPeriod | None = None
    adopted: Adoption | None = None
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

    def without_names(self) -> DownloadReport:
        """Return the same without names: counts only."""
        return replace(self, summary=replace(self.summary, people=()))

    def shared(self, home: str | None) -> DownloadReport:
        """Return the report for several managers: emails are left out except where one replaces a name or
        distinguishes two of one name, and there it is whole only for the domain `home`.
        """
        alike = self.alike()
        people = tuple(
            replace(
                row,
                name=masked(row.name, home) if "@" in row.name else row.name,
                emails=tuple(masked(email, home) for email in row.emails[:1] if named(row) in alike),
            )
            for row in self.summary.people
        )
        return replace(self, summary=replace(self.summary, people=people))

    def alike(self) -> frozenset[str]:
        """Return the names, as `named` gives them, that several people have."""
        counts = Counter(map(named, self.summary.people))
        return frozenset(name for name, number in counts.items() if number > 1)

    def labels(self) -> list[str]:
        """Return a label for each of the people: the email is added to a name that several have."""
        alike = self.alike()
        return [
            f"{row.name} ({row.emails[0]})" if row.emails and named(row) in alike else row.name
            for row in self.summary.people
        ]

    def cut(self, most: int) -> DownloadReport:
        """Return the same with so many people at most."""
        return replace(self, summary=replace(self.summary, people=self.summary.people[:most]))


def named(person: PersonRow) -> str:
    """Return a name as the eye compares it."""
    return " ".join(person.name.split()).casefold()


def report(what: str, span: str, summary: DownloadSummary, *, tz: str, by: GroupBy = GroupBy.PERSON) -> DownloadReport:
    """Return the report of a summary, before anything is compared with it."""
    return DownloadReport(what, span, tz, by, summary, len(summary.people), versions_now(summary.people))
