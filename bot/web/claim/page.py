"""The claim page: opening it has no effect, and a click on its button returns the build once."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from aiohttp import hdrs, web

from bot import i18n as languages
from bot.applivery.client import AppliveryClient
from bot.db import database_info, install_failures, recalls
from bot.db import tickets as stored_tickets
from bot.db.database import Database
from bot.domain import install_rules, tickets
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.devices import NO_DEVICES, Devices, may_see_history
from bot.domain.install import Browser, browser
from bot.domain.model import Actor, Build, FileKind, Link, Stage
from bot.domain.model.failures import FailureCause
from bot.domain.outcomes import ClaimOutcome
from bot.domain.tickets import Ticket, TicketStatus
from bot.exceptions import (
    BotError,
    BuildNotProcessed,
    NotFound,
    PermissionDenied,
    PermissionUnverified,
    UnexpectedError,
    kind_of,
)
from bot.i18n import ENGLISH, _, use_locale
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.services.audit import AuditLog
from bot.services.device_history import DeviceHistory
from bot.timeouts import for_a_person
from bot.web.brute_force_guard import BruteForceGuard
from bot.web.build_cache import BuildCache
from bot.web.claim.guidance import cause_of, guide
from bot.web.claim.install_options import FILE, INSTALL, DownloadRequest, offer, wanted
from bot.web.claim.rendering import SLACK, Again, Answer, ClaimPageRenderer
from bot.web.claim.texts import DENIED, NO_ACCESS
from bot.web.locale_negotiation import wanted as wanted_language
from bot.web.proxy_headers import Network, caller
from bot.web.request_bodies import read_body
from bot.web.single_flight import SingleFlight

log = logger(__name__)

LIFE_SECONDS = 600.0
BODY_LIMIT = 1024  # bytes: the form has one short field
SUSPECTS = 2  # concurrent look-ups for all addresses with too many unknown tickets
HANDED = web.ResponseKey("handed", str)  # for a response with a download: the hash of its ticket
PLACE = web.RequestKey("place", str)  # where in Slack the ticket was requested
# states in which its user can use it, or has used it
USABLE = (TicketStatus.OPEN, TicketStatus.SPENT, TicketStatus.UNSURE)
METHODS = (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_POST)


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A request for a valid ticket."""

    ticket: str = field(repr=False)
    found: Ticket
    visitor: str
    user_agent: str
    choice: str

    @property
    def ticket_hash(self) -> str:
        """The hash by which the ticket is stored."""
        return tickets.fingerprint(self.ticket)

    @property
    def key(self) -> tuple[str, ...]:
        """The key of this button in this browser, as far as the request shows, to recognise double clicks."""
        return (self.ticket, self.choice, self.visitor, self.user_agent)


