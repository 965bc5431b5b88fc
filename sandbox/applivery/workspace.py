"""What the fake Applivery remembers of one workspace: its apps, people, downloads and tokens."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import string
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.applivery.models import DownloadToken, FakeApp, FakeBuild, FakeDownload, RecordedRequest, SentWebhook, Wire
from sandbox.applivery.payloads import NAMELESS, When, app_wire, download_wire, timestamp
from sandbox.applivery.responses import Paging
from sandbox.faults import FaultQueue
from sandbox.waiting import STILL_SECONDS, while_it_moves

Listener = Callable[[str, Wire], None]
_LETTERS = string.ascii_letters + string.digits
_OS_NAMES = {"ios": "iOS", "android": "Android", "macos": "macOS", "windows": "Windows"}


class FakeWorkspace:
    """The memory, and what people do that moves no build.

    `token_life` is seconds, `largest_page` what any `limit` is silently held to, or with `refuses_larger_pages` refused
    above; with `flat_downloads` the by-user answers list single downloads. `build_filters` is the query keys the
    list of builds takes (take `os` out to get the refusal of applivery/roadmap#93), `downloads_limit` the monthly quota
    above which minting is refused with 5003 (None: no quota). `may_list_people` is whether the credential's role may.
    """

    def __init__(self, organization: str, token: str, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.token = token
        self.counter = 0
        self.secret = secrets.token_hex(16)
        self.url = ""
        self.token_life = 300.0
        self.rate_per_hour = 10_000
        self.page_size = 10
        self.largest_page = 100
        self.refuses_larger_pages = False
        self.flat_downloads = False
        self.build_filters = {"versionName", "status", "os"}
        self.downloads_limit: int | None = None
        self.may_list_people = True
        self.collaborators: list[Wire] = []
        self.employees: list[Wire] = []
        self.organization: Wire = {
            "id": hashlib.sha256(organization.encode()).hexdigest()[:24],
            "name": organization.replace("-", " ").title(),
            "slug": organization,
        }
        self.other_organizations: list[Wire] = []  # that the same credential sees
        self.apps: list[FakeApp] = []
        self.builds: list[FakeBuild] = []
        self.members: list[Wire] = []
        self.downloads: list[FakeDownload] = []
        self.notifications: list[Wire] = []
        self.minted: list[DownloadToken] = []
        self.spent: list[DownloadToken] = []
        self.requests: list[RecordedRequest] = []
        self.webhooks: list[SentWebhook] = []
        self.faults = FaultQueue()
        self.listeners: list[Listener] = []
        self._changed = asyncio.Event()
        self._last_change = (0.0, "nothing")

    # -------------------------------------------------------------- telling and waiting

    @property
    def paging(self) -> Paging:
        """How lists are paged."""
        return Paging(self.page_size, self.largest_page, self.refuses_larger_pages)

    def tell(self, kind: str, payload: Wire) -> None:
        """Tell every listener, then wake whoever waits in `until`."""
        for listener in tuple(self.listeners):
            listener(kind, payload)
        self.stir()

    def stir(self) -> None:
        """Wake whoever waits in `until`, without an event for the listeners."""
        self._last_change = (time.monotonic(), "a request, a build or a webhook")
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, predicate: Callable[[], Any], timeout: float = STILL_SECONDS) -> Any:  # noqa: ASYNC109
        """Wait until `predicate` holds and return what it gave. Raises NothingMoves, a TimeoutError.

        It is asked again whenever something happened here: a request came or went, a build moved, a webhook was sent;
        it is given up when that has not been for `timeout` seconds.
        """

        async def seen() -> Any:
            while not (found := predicate()):
                await self._changed.wait()
            return found

        return await while_it_moves(predicate, seen(), lambda: self._last_change, timeout)

    # -------------------------------------------------------------- ids and times

    def now(self) -> datetime:
        """The fake time, aware UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def moment(self, when: When) -> datetime:
        """Read a moment as tests write it; None is now. Raises ValueError for words that are no date."""
        if when is None:
            return self.now()
        if isinstance(when, datetime):
            return when.astimezone(UTC)
        return datetime.fromtimestamp(when, UTC) if isinstance(when, int | float) else datetime.fromisoformat(when)

    def _digest(self, kind: str) -> bytes:
        self.counter += 1
        return hashlib.sha256(f"{self.organization['slug']}:{kind}:{self.counter}".encode()).digest()

    def new_id(self, kind: str) -> str:
        """Give a fresh 24-hex id; the same calls in the same order give the same ids."""
        return self._digest(kind).hex()[:24]

    def new_file_id(self) -> str:
        """Give a fresh file id: 24 letters and digits that are not hex, as the vendor's example is."""
        return "F" + "".join(_LETTERS[byte % len(_LETTERS)] for byte in self._digest("file")[:22]) + "z"

    # -------------------------------------------------------------- apps

    def announce_in_slack(
        self, channel: str | None, *events: str, team: str = "Sandbox", app: FakeApp | None = None
    ) -> Wire:
        """Add Applivery's own Slack app to a channel: the workspace's subscription, or a single app's.

        Stored as `config.slack{team,channel}`: https://docs.applivery.com/en/api/workspace/organization-notifications/
        """
        at = timestamp(self.clock())
        wire: Wire = {"id": self.new_id("notification"), "organization": self.organization["id"]}
        wire |= {"application": app.id} if app else {}
        wire |= {"type": "slack", "description": "", "createdAt": at, "updatedAt": at}
        wire["events"] = dict.fromkeys(events or ("buildProcessed",), True)
        wire["config"] = {"slack": {"team": team, **({"channel": channel} if channel is not None else {})}}
        self.notifications.append(wire)
        return wire

    def app(
        self,
        name: str,
        slug: str | None = None,
        oss: tuple[str, ...] = ("ios", "android"),
        *,
        app_token: str | None = None,
        **extra: Any,
    ) -> FakeApp:
        """Make an app, or give the one that has this slug already; `extra` are wire fields that win."""
        slug = slug or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        known = self.find_app(slug)
        if known is None:
            wire = app_wire(
                self.new_id("app"),
                name=name,
                slug=slug,
                oss=oss,
                organization=self.organization["id"],
                at=timestamp(self.clock()),
            )
            known = FakeApp(wire, app_token or f"app-token-{slug}")
            self.apps.append(known)
        known.update(extra)
        self.tell("app", dict(known))
        return known

    def find_app(self, key: str) -> FakeApp | None:
        """Find an app by id or slug."""
        return next((app for app in self.apps if key in (app.id, app.slug)), None)

    # -------------------------------------------------------------- builds, looked up

    def find_build(self, build_id: str) -> FakeBuild | None:
        """Find a build by id; None when it is unknown or deleted."""
        return next((build for build in self.builds if build.id == build_id.lower()), None)

    def builds_of(self, app: FakeApp) -> list[FakeBuild]:
        """The app's builds, in the order they were made."""
        return [build for build in self.builds if build.app is app]

    # -------------------------------------------------------------- people and what they downloaded

    def member(
        self, kind: str = "user", *, email: str | None = None, first: str | None = None, last: str | None = None
    ) -> Wire:
        """Make a person as the download log names one; `unknown` and `anonymous` have nothing but their type."""
        wire: Wire = {"type": kind}
        if kind not in NAMELESS:
            number = len(self.members) + 1
            wire["memberId"] = self.new_id("member")
            wire["email"] = email or f"person{number}@acme.example"
            wire["firstName"] = first if first is not None else "Person"
            wire["lastName"] = last if last is not None else str(number)
            wire["picture"] = ""
        self.members.append(wire)
        return wire

    def collaborator(self, email: str, *, app: FakeApp | None = None, role: str = "user") -> Wire:
        """Make somebody who works on the workspace, or on one app of it; `role` serviceAccount is no person.

        Somebody who is there already keeps their id, as one person may work on several apps.
        """
        known = (
            collaborator["user"]["id"] for collaborator in self.collaborators if collaborator["user"]["email"] == email
        )
        user = {"id": next(known, None) or self.new_id("user"), "email": email, "firstName": "", "lastName": ""}
        wire: Wire = {"id": self.new_id("collaborator"), "role": "viewer", "tags": [], "user": user | {"role": role}}
        if app is not None:
            wire["application"] = {"_id": app.id, "name": app.name, "slug": app.slug}
        self.collaborators.append(wire)
        return wire

    def employee(self, app: FakeApp, email: str) -> Wire:
        """Make a store user who was invited to an app."""
        person = {"_id": self.new_id("employee"), "email": email, "firstName": "", "lastName": ""}
        wire: Wire = {"id": self.new_id("invitation"), "application": app.id, "employee": person, "type": "traditional"}
        self.employees.append(wire)
        return wire

    def download(
        self,
        build: FakeBuild,
        member: Wire | None = None,
        *,
        at: When = None,
        device: str = "iPhone 15",
        os_version: str = "17.1",
        source: str = "store",
        **extra: Any,
    ) -> FakeDownload:
        """Record that `member` (None: unknown) downloaded `build`; `extra` are wire fields of the download that win."""
        wire = download_wire(build, self.new_id("download"), len(self.downloads), timestamp(self.moment(at)), source)
        wire["device"] = {"model": device, "type": "phone" if device else ""}
        wire["os"] = {"name": _OS_NAMES.get(str(build.wire.get("os")), ""), "version": os_version}
        wire.update(extra)
        row = FakeDownload(build.app.id, build.id, member or {"type": "unknown"}, wire)
        self.downloads.append(row)
        self.tell("download", {"app_id": row.app_id, "build_id": row.build_id, "member": row.member, "download": wire})
        return row
