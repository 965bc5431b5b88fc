"""The nouns of the fake Applivery: apps, builds, downloads, tokens, and the requests it heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.applivery.contents import FileContent

Wire = dict[str, Any]
"""An object as it goes over the wire; tests may change one freely to send odd shapes."""

READY = ("processed", "success")


class FakeApp(dict[str, Any]):
    """An app: the dict is what the API answers; `token` is its App API Token, good for /v1/integrations only."""

    def __init__(self, wire: Wire, token: str) -> None:
        super().__init__(wire)
        self.token = token

    @property
    def id(self) -> str:
        """The 24-hex id."""
        return str(self["id"])

    @property
    def slug(self) -> str:
        """The slug, good in paths as well."""
        return str(self["slug"])

    @property
    def name(self) -> str:
        """The name people see."""
        return str(self["name"])


@dataclass
class ScheduledStatus:
    """A status a build will take by itself, `after` seconds on; `since` is when that wait began (epoch seconds)."""

    status: str
    after: float
    since: float | None = None


@dataclass(eq=False)
class FakeBuild:
    """A build: `wire` is what the details answer, `form` the upload's fields as they were sent (`icon` its
    packageIcon), `contents` by file id.

    `steps` are the moves it still makes by itself; `outcome` is the (error, errorCode) it fails with, if it will;
    `entered_at` is when it took its status (epoch seconds).
    """

    app: FakeApp
    wire: Wire
    contents: dict[str, FileContent] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    steps: list[ScheduledStatus] = field(default_factory=list)
    outcome: tuple[str, str] | None = None
    entered_at: float = 0
    icon: FileContent | None = None

    @property
    def id(self) -> str:
        """The 24-hex id."""
        return str(self.wire["id"])

    @property
    def status(self) -> str:
        """Applivery's word for how far it is."""
        return str(self.wire.get("status"))

    @property
    def ready(self) -> bool:
        """Whether tokens can be minted for it."""
        return self.status in READY

    def file(self, kind: str) -> FileContent | None:
        """Give the first file of this kind (package, original), or None."""
        for entry in self.wire.get("files") or ():
            if entry.get("type") == kind:
                return self.contents.get(entry["id"])
        return None


@dataclass(eq=False)
class FakeDownload:
    """One line of the download log: `wire` without the member, and the member as by-user answers it."""

    app_id: str
    build_id: str
    member: Wire
    wire: Wire


@dataclass
class DownloadToken:
    """A minted download token; `expires_at` is epoch seconds, `spent_count` how often it gave its redirect (0 or 1).

    `key` is the file it leads to: an id from the build's `files`, or `manifest`.
    """

    token: str
    build_id: str
    type: str
    file_id: str | None
    expires_at: float
    key: str
    spent_count: int = 0


@dataclass
class RecordedRequest:
    """A request that was heard; `status` is None while it runs and when the connection was cut.

    `at` is epoch seconds; `authorization_ok` is None where no credential is asked for or a fault answered first.
    """

    method: str
    path: str
    query: dict[str, str]
    at: float
    status: int | None = None
    authorization_ok: bool | None = None


@dataclass(frozen=True)
class SentWebhook:
    """A webhook that was sent; `status` is the receiver's answer, None when nobody answered."""

    url: str
    body: Wire
    status: int | None