class ClaimPage:
    """`/b/{ticket}`: GET and HEAD show and change nothing; POST spends one claim, creates a link and redirects to it.

    `clock` gives aware times, `public_url` is the bot's public address without a slash at its end. A browser is
    answered in the locale it asks for, or in `language` when that is not supported. `permit` raises PermissionDenied
    when the user of a ticket may not have its build any more.
    """

    def __init__(
        self,
        applivery: AppliveryClient,
        store: Database,
        metrics: Metrics,
        clock: Callable[[], datetime],
        public_url: str,
        *,
        permit: Callable[[Ticket], Awaitable[object]],
        devices: DeviceHistory | None = None,
        life_seconds: float = LIFE_SECONDS,
        guesses: BruteForceGuard | None = None,
        language: str = ENGLISH,
        trusted_proxies: Sequence[Network] = (),
    ) -> None:
        self._applivery = applivery
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._audit = AuditLog(store, clock)
        self._public_url = public_url
        self._permit = permit
        self._devices = devices
        self._life_seconds = life_seconds
        self._brute_force_guard = guesses or BruteForceGuard()
        self._trusted = tuple(trusted_proxies)
        # number of claims by ticket hash whose response is being sent
        self._claims_in_progress: Counter[str] = Counter()
        self._guess_semaphore = asyncio.Semaphore(SUSPECTS)
        self._language = language
        self._build_cache = BuildCache(applivery)
        self._single_flight: SingleFlight[Answer] = SingleFlight()
        self._pages = ClaimPageRenderer(applivery.hosts.download)

    async def issue(
        self, *, asker: Actor, build: Build, kind: FileKind, file_id: str | None = None
    ) -> tuple[str, datetime]:
        """Issue a ticket and return the page's whole address, which is a secret, and when it expires (aware UTC).

        The asker's older tickets for the same file are cancelled. Raises DatabaseUnavailable.
        """
        ticket = tickets.new_ticket()
        issued = await self._store.run(
            stored_tickets.issue_ticket,
            tickets.fingerprint(ticket),
            team_id=asker.team_id,
            user_id=asker.user_id,
            app_id=build.app.id,
            build_id=build.id,
            kind=kind,
            file_id=file_id,
            life_seconds=self._life_seconds,
            origin=asker.channel_id or "",
        )
        return self._address(ticket), issued.expires_at

    async def answer(self, request: web.Request) -> Answer:
        """Answer any request at or below the page's path. Never raises, and never sends a plain error page."""
        spoken = wanted_language(",".join(request.headers.getall(hdrs.ACCEPT_LANGUAGE, ())), self._language)
        if not languages.is_loaded(spoken):
            await asyncio.to_thread(languages.load_locale, spoken)
        with use_locale(spoken), for_a_person():
            answered = await self._answer_safely(request)
            if (ticket_hash := answered.get(HANDED)) is not None:
                await self._hand_over(request, answered, ticket_hash)
            return answered

    # ------------------------------------------------------------------ internals

    async def _hand_over(self, request: web.Request, answer: Answer, ticket_hash: str) -> None:
        """Send the answer and record that it was sent; without the record its delivery is unknown."""
        try:
            await answer.prepare(request)
            await answer.write_eof()
            with suppress(BotError):
                await self._store.run(stored_tickets.settle_claim, ticket_hash)
        finally:
            self._end_claim(ticket_hash)

    def _end_claim(self, ticket_hash: str) -> None:
        self._claims_in_progress[ticket_hash] -= 1
        if self._claims_in_progress[ticket_hash] <= 0:
            del self._claims_in_progress[ticket_hash]

    async def _answer_safely(self, request: web.Request) -> Answer:
        choice = ""
        try:
            failed = None
            if request.method == hdrs.METH_POST:
                choice, failed = await _read_form(request)
            return await self._answer(request, choice, failed)
        except BotError as problem:
            return self._problem_page(problem, request, choice)
        except web.HTTPException as refusal:
            return self._ending_page(ClaimOutcome.CUT, status=refusal.status, again="post")
        except Exception as error:
            # the request is not logged, since its path is the ticket
            log.exception("claim.broke", error=kind_of(error))
            return self._problem_page(UnexpectedError(), request, choice)

    async def _answer(self, request: web.Request, choice: str, failed: FailureCause | None) -> Answer:
        if request.method not in METHODS:
            return self._ending_page(ClaimOutcome.METHOD, headers={"Allow": ", ".join(METHODS)})
        visitor = caller(request.remote, request.headers, self._trusted)
        ticket = request.match_info["ticket"]
        found_ticket = await self._find_ticket(ticket, visitor) if tickets.is_ticket(ticket) else None
        if found_ticket is None:
            return self._not_found_page(visitor)
        request[PLACE] = _place(found_ticket)
        if found_ticket.build_id in await self._store.cached(recalls.list_recalls):
            return await self._recalled_page(found_ticket)
        if (refused := await self._denied_page(found_ticket)) is not None:
            return refused
        visit = ClaimRequest(ticket, found_ticket, visitor, request.headers.get(hdrs.USER_AGENT, ""), choice)
        if request.method == hdrs.METH_POST:
            return await self._take(visit, failed)
        return await self._show(visit)

    async def _take(self, visit: ClaimRequest, failed: FailureCause | None) -> Answer:
        """Answer a form: a report that the build did not install, or a claim."""
        if failed is not None:
            return await self._count_failure(visit, failed)
        answer = await self._single_flight.last(visit.key, lambda: self._claim(visit))
        return answer or self._ending_page(TicketStatus.SPENT, slack=_place(visit.found))

    async def _find_ticket(self, ticket: str, visitor: str) -> Ticket | None:
        """Return the stored ticket. Visitors who guess tickets wait for each other, to protect the database."""
        ticket_hash = tickets.fingerprint(ticket)
        if not self._brute_force_guard.too_many(visitor):
            return await self._store.run(stored_tickets.get_ticket, ticket_hash)
        async with self._guess_semaphore:
            return await self._store.run(stored_tickets.get_ticket, ticket_hash)

    def _not_found_page(self, visitor: str) -> Answer:
        """Count only unknown tickets: many users may share an address, and existing tickets are always served."""
        if self._brute_force_guard.too_many(visitor):
            return self._ending_page(ClaimOutcome.LIMITED, headers={"Retry-After": "60"})
        self._brute_force_guard.add(visitor)
        return self._ending_page(TicketStatus.UNKNOWN)

    async def _denied_page(self, ticket: Ticket) -> Answer | None:
        """Return the page for a user who may not have the build any more; raises PermissionUnverified,
        DatabaseUnavailable.

        A used link counts too: it returns the same link again when its button is pressed again at once.
        """
        now = await self._store.run(database_info.current_time)
        if ticket.standing(now) not in USABLE:
            return None
        try:
            await self._permit(ticket)
        except PermissionUnverified:
            raise
        except PermissionDenied as error:
            log.info("claim.denied", why=error.reason)
            sentence = _(DENIED.get(error.reason, NO_ACCESS))
            return self._ending_page(ClaimOutcome.DENIED, sentence=sentence, slack=_place(ticket))
        return None

    def _closed_page(self, visit: ClaimRequest, now: datetime) -> Answer | None:
        """Return the page of a ticket that cannot be claimed at `now`; None for one that can."""
        standing = visit.found.standing(now)
        if standing is TicketStatus.OPEN:
            return None
        if standing is TicketStatus.UNSURE and visit.ticket_hash in self._claims_in_progress:
            standing = TicketStatus.SPENT  # a claim is in progress
        return self._ending_page(standing, slack=_place(visit.found))

    async def _show(self, visit: ClaimRequest) -> Answer:
        now = await self._store.run(database_info.current_time)  # tickets expire by the database's clock
        if (over := self._closed_page(visit, now)) is not None:
            return over
        build = await self._build_cache.build(visit.found)
        if (ending := self._unavailable_page(visit, build)) is not None:
            return ending
        if build.stage is not Stage.READY:
            self._build_cache.forget(visit.found)
            # the form reads the current state from Applivery
            return self._ending_page(ClaimOutcome.NOT_PROCESSED, again="post", slack=_place(visit.found))
        looking = browser(visit.user_agent)
        devices = await self._devices_of(visit.found, build, looking)
        offered, guidance = offer(visit.found, build, looking), guide(visit.found, build, looking, now, devices)
        self._count(ClaimOutcome.SHOWN)
        address = self._address(visit.ticket)
        return self._pages.ready(
            visit.found,
            build,
            offered,
            guidance,
            browser=looking,
            address=address,
            slack=_place(visit.found),
            now=now,
        )

    async def _count_failure(self, visit: ClaimRequest, cause: FailureCause) -> Answer:
        """Count that the build did not install, once per user, and return the fix; no claim is spent."""
        ticket = visit.found
        now = await self._store.run(database_info.current_time)
        if ticket.standing(now) not in USABLE:
            return self._ending_page(ticket.standing(now), slack=_place(ticket))
        build = await self._build_cache.build(ticket)
        rule = install_rules.rule_of(build, cause)
        if rule is None or ticket.file_id is not None:
            return await self._show(visit)
        await self._store.run(install_failures.record_failure, ticket.user_id, ticket.app_id, ticket.build_id, cause)
        self._count(ClaimOutcome.REPORTED)
        return self._pages.failed(cause_of(rule, build), slack=_place(ticket))

    async def _devices_of(self, ticket: Ticket, build: Build, looking: Browser) -> Devices:
        """Return the user's known devices; none for a visitor who may not see them."""
        if self._devices is None or not may_see_history(build, looking):
            return NO_DEVICES
        self._devices.begin(ticket.user_id, build)
        return await self._devices.devices(ticket.user_id, build)

    async def _claim(self, visit: ClaimRequest) -> Answer:
        if (over := self._closed_page(visit, await self._store.run(database_info.current_time))) is not None:
            return over
        # before a claim is spent, as the build may have been deleted
        build = await self._build_cache.build(visit.found)
        if (ending := self._unavailable_page(visit, build)) is not None:
            return ending
        what = wanted(visit.found, build, browser(visit.user_agent).device, visit.choice)
        self._claims_in_progress[visit.ticket_hash] += 1
        answer = None
        try:
            answer = await self._spend_claim(visit, build, what)
        finally:
            if answer is None or HANDED not in answer:
                self._end_claim(visit.ticket_hash)
        return answer

    async def _spend_claim(self, visit: ClaimRequest, build: Build, what: DownloadRequest) -> Answer:
        """Spend one claim for a link, and refund it if no link was created."""
        claim = await self._store.run(stored_tickets.claim_ticket, visit.ticket_hash)
        if claim is TicketStatus.RECALLED:
            return await self._recalled_page(visit.found)
        if not isinstance(claim, Ticket):
            return self._ending_page(claim, slack=_place(visit.found))
        try:
            link = await self._create_link(claim, build, what)
        except BaseException:
            with suppress(BotError):  # the first error is the one to show
                await self._store.run(stored_tickets.refund_claim, visit.ticket_hash)
            self._build_cache.forget(visit.found)
            raise
        self._count(ClaimOutcome.MINTED)
        answer = self._pages.download(link)
        if what.install:
            now = self._clock()
            manifest = self._applivery.manifest_url(link)
            guidance = guide(visit.found, build, browser(visit.user_agent), now)
            answer = self._pages.installing(build, link, manifest, guidance, slack=_place(visit.found), now=now)
        answer[HANDED] = visit.ticket_hash
        return answer

    def _unavailable_page(self, visit: ClaimRequest, build: Build) -> Answer | None:
        """Return the page of a build that will never have a file; None for other builds."""
        if build.stage not in (Stage.FAILED, Stage.UNKNOWN):
            return None
        if build.stage is Stage.FAILED:
            return self._ending_page(ClaimOutcome.UNUSABLE, slack=_place(visit.found))
        self._build_cache.forget(visit.found)
        why = _("Applivery reports an unknown status: “{status}”.", status=build.status or "–")
        return self._ending_page(ClaimOutcome.UNKNOWN_STATUS, sentence=why, again="get", slack=_place(visit.found))

    async def _recalled_page(self, ticket: Ticket) -> Answer:
        """Return the page for a recalled build, whether it was recalled before or after the ticket was issued."""
        recall = (await self._store.cached(recalls.list_recalls)).get(ticket.build_id)
        why = _("Your team blocked new downloads of it: “{reason}”.", reason=recall.reason) if recall else ""
        return self._ending_page(TicketStatus.RECALLED, sentence=why, slack=_place(ticket))

    async def _create_link(self, claim: Ticket, build: Build, what: DownloadRequest) -> Link:
        """Create the link; record that, or the error, in the audit log before the link is returned."""
        try:
            link = await self._applivery.mint(build, what.kind, file_id=claim.file_id)
        except BotError as problem:
            with suppress(BotError):
                await self._record_audit(claim, kind_of(problem), None)
            raise
        await self._record_audit(claim, AuditOutcome.MINTED, link.fingerprint())
        return link

    async def _record_audit(self, claim: Ticket, outcome: AuditOutcome | str, token_hash: str | None) -> None:
        self._metrics.mints.labels(outcome).inc()
        await self._audit.record(
            Actor(team_id=claim.team_id, user_id=claim.user_id, channel_id=claim.channel_id or None),
            Entrypoint.CLAIM_PAGE,
            AuditAction.GET,
            outcome,
            app_id=claim.app_id,
            build_id=claim.build_id,
            token_hash=token_hash,
        )

    def _ending_page(self, why: TicketStatus | ClaimOutcome, **facts: Any) -> Answer:
        self._count(why)
        return self._pages.ending(why, **facts)

    def _problem_page(self, problem: BotError, request: web.Request, choice: str) -> Answer:
        again: Again = "post" if request.method == hdrs.METH_POST else "get"
        slack = request.get(PLACE, SLACK)
        if isinstance(problem, NotFound):
            return self._ending_page(ClaimOutcome.GONE, slack=slack)
        if isinstance(problem, BuildNotProcessed):
            return self._ending_page(ClaimOutcome.NOT_PROCESSED, again="post", choice=choice, slack=slack)
        reference = None if problem.everyday else secrets.token_hex(4)
        log.warning("claim.failed", problem=kind_of(problem), cause=cause(problem), reference=reference)
        return self._ending_page(
            ClaimOutcome.FAILED,
            sentence=_(problem.sentence),
            next_step=_(problem.next_step),
            again=again,
            choice=choice,
            reference=reference,
            slack=slack,
        )

    def _address(self, ticket: str) -> str:
        return f"{self._public_url}/b/{ticket}"

    def _count(self, outcome: TicketStatus | ClaimOutcome) -> None:
        self._metrics.claims.labels(outcome).inc()


