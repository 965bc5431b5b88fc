"""The ids of each user: in an Enterprise Grid organisation some have two, and Slack uses either."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 50_000


class Identities:
    """The ids of users that this process has seen in their records and requests."""

    def __init__(self) -> None:
        self._ids: dict[str, tuple[str, ...]] = {}
        self._given: dict[str, str] = {}

    def learn(self, ids: Sequence[str], asked: str) -> None:
        """Remember the ids of one user, the one to store first; `asked` is the one that Slack accepted."""
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
        """Use this id of a user in calls to Slack from now on, since their requests have it."""
        if user_id in self._ids:
            self._given[self.stored(user_id)] = user_id

    def all(self, user_id: str) -> tuple[str, ...]:
        """Return every known id of a user, the one to store first."""
        return self._ids.get(user_id, (user_id,))

    def stored(self, user_id: str) -> str:
        """Return the id under which everything about a user is stored."""
        return self.all(user_id)[0]

    def given(self, user_id: str) -> str:
        """Return the id to use in calls to Slack: the one that Slack sent."""
        return self._given.get(self.stored(user_id), user_id)
