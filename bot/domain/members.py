"""Assign rows of downloads to users, and separate users from anonymous members, for all reports."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bot.domain.model import Member, MemberDownloads

Share = TypeVar("Share")


def mailbox(email: str) -> str:
    """Return a normalised email address for comparison: case, surrounding blanks and Unicode forms do not matter."""
    return unicodedata.normalize("NFC", email.strip().casefold())


@dataclass(slots=True, eq=False)
class IdentifiedPerson(Generic[Share]):
    """A user with all their email addresses and ids, and their share of the collected data.

    `kind`, `id` and `name` are the first ones seen; `emails` are as Applivery writes them, by their normalised form.
    """

    kind: str
    share: Share
    id: str | None = None
    name: str | None = None
    emails: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    @property
    def called(self) -> str:
        """Their name, or else their email address; empty if only an id is known."""
        return self.name or next(iter(self.emails.values()), "")

    def learn(self, kind: str, id_: str | None, name: str | None, emails: Mapping[str, str]) -> None:
        """Add the data of a later row."""
        self.kind, self.id, self.name = self.kind or kind, self.id or id_, self.name or name
        for compared, written in emails.items():
            self.emails.setdefault(compared, written)


class PersonGrouping(Generic[Share]):
    """Collect a share of data for each user, and one for each anonymous member type.

    A user has an email address or an id; `member.type` is ignored, since it is optional and may be `unknown`. Rows with
    the same address or id belong to one user, in any order. `join` adds the second share to the first.
    """

    def __init__(self, new: Callable[[], Share], join: Callable[[Share, Share], None]) -> None:
        self._new = new
        self._join = join
        self._known: dict[str, IdentifiedPerson[Share]] = {}
        self.anonymous: dict[str, Share] = {}

    def share(self, member: Member) -> Share:
        """Return the share of this member's person, or of its anonymous type."""
        emails = {compared: member.email} if member.email and (compared := mailbox(member.email)) else {}
        keys = [*map(_by_mail, emails), *([_by_id(member.id)] if member.id else [])]
        if not keys:
            if member.kind not in self.anonymous:
                self.anonymous[member.kind] = self._new()
            return self.anonymous[member.kind]
        person = self._person(keys, member.kind)
        person.learn(member.kind, member.id, member.name, emails)
        return person.share

    def absorb(self, other: PersonGrouping[Share]) -> None:
        """Take over the data of another grouping, which must not be used afterwards."""
        for more in other.people():
            person = self._person(more.keys, more.kind)
            person.learn(more.kind, more.id, more.name, more.emails)
            self._join(person.share, more.share)
        for kind, share in other.anonymous.items():
            if kind in self.anonymous:
                self._join(self.anonymous[kind], share)
            else:
                self.anonymous[kind] = share

    def people(self) -> Iterable[IdentifiedPerson[Share]]:
        """Return all people in the order in which they were first seen."""
        return dict.fromkeys(self._known.values())

    def who(self, member: Member) -> IdentifiedPerson[Share] | None:
        """Return the person of a member; None for an anonymous member and for one without rows."""
        by_mail = self._known.get(_by_mail(mailbox(member.email))) if member.email else None
        return by_mail or (self._known.get(_by_id(member.id)) if member.id else None)

    def _person(self, keys: Iterable[str], kind: str) -> IdentifiedPerson[Share]:
        """Return the user with any of these keys, and assign all of the keys to them; several users are merged."""
        several = list(dict.fromkeys(self._known[key] for key in keys if key in self._known))
        person = several[0] if several else IdentifiedPerson(kind, self._new())
        for other in several[1:]:
            person = self._one(person, other)
        person.keys.update(keys)
        self._known.update(dict.fromkeys(keys, person))
        return person

    def _one(self, person: IdentifiedPerson[Share], other: IdentifiedPerson[Share]) -> IdentifiedPerson[Share]:
        large, small = (
            (person, other) if len(person.keys) >= len(other.keys) else (other, person)
        )  # so that fewer keys have to be reassigned
        large.learn(small.kind, small.id, small.name, small.emails)
        self._join(large.share, small.share)
        large.keys |= small.keys
        self._known.update(dict.fromkeys(small.keys, large))
        return large


class MemberDirectory:
    """Collect rows and identify the users in them."""

    def __init__(self) -> None:
        self.found: PersonGrouping[None] = PersonGrouping(lambda: None, lambda _, __: None)

    def add(self, row: MemberDownloads) -> None:
        """Add a row."""
        self.found.share(row.member)


def _by_id(member_id: str) -> str:
    return f"id:{member_id.casefold()}"


def _by_mail(compared: str) -> str:
    return f"mail:{compared}"