def _place(ticket: Ticket) -> str:
    """Return the address of the Slack conversation in which a ticket was requested.

    https://docs.slack.dev/interactivity/deep-linking
    """
    if not ticket.channel_id:
        return f"https://app.slack.com/client/{quote(ticket.team_id, safe='')}"
    if ticket.team_id.startswith("E"):  # an organisation's id, which app_redirect does not accept
        return f"https://app.slack.com/client/{quote(ticket.team_id, safe='')}/{quote(ticket.channel_id, safe='')}"
    return f"https://slack.com/app_redirect?{urlencode({'team': ticket.team_id, 'channel': ticket.channel_id})}"


async def _read_form(request: web.Request) -> tuple[str, FailureCause | None]:
    """Return the clicked button and the reported cause of a failed install, each if it is in the form.

    Raises as `read_body` does for an incomplete form: the client may have disconnected.
    """
    try:
        body = await read_body(request, BODY_LIMIT)
    except web.HTTPRequestEntityTooLarge:
        return "", None
    fields = parse_qs(body.decode("ascii", "replace"), keep_blank_values=True)
    typed = fields.get("as", [""])[0]
    cause = FailureCause(fields["failed"][0]) if "failed" in fields else None  # UNKNOWN for a value of another version
    return typed if typed in (INSTALL, FILE) else "", cause
