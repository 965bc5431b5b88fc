"""Resolve Slack users to Actors with roles; Slack's records are cached for five minutes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec.structs import replace

from bot import i18n as languages
from bot.db import access as stored_access
from bot.db.database import Database
from bot.domain import access, colleagues
from bot.domain.access import ONLY_MEMBERS, RoleGrant, SlackPerson
from bot.domain.colleagues import ColleagueRule, Home
from bot.domain.model import Actor, Outsider, Role, is_person
from bot.domain.states import PauseReason
from bot.exceptions import (
    ChannelUnavailable,
    FeatureOff,
    PermissionDenied,
    PermissionUnverified,
    SlackError,
    SlackRateLimited,
    SlackSilent,
)
from bot.i18n import ENGLISH, Text, joined
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.slack.client import SlackClient, read_boolean
from bot.slack.errors import NO_GROUP
from bot.timeouts import person_waits

log = logger(__name__)

REMEMBER_SECONDS = 300.0
# The maximum age of a user's cached record while Slack's rate limit is exceeded.
STALE_SECONDS = 3600.0
LANGUAGE_SECONDS = 2.0  # timeout of looking up a user's locale
ANEW_SECONDS = 1.0  # concurrent work shares one request
MOST = 10_000
AT_ONCE = 8  # concurrent requests about users
INCOMPLETE = "incomplete_user"  # the bot's own code for a record that does not identify a user
MOST_UNKNOWN = 100  # members of a user group that are looked up because they may be another id of the requester
# Errors for a user that the bot cannot see, of another organisation.
# https://docs.slack.dev/reference/methods/users.info#errors
HIDDEN = ("user_not_found", "user_not_visible", INCOMPLETE)
# Slackbot and the sender of system notices: Slack does not mark them as bots
SLACKBOTS = ("USLACKBOT", "USLACK")
# Errors that mean that the user does not exist. https://docs.slack.dev/reference/methods/users.info#errors
NOT_THERE = ("user_not_found", "user_not_visible", "users_not_found")

UNSEEN = Text("Slack doesn't show me who you are.")

Fact = TypeVar("Fact")


class CachedAnswer(NamedTuple, Generic[Fact]):
    """A cached result, or the request in progress; `previous` is the last result, `at` the time of the request."""

    expires_at: float
    answer: asyncio.Future[Fact]
    is_for_user: bool
    at: float
    previous: CachedAnswer[Fact] | None = None


class TtlCache(Generic[Fact]):
    """A cache of requests, each result kept for `seconds`; concurrent callers share one request.

    While Slack's rate limit is exceeded, a result is used for `stale` seconds.
    """

    def __init__(
        self,
        ask: Callable[[str], Awaitable[Fact]],
        clock: Callable[[], float],
        seconds: float = REMEMBER_SECONDS,
        stale: float = STALE_SECONDS,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._seconds = seconds
        self._stale = stale
        self._entries: dict[str, CachedAnswer[Fact]] = {}

    async def get(self, key: str) -> Fact:
        """Return the result for `key`; a failed request is repeated by the next caller."""
        known = self._entries.get(key)
        if known is None or self._is_expired(known):
            self._entries.pop(key, None)
            self._evict()
            known = self._entries[key] = self._fetch(key, known)  # last, as the oldest come first
        if known.answer.done():
            return known.answer.result()
        try:
            # shielded: a cancelled caller must not cancel the look-up of another
            return await asyncio.shield(known.answer)
        except SlackRateLimited:
            if known.previous is None or known.previous.at + self._stale <= self._clock():
                raise
            return known.previous.answer.result()

    def known(self, key: str) -> Fact | None:
        """Return the result that `get` would return without a request; None when it needs one."""
        known = self._entries.get(key)
        return None if known is None or not known.answer.done() or self._is_expired(known) else known.answer.result()

    def _is_expired(self, known: CachedAnswer[Fact]) -> bool:
        # a worker's request may take longer than a user waits
        impatient = person_waits() and not known.is_for_user and not known.answer.done()
        return known.expires_at <= self._clock() or impatient or _has_failed(known.answer)

    def _fetch(self, key: str, known: CachedAnswer[Fact] | None) -> CachedAnswer[Fact]:
        good = known if known is None or (known.answer.done() and not _has_failed(known.answer)) else known.previous
        # shielded: the finished future holds only the result, not the task with its request's context
        now, answer = self._clock(), asyncio.shield(asyncio.ensure_future(self._ask(key)))
        answer.add_done_callback(_has_failed)  # reads the exception, so that it is not logged when no caller is left
        return CachedAnswer(now + self._seconds, answer, person_waits(), now, good and good._replace(previous=None))

    def _evict(self) -> None:
        """Drop results that are too old, and the oldest of more than `MOST`."""
        too_old = self._clock() - max(self._seconds, self._stale)
        while self._entries:
            key, oldest = next(iter(self._entries.items()))
            if len(self._entries) < MOST and oldest.at > too_old:
                return
            del self._entries[key]

    def anew(self, seconds: float) -> TtlCache[Fact]:
        """Return a cache that makes its own requests, and discards changed results here."""

        async def ask(key: str) -> Fact:
            try:
                fact = await self._ask(key)
            except SlackError as problem:
                if problem.code in (*HIDDEN, *NO_GROUP):
                    self.forget(key)
                raise
            if self.known(key) not in (None, fact):
                self.forget(key)
            return fact

        return TtlCache(ask, self._clock, seconds, stale=0.0)

    def forget(self, key: str) -> None:
        """Discard the result, also of a request in progress, which may be from before the change."""
        self._entries.pop(key, None)


def _has_failed(answer: asyncio.Future[Fact]) -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)


class AccessResolver:
    """Resolve a user and a channel to an Actor, by Slack's own record of the user; fails closed.

    Results are cached for five minutes. With `remembering` (the cached resolver), each is requested again, and a role
    that Slack cannot confirm now raises PermissionUnverified instead of counting as missing.
    """

    def __init__(
        self,
        slack_client: SlackClient,
        store: Database,
        *,
        admins: Collection[str],
        default: Role,
        language: str = ENGLISH,
        clock: Callable[[], float] = time.monotonic,
        rule: ColleagueRule = ColleagueRule.WORKSPACE,
        remembering: AccessResolver | None = None,
    ) -> None:
        self._slack_client = slack_client
        self._store = store
        self._rule = rule
        self._admins = tuple(admins)
        self._default = default
        self._language = language
        self._clock = clock
        self._strict = remembering is not None
        if remembering is None:
            self._people = TtlCache(self._fetch_person, clock)
            self._groups = TtlCache(slack_client.group_members, clock)
        else:
            self._people = remembering._people.anew(ANEW_SECONDS)
            self._groups = remembering._groups.anew(ANEW_SECONDS)

    def uncached(self) -> AccessResolver:
        """Return a resolver for workers, which requests each record from Slack and fails when Slack does not respond.

        Its results update this cache, so that users get the same verdict as their subscriptions.
        """
        return AccessResolver(
            self._slack_client,
            self._store,
            admins=self._admins,
            default=self._default,
            language=self._language,
            clock=self._clock,
            rule=self._rule,
            remembering=self,
        )

    async def resolve_requester(self, user_id: str, channel_id: str | None) -> Actor:
        """Return the requester with their roles; later calls to Slack use the id of this request.

        Raises as `resolve_actor` does.
        """
        try:
            return await self.resolve_actor(user_id, channel_id)
        finally:
            self._slack_client.identities.use(user_id)

    async def resolve_actor(self, user_id: str, channel_id: str | None) -> Actor:
        """Return the user with their roles, regardless of the workspace in the request.

        Raises PermissionDenied for outsiders without a grant, PermissionUnverified when Slack does not respond.
        """
        try:
            home = (await self._slack_client.identity()).team_id
            person = await self._people.get(user_id)
        except SlackError as error:
            if error.code in NOT_THERE:
                raise PermissionDenied(UNSEEN, ONLY_MEMBERS, reason=PauseReason.PERSON) from error
            # its text is about messages, and none was sent
            why = SlackSilent.sentence if isinstance(error, ChannelUnavailable) else error.sentence
            if error.code == INCOMPLETE:
                why = Text("Slack's record of you is incomplete.")
            words = joined(" ", (why, Text("I can't check who you are until that's fixed.")))
            raise PermissionUnverified(words).wait_as(error) from error
        grants = await self._store.cached(stored_access.list_grants, home)
        person = await self._with_every_id(person, grants)
        asker = access.asker_of(person, channel_id, home_team=home, admins=self._admins, default=self._default)
        every = sorted({grant.grantee for grant in grants if grant.grantee.startswith("S")})
        within = await asyncio.gather(*(self._is_in(person, group) for group in every))  # concurrently
        asker = access.with_grants(asker, grants, [group for group, is_in in zip(every, within, strict=True) if is_in])
        access.require_known(asker)
        return asker

    async def _with_every_id(self, person: SlackPerson, grants: Collection[RoleGrant]) -> SlackPerson:
        """Return the user with all ids that settings or grants may use for them."""
        named = {*self._admins, *(grant.grantee for grant in grants if is_person(grant.grantee))}
        if problem := await self._learn_strange(person.ids, named):
            log.warning("people.ids_unknown", code=problem.code, cause=cause(problem))
            if self._strict:
                raise PermissionUnverified from problem
        return replace(person, ids=frozenset(self._slack_client.identities.all(person.user_id)))

    async def workspace_id(self) -> str:
        """Return the id of the workspace the bot is installed in. Raises SlackError."""
        return (await self._slack_client.identity()).team_id

    async def outsider_kind(self, user_id: str) -> Outsider | None:
        """Return a user's kind of outsider; None for a member. Raises UserInputError for bots and former users."""
        person = await self._people.get(user_id)
        access.require_person(person)
        return access.outsider(person, admins=self._admins)

    async def stored_id(self, user_id: str) -> str:
        """Return the id under which a user's data is stored.

        Outside an organisation users have one id, and user groups always do. Raises PermissionUnverified when Slack
        does not respond.
        """
        if not is_person(user_id) or not (await self._slack_client.identity()).enterprise_id:
            return user_id
        try:
            return (await self.person(user_id)).user_id
        except SlackError as error:
            if error.code in NOT_THERE:
                return self._slack_client.identities.stored(user_id)
            raise PermissionUnverified(Text("I can't check who that is right now.")).wait_as(error) from error

    def known_id(self, user_id: str) -> str | None:
        """Return the id under which a user's data is stored; None when the user was not looked up yet."""
        identities = self._slack_client.identities
        return identities.stored(user_id) if identities.is_known(user_id) else None

    async def every_id(self, user_id: str) -> frozenset[str]:
        """Return every id of a user that is known. Raises as `stored_id` does."""
        return frozenset((await self.stored_id(user_id), *self._slack_client.identities.all(user_id)))

    async def display_name(self, user_id: str) -> str:
        """Return a user's name; their id when Slack does not respond."""
        try:
            return (await self._people.get(user_id)).name or user_id
        except SlackError:
            return user_id

    async def person(self, user_id: str) -> SlackPerson:
        """Return Slack's record of a user. Raises SlackError."""
        return await self._people.get(user_id)

    async def require_person(self, user_id: str) -> None:
        """Raise UserInputError for bots and users who have left; not when Slack does not respond."""
        with suppress(SlackError):
            access.require_person(await self.person(user_id))

    async def language(self, user_id: str) -> str:
        """Return a user's language with its catalogue loaded: that of their Slack if supported, else the default."""
        person = self._people.known(user_id)
        if person is None:
            with suppress(SlackError, TimeoutError):
                async with asyncio.timeout(LANGUAGE_SECONDS if person_waits() else None):
                    person = await self.person(user_id)
        spoken = (person and languages.locale_of(person.locale)) or self._language
        if not languages.is_loaded(spoken):
            await asyncio.to_thread(languages.load_locale, spoken)
        return spoken

    async def locale(self, user_id: str) -> str:
        """Return a user's locale (`es-ES`); the default language when Slack has none."""
        try:
            return (await self.person(user_id)).locale or self._language
        except SlackError:
            return self._language

    async def group_members(self, group_id: str) -> frozenset[str]:
        """Return the people of a user group. Raises SlackError."""
        return await self._groups.get(group_id)

    async def emails(self, user_ids: Collection[str]) -> dict[str, str | None]:
        """Return the email of each user, with a few concurrent requests, without bots and users who have left.

        Raises SlackError.
        """
        semaphore = asyncio.Semaphore(AT_ONCE)

        async def ask(user_id: str) -> tuple[str, str | None] | None:
            try:
                async with semaphore:
                    person = await self.person(user_id)
            except SlackError as problem:
                if problem.code not in HIDDEN:
                    raise
                return (user_id, None)
            return None if person.bot or person.gone else (person.user_id, person.email)

        found = await asyncio.gather(*(ask(user_id) for user_id in sorted(user_ids)))
        return dict(pair for pair in found if pair)

    async def email_domain(self, user_id: str) -> str | None:
        """Return the domain of a user's email; None when Slack has none."""
        try:
            return ((await self.person(user_id)).email or "").rpartition("@")[2] or None
        except SlackError:
            return None

    async def is_in_group(self, asker: Actor, group_id: str) -> bool:
        """Return whether the user is in a user group, by any of their ids. Raises SlackError."""
        return self._is_listed(asker.ids | {asker.user_id}, await self._groups.get(group_id))

    async def _is_in(self, person: SlackPerson, group_id: str) -> bool:
        try:
            listed = await self._groups.get(group_id)
            if self._is_listed(person.ids, listed):
                return True
            problem = await self._learn_strange(person.ids, listed)
            if problem and not self._is_listed(person.ids, listed):
                raise problem
            return self._is_listed(person.ids, listed)
        except FeatureOff:
            return False  # `doctor` reports it: grants to groups are ignored
        except SlackError as error:
            log.warning("people.group_unknown", group=group_id, code=error.code, cause=cause(error))
            if self._strict and error.code not in NO_GROUP:
                raise PermissionUnverified from error
            return False  # an unconfirmed role does not count

    def _is_listed(self, ids: frozenset[str], listed: Collection[str]) -> bool:
        stored = {self._slack_client.identities.stored(each) for each in ids}
        return any(each in ids or self._slack_client.identities.stored(each) in stored for each in listed)

    async def _learn_strange(self, ids: frozenset[str], listed: Collection[str]) -> SlackError | None:
        """Look up members that may be this user under an id missing in their record: `U…` for a `W…`, or the reverse.

        Return the error of failed look-ups. https://github.com/app-sre/qontract-reconcile/pull/5520
        """
        if not (await self._slack_client.identity()).enterprise_id:
            return None
        kinds, identities = {each[:1] for each in ids}, self._slack_client.identities
        unknown = [each for each in sorted(listed) if each[:1] not in kinds and not identities.is_known(each)]
        semaphore = asyncio.Semaphore(AT_ONCE)

        async def learn(user_id: str) -> SlackError | None:
            async with semaphore:
                try:
                    await self._people.get(user_id)
                except SlackError as error:
                    return None if error.code in (*NOT_THERE, INCOMPLETE) else error
            return None

        problems = await asyncio.gather(*map(learn, unknown[:MOST_UNKNOWN]))
        too_many = (
            SlackSilent(code="group_too_large") if len(unknown) > MOST_UNKNOWN else None
        )  # the next request continues
        return next(filter(None, problems), too_many)

    async def list_admins(self, team_id: str) -> list[str]:
        """Return the admins to ask for a role: those of the settings and grants, else the workspace's own."""
        granted = [
            grant.grantee
            for grant in await self._store.cached(stored_access.list_grants, team_id)
            if grant.role is Role.ADMIN and grant.app_id is None and not grant.grantee.startswith("S")
        ]
        known = [*self._admins, *granted] or await self._slack_client.workspace_admins()
        return list(dict.fromkeys(map(self._slack_client.identities.stored, known)))

    def invalidate(self, changed: str) -> None:
        """Discard the cached record of a user or user group, after Slack reported a change."""
        for each in self._slack_client.identities.all(changed):
            self._people.forget(each)
        self._groups.forget(changed)

    async def _fetch_person(self, user_id: str) -> SlackPerson:
        """Return Slack's record of a user.

        Raises SlackSilent for an incomplete record, so that the user does not count as a member.
        """
        facts = await self._slack_client.user(user_id)
        profile = facts.get("profile")
        profile = profile if isinstance(profile, dict) else {}
        email = profile.get("email")
        home, ids = await self._home(facts), colleagues.ids_of(facts)
        gone, bot = read_boolean(facts.get("deleted")), read_boolean(facts.get("is_bot"))
        guest, colleague = read_boolean(facts.get("is_restricted")), colleagues.is_colleague(facts, home)
        identities = self._slack_client.identities
        whose = set(identities.all(user_id)) & set(ids) or colleagues.may_be_of(user_id, facts, home)
        if not whose or gone is None or bot is None or colleague is None:
            raise SlackSilent(code=INCOMPLETE)
        if guest is None and colleague and not (gone or bot):
            raise SlackSilent(code=INCOMPLETE)
        identities.learn(ids, user_id)
        return SlackPerson(
            user_id=ids[0],
            ids=frozenset(identities.all(ids[0])),
            colleague=colleague,
            same_organization=colleagues.is_of_organization(facts, home),
            name=str(profile.get("display_name") or facts.get("real_name") or facts.get("name") or ""),
            email=email if isinstance(email, str) else None,
            tz=str(facts.get("tz") or "UTC"),
            locale=str(facts.get("locale") or ""),
            admin=colleagues.is_admin(facts, home),
            guest=bool(guest or facts.get("is_ultra_restricted")),
            bot=bot or user_id in SLACKBOTS,
            gone=gone,
        )

    async def _home(self, facts: Mapping[str, Any]) -> Home:
        found = await self._slack_client.identity()
        home = Home(found.team_id, found.enterprise_id, self._rule)
        if not home.is_organization or not colleagues.names_no_organization(facts):
            return home
        listed = await self._slack_client.workspaces.listed()
        return replace(home, added_to=frozenset(workspace.id for workspace in listed))
