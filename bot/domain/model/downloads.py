"""Downloads, as Applivery lists them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Member(Struct, frozen=True):
    """Who downloaded; `kind` is Applivery's `member.type`, kept even when it is a new word."""

    kind: str
    id: str | None = None
    email: str | None = None
    name: str | None = None


class Download(Struct, frozen=True):
    """One recorded download. Network information does not exist past the parser (guarantee 8)."""

    id: str | None = None
    at: datetime | None = None
    build_id: str | None = None
    version: str | None = None
    platform: str | None = None
    device: str | None = None
    os: str | None = None
    source: str | None = None


class MemberDownloads(Struct, frozen=True):
    """One row of Applivery's by-user answer; `total` may differ from `len(downloads)`."""

    member: Member
    downloads: tuple[Download, ...] = ()
    total: int | None = None
