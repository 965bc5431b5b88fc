"""Downloads, as Applivery lists them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Member(Struct, frozen=True):
    """Who downloaded; `kind` is Applivery's `member.type`, also if the value is unknown."""

    kind: str
    id: str | None = None
    email: str | None = None
    name: str | None = None


class Download(Struct, frozen=True):
    """A recorded download; the parser drops network data (guarantee 8)."""

    id: str | None = None
    at: datetime | None = None
    build_id: str | None = None
    version: str | None = None
    platform: str | None = None
    device: str | None = None
    os: str | None = None
    source: str | None = None


class MemberDownloads(Struct, frozen=True):
    """A row of Applivery's by-user list; `total` may differ from `len(downloads)`."""

    member: Member
    downloads: tuple[Download, ...] = ()
    total: int | None = None
