"""Bisects: the build to test next, and the two builds between which a bug was introduced; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from msgspec import Struct

from bot.domain.forges import ComparePage, compare_page
from bot.domain.model import Actor, App, Build, BuildSource, Stage
from bot.domain.states import BisectionState, BisectVerdict, Judgement

RESULT = ""  # a step that is the result
MOST_BUILDS = 1000  # builds from the good to the bad one
PATIENCE = timedelta(days=14)  # without a vote, after which a bisect expires


class BisectedBuild(Struct, frozen=True):
    """The fields of a build that a bisect stores: its name and its commit."""

    id: str
    version: str = ""
    number: str = ""
    commit: str = ""
    repository: str = ""

    @classmethod
    def of(cls, build: Build) -> BisectedBuild:
        """Return the stored fields of a build."""
        origin = build.origin
        return cls(build.id, build.version, build.number, origin.commit or "", origin.repository or "")


class Vote(Struct, frozen=True):
    """A tester's verdict on a build; a later one of the same tester replaces it."""

    build_id: str
    user_id: str
    verdict: BisectVerdict


class Tally(Struct, frozen=True):
    """The number of votes for each verdict on a build."""

    good: int = 0
    bad: int = 0
    unclear: int = 0

    @property
    def judgement(self) -> Judgement:
        """Return the verdict of the majority, also after one clear vote; a tie of good and bad is contested."""
        if self.good != self.bad:
            return Judgement.GOOD if self.good > self.bad else Judgement.BAD
        if self.unclear > self.good:
            return Judgement.UNCLEAR
        return Judgement.CONTESTED if self.good else Judgement.OPEN


@dataclass(frozen=True, slots=True)
class Bisection:
    """A bisect in a channel; times are aware UTC.

    `builds` are from the good build to the bad one, oldest first. `steps` are the ids of builds that testers were asked
    about, and `RESULT`. `gone` are the ids of builds that were deleted in Applivery. `thread_ts` is the thread where it
    was started; None means that its first message begins the thread, or, in direct messages, that there is none.
    """

    id: int
    team_id: str
    channel_id: str
    thread_ts: str | None
    app: App
    platform: str
    builds: tuple[BisectedBuild, ...]
    steps: tuple[str, ...]
    gone: frozenset[str]
    state: BisectionState
    version: int
    created_by: str
    created_at: datetime
    votes: tuple[Vote, ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls, builds: Sequence[Build], actor: Actor, channel_id: str, thread_ts: str | None, now: datetime
    ) -> Bisection:
        """Return a bisect that is not stored yet; `builds` are from the good to the bad one."""
        bad = builds[-1]
        return cls(
            0,
            actor.team_id,
            channel_id,
            thread_ts,
            bad.app,
            bad.platform,
            tuple(map(BisectedBuild.of, builds)),
            (),
            frozenset(),
            BisectionState.RUNNING,
            0,
            actor.user_id,
            now,
        )

    def facts_of(self, build_id: str) -> BisectedBuild:
        """Return the stored fields of one of the builds. Raises KeyError for another."""
        return {build.id: build for build in self.builds}[build_id]

    def build(self, build_id: str) -> Build:
        """Return one of the builds, with the fields for its name. Raises KeyError for another."""
        kept = self.facts_of(build_id)
        origin = BuildSource(commit=kept.commit or None, repository=kept.repository or None)
        return Build(
            kept.id,
            self.app,
            Stage.READY,
            version=kept.version,
            number=kept.number,
            platform=self.platform,
            origin=origin,
        )

    def compare_page(self, good_id: str, bad_id: str) -> ComparePage | None:
        """Return the page with the commits after one build up to another; None if there is no such page."""
        good, bad = self.facts_of(good_id), self.facts_of(bad_id)
        repositories = {build.repository for build in (good, bad)} - {""}
        if len(repositories) != 1 or good.commit == bad.commit:
            return None
        return compare_page(repositories.pop(), good.commit, bad.commit)

    def tally(self, build_id: str) -> Tally:
        """Return the votes on a build."""
        said = [vote.verdict for vote in self.votes if vote.build_id == build_id]
        return Tally(said.count(BisectVerdict.GOOD), said.count(BisectVerdict.BAD), said.count(BisectVerdict.UNCLEAR))

    def with_vote(self, vote: Vote) -> Bisection:
        """Return the bisect with a vote, which replaces an earlier one of that tester on that build."""
        others = (each for each in self.votes if (each.build_id, each.user_id) != (vote.build_id, vote.user_id))
        return replace(self, votes=(*others, vote))

    def without(self, build_ids: Iterable[str]) -> Bisection:
        """Return the bisect with these builds marked as deleted."""
        return replace(self, gone=self.gone.union(build_ids))


class BisectionRange(Struct, frozen=True):
    """The progress of a bisect: the last good and the first bad build, by id, and the builds in between.

    `left` can still be tested, `untested` cannot; oldest first. `ask` is the build to test next; None if the result
    can't be narrowed further.
    """

    good: str
    bad: str
    left: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()
    ask: str | None = None

    @property
    def steps_left(self) -> int:
        """Return how many builds have to be tested at most, if all of them can be tested."""
        return len(self.left).bit_length()


def narrowed(bisection: Bisection, recalled: Collection[str] = ()) -> BisectionRange:
    """Return the range that the votes leave; `recalled` has the ids of builds that are not available now.

    A good build after a bad one counts, since the last introduction of the bug is searched. A contested build is tested
    again before any other.
    """
    ids = [build.id for build in bisection.builds]
    word = {build_id: bisection.tally(build_id).judgement for build_id in ids[1:-1]}
    good = max((at for at, build_id in enumerate(ids) if word.get(build_id) is Judgement.GOOD), default=0)
    bad = next(
        (at for at in range(good + 1, len(ids) - 1) if word[ids[at]] is Judgement.BAD),
        len(ids) - 1,
    )
    left: list[str] = []
    untested: list[str] = []
    for build_id in ids[good + 1 : bad]:
        lost = build_id in bisection.gone or build_id in recalled or word[build_id] is Judgement.UNCLEAR
        (untested if lost else left).append(build_id)
    contested = [build_id for build_id in left if word[build_id] is Judgement.CONTESTED]
    asked = contested or left
    return BisectionRange(ids[good], ids[bad], tuple(left), tuple(untested), asked[len(asked) // 2] if asked else None)
