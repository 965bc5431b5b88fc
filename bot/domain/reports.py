"""Download reports: all data that a card or a scheduled report shows, so that views need no requests."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.adoption import Adoption
from bot.domain.downloads import Counts, DownloadSummary, GroupBy, PersonRow, masked, versions_now


class PreviousPeriod(Struct, frozen=True):
    """The counts of the previous period, which `words` name."""

    recorded: int
    crowd: int
    words: str


class DownloadReport(Struct, frozen=True):
    """A download report.

    `what` and `span` describe the query, `typed` is its command. `crowd` is the number of distinct people;
    `summary.people` are those whom the reader may see, `versions_now` is the number of people by version, `adopted` how
    many have the newest (None if the report is about one build). `links` is how many were requested in Slack,
    `remembered` the days of our audit log if the period is longer. `stretch` is the period's first and last day, `late`
    when the report was due, if it is sent late. `language` is that of its texts.
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
        """Whether the report contains names."""
        return bool(self.summary.people)

    def without_names(self) -> DownloadReport:
        """Return the report with counts only."""
        return replace(self, summary=replace(self.summary, people=()))

    def shared(self, home: str | None) -> DownloadReport:
        """Return the report for several managers, with fewer emails.

        An email stays only if it replaces a name or distinguishes two people of one name, and whole only for the domain
        `home`.
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
        """Return the names (by `named`) that several people have."""
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
        """Return the report with at most so many people."""
        return replace(self, summary=replace(self.summary, people=self.summary.people[:most]))


def named(person: PersonRow) -> str:
    """Return the normalised name of a person, for comparison."""
    return " ".join(person.name.split()).casefold()


def report(what: str, span: str, summary: DownloadSummary, *, tz: str, by: GroupBy = GroupBy.PERSON) -> DownloadReport:
    """Return the report of a summary, without comparisons."""
    return DownloadReport(what, span, tz, by, summary, len(summary.people), versions_now(summary.people))
