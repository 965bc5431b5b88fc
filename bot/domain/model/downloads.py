"""Downloads, as Applivery lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Member:
    """Who downloaded; `kind` is Applivery's `member.type`, kept even when it is a new word."""

    kind: str
    id: str | None = None
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """One recorded download. Network information does not exist past the parser (guarantee 8)."""

    id: str | None = None
    at: datetime | None = None
    build_id: str | None = None
    version: str | None = None
    platform: str | None = None
    device: str | None = None
    os: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class MemberDownloads:
    """One row of Applivery's by-user answer; `total` may differ from `len(downloads)`."""

    member: Member
    downloads: tuple[Download, ...] = ()
    total: int | None = None
