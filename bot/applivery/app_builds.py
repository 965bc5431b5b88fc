"""One app's builds over either of Applivery's two APIs: list, upload, attach files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from msgspec import Struct

from bot.applivery import envelope, parse, paths, queries, schemas, upload_errors
from bot.applivery.envelope import Page
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.multipart import MultipartForm, SmallFile, StreamedFile
from bot.applivery.pagination import PAGE_SIZE
from bot.applivery.rate_budget import Priority, RequestBudget
from bot.applivery.transport import ApiRequest, Transport
from bot.applivery.upload import OutcomeUnknown, Progress, UploadAttempt, UploadTimeouts
from bot.domain import build_files, uploads
from bot.domain.model import App, Build, Stage
from bot.domain.uploads import UploadMetadata
from bot.exceptions import (
    AppliveryError,
    BuildNotProcessed,
    FeatureNotInPlan,
    Forbidden,
    InvalidCredentials,
    InvalidResponse,
    NotFound,
    QuotaExceeded,
    RequestRejected,
    UploadOutcomeUnknown,
)
from bot.i18n import Text, joined

_Found = TypeVar("_Found")

INTEGRATIONS = "/v1/integrations"
_USUAL = UploadTimeouts()
_PER_HOUR = 8000  # requests; an upload and the wait for its processing need a few hundred
NEWEST = 20  # builds searched for one that may have arrived


class UploadResult(Struct, frozen=True):
    """An uploaded build; `found` when it was found in the list after the connection broke."""

    build: Build
    found: bool = False


@asynccontextmanager
async def by_app_token(
    hosts: AppliveryHosts, token: str, *, timeouts: UploadTimeouts = _USUAL
) -> AsyncIterator[AppBuilds]:
    """Yield the builds of the app that an App API Token belongs to."""
    transport = Transport(
        api=hosts.api,
        upload=hosts.upload,
        token=token,
        budget=RequestBudget(_PER_HOUR),
        session=None,
        timeout=30.0,
        observe=None,
    )
    try:
        yield AppBuilds(transport, hosts, INTEGRATIONS, App(id="", slug="", name="the token's app"), timeouts)
    finally:
        await transport.close()


class AppBuilds:
    """The builds of one app. `root` is the path above `/builds`: of an app, or of the API whose token names the app.

    Every method raises an AppliveryError on failure; WrongTokenKind for a token of the other API.
    """

    def __init__(
        self, transport: Transport, hosts: AppliveryHosts, root: str, app: App, timeouts: UploadTimeouts = _USUAL
    ) -> None:
        self._transport = transport
        self._hosts = hosts
        self._root = root
        self.app = app
        self._timeouts = timeouts

    async def newest(self) -> tuple[Build, ...]:
        """Return the newest builds, newest first."""
        return (await self.page(1, limit=NEWEST)).items

    async def page(
        self, number: int, /, *, version: str | None = None, os: str | None = None, limit: int = PAGE_SIZE
    ) -> Page[Build]:
        """Return a page of the builds, newest first, optionally only of this exact version name or platform."""

        def read(body: bytes) -> Page[Build]:
            return parse.builds(body, self.app, page=number, limit=limit)

        wanted = {"page": str(number), "limit": str(limit), "versionName": version, "os": queries.platform_word(os)}
        query = {key: value for key, value in wanted.items() if value}
        try:
            return await self._transport.ask(ApiRequest("builds", f"{self._hosts.api}{self._root}/builds", query), read)
        except InvalidCredentials as refused:
            raise await self._with_token_kind(refused) from None

    async def build(self, build_id: str) -> Build:
        """Return a build in detail."""
        path = paths.build(self._root, build_id)
        ask = ApiRequest("build", f"{self._hosts.api}{path}", lane=Priority.POLLING)
        return await self._transport.ask(ask, self._read)

    def _read(self, body: bytes) -> Build:
        return parse.build(body, self.app)

    async def upload(
        self,
        file: StreamedFile,
        details: UploadMetadata,
        *,
        icon: SmallFile | None = None,
        progress: Progress = lambda _sent: None,
        looking: Callable[[], None] = lambda: None,
    ) -> UploadResult:
        """Upload a build and return the result.

        `progress` is called with the bytes of the file sent so far; `looking` when the response was lost and the build
        is searched for. Raises UserInputError and UnsupportedFile before anything is sent, UploadOutcomeUnknown when
        the connection broke and no build is found, and errors of reading the file.
        """
        uploads.check(details, icon=icon is not None)
        build_files.check(file.name, file.size)

        def start(first: bytes) -> None:
            build_files.check_start(file.name, first)

        try:
            before = await self._before()
            smalls = [("packageIcon", icon)] if icon else []
            form = MultipartForm(uploads.fields(details), smalls, "build", file)
            ask = ApiRequest("upload", f"{self._hosts.upload}{self._root}/builds")
            delivery = UploadAttempt(self._transport, ask, form, progress, self._timeouts, start)
            return UploadResult(await delivery.made(self._read))
        except AppliveryError as problem:
            raise upload_errors.worded(problem) from None
        except OutcomeUnknown as error:
            unsure = error
        if before is None:
            raise _lost(unsure, SAME_SIZE, looked=False)
        looking()
        return UploadResult(await self._searched(before, details, file, unsure), found=True)

    async def _before(self) -> set[str] | None:
        """Return the ids of the newest builds; None when this credential may not list them.

        It may upload all the same: role and plan decide separately on listing and uploading.
        """
        try:
            return {build.id for build in await self.newest()}
        except _NOT_LISTED:
            return None

    async def _searched(
        self, before: set[str], details: UploadMetadata, file: StreamedFile, unsure: OutcomeUnknown
    ) -> Build:
        version = details.version_name or details.package_version

        async def look() -> Build | None:
            builds = uploads.arrived(await self.newest(), before, version=version, size=file.size)
            return builds[0] if builds else None

        build, looked = await self._looked(look)
        if build is not None:
            return build
        raise _lost(unsure, SAME_VERSION if version else SAME_SIZE, looked=looked)

    async def attach(self, build_id: str, file: StreamedFile, *, progress: Progress = lambda _sent: None) -> Build:
        """Attach a file to a processed build; raises as `upload` does.

        https://docs.applivery.com/en/app-distribution/api/builds/attached-files
        """
        build_files.check_size(file.name, file.size)
        path = paths.build(self._root, build_id)
        try:
            before = await self._attached(build_id)
            ask = ApiRequest("attach", f"{self._hosts.upload}{path}/files")
            form = MultipartForm((), (), "file", file)
            return await UploadAttempt(self._transport, ask, form, progress, self._timeouts).made(self._read)
        except AppliveryError as problem:
            raise upload_errors.worded(problem) from None
        except OutcomeUnknown as error:
            unsure = error

        if before is None:
            raise _lost(unsure, SAME_FILE, looked=False)

        async def look() -> Build | None:
            build = await self.build(build_id)
            new = [attachment for attachment in build.attachments if attachment.id not in before]
            return (
                build
                if any((attachment.name, attachment.size) == (file.name, file.size) for attachment in new)
                else None
            )

        found_build, looked = await self._looked(look)
        if found_build is not None:
            return found_build
        raise _lost(unsure, SAME_FILE, looked=looked)

    async def _attached(self, build_id: str) -> set[str] | None:
        """Return the ids of a build's attachments; None when this credential may not see the build.

        Raises BuildNotProcessed.
        """
        try:
            build = await self._details(build_id)
        except (Forbidden, FeatureNotInPlan):
            return None
        if build.stage is not Stage.READY:
            raise BuildNotProcessed
        return {attachment.id for attachment in build.attachments}

    async def _details(self, build_id: str) -> Build:
        try:
            return await self.build(build_id)
        except InvalidCredentials as refused:
            raise await self._with_token_kind(refused) from None

    async def _looked(self, look: Callable[[], Awaitable[Build | None]]) -> tuple[Build | None, bool]:
        """Return the result of `look`, repeated after pauses; False when Applivery answered none of the requests."""
        looked = False
        for pause in self._timeouts.looks:
            await asyncio.sleep(pause)
            try:
                build = await look()
            except AppliveryError:
                continue
            looked = True
            if build is not None:
                return build, True
        return None, looked

    async def _with_token_kind(self, refused: InvalidCredentials) -> InvalidCredentials:
        """Return the error, or WrongTokenKind when the token is valid for the other API."""
        mine = self._root == INTEGRATIONS
        what, path = ("service account", "/v1/organizations") if mine else ("app token", f"{INTEGRATIONS}/builds")
        ask = ApiRequest("whose_token", f"{self._hosts.api}{path}", {"page": "1", "limit": "1"})
        try:
            await self._transport.ask(
                ask, lambda body: envelope.page_of(body, schemas.BuildSchema, str, page=1, limit=1)
            )
        except AppliveryError:
            return refused
        return upload_errors.wrong_family(what, refused)


# Errors of the list alone, such as a missing permission. Not an outage: a lost answer could not be resolved then.
_NOT_LISTED = (Forbidden, FeatureNotInPlan, QuotaExceeded, RequestRejected, NotFound, InvalidResponse)
SAME_VERSION = Text("This app has no new build with your file's version and size.")
SAME_SIZE = Text("I found no new build with the same size in this app.")
SAME_FILE = Text("I found no new file with the same name and size on this build.")


def _lost(unsure: OutcomeUnknown, searched: Text, *, looked: bool) -> UploadOutcomeUnknown:
    """Return the error for an upload with an unknown outcome: its cause, the search's result and the next step."""
    if not looked:
        step = Text("I couldn't check whether it arrived. Look in the dashboard before you try again.")
        return UploadOutcomeUnknown(unsure.why, step)
    if unsure.partial:
        step = Text("You can upload it again.")
    else:
        step = Text("Check the app's builds in a few minutes before you upload it again.")
    return UploadOutcomeUnknown(unsure.why, joined(" ", (searched, step)))
