"""The ids of each user: some in an Enterprise Grid organisation have two, and Slack uses now the one, now the other."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 50_000


class Identities:
    """What this process has learned of users' ids, from their records and from their requests."""

    def __init__(self) -> None:
        self._ids: dict[str, tuple[str, ...]] = {}
        self._given: dict[str, str] = {}

    def learn(self, ids: Sequence[str], asked: str) -> None:
        """Remember that these ids are one user's, the first being the one to store; `asked` is the one Slack knew."""
        if len(self._ids) > MOST:
            self._ids.clear()
            self._given.clear()
        every = tuple(dict.fromkeys((*ids, *self._ids.get(ids[0], ()), asked)))
        self._ids.update(dict.fromkeys(every, every))
        self._given.setdefault(every[0], asked)

    def is_known(self, user_id: str) -> bool:
        """Return whether this user's record was read."""
        return user_id in self._ids

    def use(self, user_id: str) -> None:
        """Call Slack with this id of a user from now on: they act with it."""
        if user_id in self._ids:
            self._given[self.stored(user_id)] = user_id

    def all(self, user_id: str) -> tuple[str, ...]:
        """Return every known id of a user, the one to store first."""
        return self._ids.get(user_id, (user_id,))

    def stored(self, user_id: str) -> str:
        """Return the id under which everything about a user is stored."""
        return self.all(user_id)[0]

    def given(self, user_id: str) -> str:
        """Return the id by which to call Slack: the one that Slack gave."""
        return self._given.get(self.stored(user_id), user_id)
