"""Client with one method per endpoint of Applivery's Workspace API."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp

from bot import __version__
from bot.applivery import envelope, parse, paths, queries
from bot.applivery.app_builds import AppBuilds
from bot.applivery.decode_cache import DecodeCache
from bot.applivery.envelope import Page
from bot.applivery.errors import problem
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.not_found import APP_IS_GONE, NOT_SHOWN, NotFoundResolver, workspace
from bot.applivery.notifications import WebhookSubscription, subscription_body
from bot.applivery.pagination import PAGE_SIZE, PageSizes, each_once, every_page
from bot.applivery.plan_limits import PlanLimitLog
from bot.applivery.rate_budget import Priority, RequestBudget
from bot.applivery.recipients import RecipientCounter
from bot.applivery.transport import ApiRequest, ApiResponse, Observe, Transport
from bot.applivery.upload import UploadTimeouts
from bot.domain.model import App, Build, Download, FileKind, Link, MemberDownloads, Stage, Workspace
from bot.exceptions import InvalidResponse, NotFound, RequestRejected
from bot.i18n import Text
from bot.system_clock import utc_now

__all__ = ["AppliveryClient", "AppliveryHosts", "Page", "Priority", "RequestBudget"]

_T = TypeVar("_T")
_Takes = TypeVar("_Takes", bound=parse.RowSink)


class AppliveryClient:
    """A workspace, with the permissions of the bot's Service Account; methods raise AppliveryErrors.

    Use it as `async with` or between `open()` and `close()`. Ids and short names are checked before any request is made
    (InvalidId). `observe` is called after each request with the method's name, `ok` or the error's kind, and seconds.
    """

    def __init__(
        self,
        *,
        hosts: AppliveryHosts,
        organization: str,
        token: str,
        budget: RequestBudget,
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        observe: Observe | None = None,
        timeouts: UploadTimeouts | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.hosts = hosts
        self._timeouts = timeouts or UploadTimeouts()
        self.budget = budget
        self._root = paths.organization(organization)
        self.page_sizes = PageSizes()
        self._lane = Priority.PEOPLE
        self._unchanged: DecodeCache[Page[Build]] = DecodeCache()
        self._unchanged_details: DecodeCache[Build] = DecodeCache()
        self._missing = NotFoundResolver(self.organization)
        self._transport = Transport(
            api=hosts.api,
            upload=hosts.upload,
            token=token,
            budget=budget,
            session=session,
            timeout=timeout,
            observe=observe,
            clock=clock,
        )

    async def open(self) -> None:
        """Create the session, unless one was given."""
        await self._transport.open()

    async def close(self) -> None:
        """Close the session, unless it was given."""
        await self._transport.close()

    async def __aenter__(self) -> AppliveryClient:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def plan_limits(self) -> PlanLimitLog:
        """The limits of the plan that any response reported."""
        return self._transport.plan_limits

    @property
    def longest_wait(self) -> float:
        """Return the seconds since the oldest unanswered call that a user waits for; 0 without one."""
        return self._transport.longest_wait

    def polling(self, lane: Priority = Priority.POLLING) -> AppliveryClient:
        """Return this client with the priority of a worker, on the same session and budget."""
        other = copy.copy(self)
        other._lane = lane
        return other

    def app_builds(self, app: App) -> AppBuilds:
        """Return the builds of this app, for uploads."""
        return AppBuilds(self._transport, self.hosts, paths.app(self._root, app.id), app, self._timeouts)

    def recipients(self, app: App) -> RecipientCounter:
        """Return the counter of the recipients of Applivery's emails about this app."""
        return RecipientCounter(self._transport, self.hosts.api, self._root, app, self.page_sizes)

    # ------------------------------------------------------------------ workspace and apps

    async def organization(self) -> str:
        """Return the workspace's name; the cheapest check of the credential."""
        ask = ApiRequest("organization", f"{self.hosts.api}{self._root}", lane=self._lane)
        return await workspace(self._transport.ask(ask, parse.organization))

    async def workspaces(self) -> list[Workspace]:
        """Return every workspace that the credential sees, in Applivery's order."""

        async def page(number: int, limit: int) -> Page[Workspace]:
            def read(body: bytes) -> Page[Workspace]:
                return parse.workspaces(body, page=number, limit=limit)

            query = {"page": str(number), "limit": str(limit)}
            ask = ApiRequest("organizations", f"{self.hosts.api}{paths.ORGANIZATIONS}", query, self._lane)
            return await self._transport.ask(ask, read)

        return [
            item async for item in each_once(every_page("organizations", page, self.page_sizes), lambda item: item.id)
        ]

    async def apps(self) -> list[App]:
        """Return every app that the credential sees, in Applivery's order."""

        async def page(number: int, limit: int) -> Page[App]:
            return await self._get(
                "apps",
                f"{self._root}/apps",
                lambda body: parse.apps(body, page=number, limit=limit),
                NOT_SHOWN,
                page=str(number),
                limit=str(limit),
            )

        return [app async for app in each_once(every_page("apps", page, self.page_sizes), lambda app: app.id)]

    async def app(self, id_or_slug: str) -> App:
        """Return an app by id or short name. Raises NotFound."""
        return await self._get("app", paths.app(self._root, id_or_slug), parse.app, APP_IS_GONE)

    async def role(self, app_id: str) -> str | None:
        """Return the credential's role in an app, such as `org.viewer`; None when Applivery does not report it."""
        return await self._get("role", paths.app(self._root, app_id), parse.role, APP_IS_GONE)

    async def notifications(self) -> list[WebhookSubscription]:
        """Return the workspace's webhook subscriptions; those of single apps cannot be listed."""

        async def page(number: int, limit: int) -> Page[WebhookSubscription]:
            def read(body: bytes) -> Page[WebhookSubscription]:
                return parse.notifications(body, page=number, limit=limit)

            where = f"{self._root}/notifications"
            return await self._get("notifications", where, read, NOT_SHOWN, page=str(number), limit=str(limit))

        return [
            notification
            async for notification in each_once(
                every_page("notifications", page, self.page_sizes), lambda notification: notification.id or notification
            )
        ]

    async def subscribe_webhook(self, url: str) -> None:
        """Subscribe `url` to builds of every app. Never retried: a second subscription would send every event twice."""
        ask = ApiRequest(
            "subscribe_webhook", f"{self.hosts.api}{self._root}/notifications", once=True, body=subscription_body(url)
        )
        await self._missing.told(self._transport.ask(ask, parse.notification), NOT_SHOWN)

    # ------------------------------------------------------------------ builds

    async def builds(
        self,
        app: App,
        *,
        page: int = 1,
        limit: int = PAGE_SIZE,
        status: Stage | str | None = None,
        os: str | None = None,
        version: str | None = None,
    ) -> Page[Build]:
        """Return a page of an app's builds, newest first; `page` counts from 1.

        `status` is a Stage or Applivery's status, `os` a platform, `version` a version name. Filters that Applivery
        lacks are applied here, so a page may have fewer than `limit` builds and still have a next one.
        """
        wanted = {"status": queries.status_word(status), "os": queries.platform_word(os), "versionName": version}
        filters = {key: value for key, value in wanted.items() if value}
        try:
            found_page = await self._builds(app, page, limit, filters)
        except RequestRejected as refused:
            # Applivery once returned 6002 `"os" is not allowed`: https://github.com/applivery/roadmap/issues/93
            if refused.code != 6002 or not filters:
                raise
            found_page = await self._builds(app, page, limit, {})
            found_page = _keep(found_page, lambda build: version in (None, "", build.version))
        stage = parse.stage(status) if status and not isinstance(status, Stage) else status
        return _keep(
            found_page,
            lambda build: (not stage or stage is build.stage) and (os or build.platform).lower() == build.platform,
        )

    async def newest_builds(self, app: App, *, limit: int, unless: str = "") -> tuple[str, Page[Build] | None]:
        """Return the first page of an app's builds and its fingerprint; None for the page if the fingerprint is
        `unless`.

        Passing the last page's fingerprint saves decoding the same page again.
        """

        def read(body: bytes) -> tuple[str, Page[Build] | None]:
            mark = _fingerprint(body, limit)
            return mark, None if mark == unless else parse.builds(body, app, page=1, limit=limit)

        where = f"{paths.app(self._root, app.id)}/builds"
        return await self._get("builds", where, read, APP_IS_GONE, page="1", limit=str(limit))

    async def build(self, app_id: str, build_id: str) -> Build:
        """Return a build with its details and attachments. Raises NotFound when it was deleted."""

        def read(body: bytes) -> Build:
            return parse.build(body, App(id=app_id, slug=app_id, name=app_id))

        path, question = self._build_path(app_id, build_id), (app_id, build_id)
        return await self._get("build", path, lambda body: self._unchanged_details.read(question, body, read), None)

    # ------------------------------------------------------------------ files

    async def mint(self, build: Build, kind: FileKind, *, file_id: str | None = None) -> Link:
        """Return a fresh single-use link to a build's file, or to the attachment `file_id`.

        A GET that is not idempotent, so it is never retried. Raises BuildNotProcessed while the build is not
        ready. https://docs.applivery.com/en/app-distribution/api/builds/download-build
        """
        query = {"type": kind.value}
        if file_id is not None:
            kind = FileKind.AUTO  # an attachment has one form only, for which the API requires this value
            query = {"fileId": paths.checked_file_id(file_id), "type": kind.value}
        path = f"{self._build_path(build.app.id, build.id)}/downloadToken"
        ask = ApiRequest("mint", f"{self.hosts.api}{path}", query, self._lane, once=True)
        try:
            return await self._transport.ask(ask, lambda body: parse.link(body, kind, self.hosts.download_url))
        except NotFound as error:
            gone = error
        raise await self._missing.explained(gone)

    async def resolve(self, link: Link) -> str:
        """Return the storage URL of the file and spend the link. Raises LinkExpired when it is spent.

        The redirect is read and never followed. A bare `{"status": true}` instead of it raises InvalidResponse.
        """
        ask = ApiRequest("resolve", self.hosts.download_url(link.token), lane=self._lane)
        return await self._transport.look(ask, lambda answer: _location(answer, self.hosts.download))

    def manifest_url(self, link: Link) -> str:
        """Return the address of the over-the-air manifest for an iPhone; as secret as the link."""
        return self.hosts.manifest_url(link.token)

    # ------------------------------------------------------------------ downloads

    async def downloads_by_user(
        self,
        app_id: str,
        build_id: str | None = None,
        *,
        email: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[MemberDownloads]:
        """Return the downloads of an app, or of one build, by user; the times are aware and inclusive.

        Raises ValueError for a time without a zone.
        """
        return await self.fold_downloads(parse.RowList, app_id, build_id, email=email, since=since, until=until)

    async def fold_downloads(
        self,
        into: Callable[[], _Takes],
        app_id: str,
        build_id: str | None = None,
        *,
        email: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> _Takes:
        """Stream the same, adding each row to the result of `into` as it arrives: a response may have 60 MB, unpaged.

        Each retry calls `into` again and drops the earlier result.
        """
        path = paths.app(self._root, app_id) if build_id is None else self._build_path(app_id, build_id)
        query = queries.period(email, since, until, longest_email=256 if build_id is None else 128)
        ask = ApiRequest("downloads_by_user", f"{self.hosts.api}{path}/downloads/by-user", query, self._lane)
        asked = self._transport.stream(ask, lambda: parse.member_downloads_as_they_come(into()))
        return await self._missing.told(asked, APP_IS_GONE if build_id is None else None)

    async def downloads_of(self, app_id: str, email: str) -> list[Download]:
        """Return one person's downloads of an app, with one request that is never retried.

        Rows with other addresses are dropped: they are other people's when Applivery ignores the filter.
        """
        path = f"{paths.app(self._root, app_id)}/downloads/by-user"
        query = queries.period(email, None, None, longest_email=256)
        ask = ApiRequest("downloads_of", f"{self.hosts.api}{path}", query, self._lane, once=True)
        found = await self._transport.stream(ask, lambda: parse.member_downloads_as_they_come(parse.OneMember(email)))
        return found.downloads

    # ------------------------------------------------------------------ internals

    def _build_path(self, app_id: str, build_id: str) -> str:
        return paths.build(paths.app(self._root, app_id), build_id)

    async def _builds(self, app: App, page: int, limit: int, filters: dict[str, str]) -> Page[Build]:
        def read(body: bytes) -> Page[Build]:
            return parse.builds(body, app, page=page, limit=limit)

        return await self._get(
            "builds",
            f"{paths.app(self._root, app.id)}/builds",
            lambda body: self._unchanged.read((app, page, limit), body, read),
            APP_IS_GONE,
            page=str(page),
            limit=str(limit),
            **filters,
        )

    async def _get(
        self, name: str, path: str, decode: Callable[[bytes], _T], gone: tuple[Text, Text, Text] | None, **query: str
    ) -> _T:
        ask = ApiRequest(name, f"{self.hosts.api}{path}", query, self._lane)
        return await self._missing.told(self._transport.ask(ask, decode), gone)


def _fingerprint(body: bytes, limit: int) -> str:
    """Return a 16-byte hash of a response and of the version of its decoder."""
    return hashlib.blake2b(body, digest_size=16, person=f"{limit}/{__version__}".encode()[:16]).hexdigest()


def _keep(page: Page[Build], wanted: Callable[[Build], bool]) -> Page[Build]:
    kept = tuple(build for build in page.items if wanted(build))
    total = page.total if len(kept) == len(page.items) else None
    return replace(page, items=kept, total=total)


def _location(answer: ApiResponse, base: str) -> str:
    where = answer.headers.get("Location", "") if 300 <= answer.status < 400 else ""
    if not where:
        error_body = envelope.refusal(answer.body)
        raise (
            problem(error_body, answer.status, download_host=True)
            if error_body and error_body.code is not None
            else InvalidResponse()
        )
    address = urljoin(f"{base}/v1/", where)
    if urlsplit(address).scheme not in ("http", "https"):
        raise InvalidResponse
    return address
