"""Decode Applivery's JSON into domain objects; pure, and with `schemas` the only place that knows its keys and values.

An unknown value becomes None or UNKNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from bot.applivery import schemas
from bot.applivery.coercion import count, first, flag, moment, number, text, texts
from bot.applivery.envelope import Page, first_rows, item, listed, must, object_of, page_of, unreadable
from bot.applivery.json_stream import JsonArrayStream
from bot.applivery.notifications import WebhookSubscription
from bot.domain import build_files, uploads
from bot.domain.members import mailbox
from bot.domain.model import (
    App,
    Attachment,
    Build,
    BuildRetention,
    BuildSource,
    Download,
    FileKind,
    InstallRequirements,
    Link,
    Member,
    MemberDownloads,
    Stage,
    Workspace,
)
from bot.domain.slack_imports import SlackAnnouncement
from bot.exceptions import InvalidResponse

# https://docs.applivery.com/en/app-distribution/api/builds/list-builds, without word separators
_STAGES = {
    "pending": Stage.PENDING,
    "inprogress": Stage.RUNNING,
    "processed": Stage.READY,
    "success": Stage.READY,  # the upload page's name for `processed`
    "error": Stage.FAILED,
    "failed": Stage.FAILED,
}
_NO_PLATFORM = ("", "unknown", "other", "none", "null", "undefined", "package")
_PLATFORM_WORDS = {"osx": "macos", "mac": "macos", "win": "windows", "aos": "android"}  # as in the vendor's webhooks
_UPLOADED = ("original", "package")  # of a build's files
_SEPARATORS = re.compile(r"[\s_-]+")
_BARE_ID = re.compile(r"[a-fA-F0-9]{24}")

# ----------------------------------------------------------------- whole responses; all raise as `object_of` does


def apps(body: bytes, *, page: int, limit: int) -> Page[App]:
    """Return page number `page` of the apps, with `limit` per page."""
    return page_of(body, schemas.AppSchema, _app, page=page, limit=limit)


def app(body: bytes) -> App:
    """Return one app. Raises InvalidResponse when it has neither id nor short name."""
    return must(_app(object_of(body, schemas.AppSchema)))


def builds(body: bytes, known: App, *, page: int, limit: int) -> Page[Build]:
    """Return the builds of a page; `known` supplies missing fields of their app."""
    return page_of(body, schemas.BuildSchema, lambda item: _build(item, known), page=page, limit=limit)


def build(body: bytes, known: App) -> Build:
    """Return one build with its attachments. Raises InvalidResponse when it has no id."""
    return must(_build(object_of(body, schemas.BuildSchema), known))


def organization(body: bytes) -> str:
    """Return a workspace's name, or its short name or id."""
    organization = object_of(body, schemas.OrganizationSchema)
    return must(first(organization.name, organization.slug, organization.id))


def workspaces(body: bytes, *, page: int, limit: int) -> Page[Workspace]:
    """Return the workspaces of a page."""
    return page_of(body, schemas.OrganizationSchema, _workspace, page=page, limit=limit)


def _workspace(item: schemas.OrganizationSchema) -> Workspace | None:
    slug, known_as = first(item.slug, item.id), first(item.id, item.slug)
    return Workspace(known_as, slug, first(item.name) or slug) if slug and known_as else None


def role(body: bytes) -> str | None:
    """Return the credential's role in an app; None when Applivery does not report it."""
    return text(schemas.read(object_of(body, schemas.AppSchema).security, schemas.SecuritySchema).role)


def notifications(body: bytes, *, page: int, limit: int) -> Page[WebhookSubscription]:
    """Return a page of the workspace's own subscriptions."""
    return page_of(body, schemas.NotificationSchema, _notification, page=page, limit=limit)


def notification(body: bytes) -> WebhookSubscription:
    """Return one subscription of the workspace."""
    return must(_notification(object_of(body, schemas.NotificationSchema)))


def link(body: bytes, kind: FileKind, address: Callable[[str], str]) -> Link:
    """Return the link of a minted token; `address` turns the token into its URL."""
    found_token = object_of(body, schemas.TokenSchema)
    token = must(text(found_token.token))
    if set(token) <= {"."}:  # would be a parent folder in a path
        raise InvalidResponse
    return Link(url=address(token), token=token, kind=kind, expires_at=moment(found_token.expires_at))


class RowSink(Protocol):
    """Collector of the rows of a by-user response."""

    def add(self, row: MemberDownloads) -> None:
        """Take the next row."""


class RowList(list[MemberDownloads]):
    """Keeps every row."""

    def add(self, row: MemberDownloads) -> None:
        """Take the next row."""
        self.append(row)


class OneMember:
    """Keeps the downloads of the rows with one email address."""

    def __init__(self, email: str) -> None:
        self._mailbox = mailbox(email)
        self.downloads: list[Download] = []

    def add(self, row: MemberDownloads) -> None:
        """Take the next row."""
        if row.member.email and mailbox(row.member.email) == self._mailbox:
            self.downloads += row.downloads


_Takes = TypeVar("_Takes", bound=RowSink)


class _RowDecoder(Generic[_Takes]):
    """Decodes the rows of a by-user response, and checks that none is missing and not all are undecodable."""

    def __init__(self, into: _Takes) -> None:
        self._into = into
        self._seen = self._understood = 0
        self._odd: list[bytes] = []  # the first

    def decode(self, text: bytes) -> MemberDownloads | None:
        """Return one row; None for an invalid one."""
        made = self._made(item(text, schemas.MemberRowSchema))
        if made is None:
            self._odd = self._odd or [text]
        return made

    def _made(self, row: schemas.MemberRowSchema | None) -> MemberDownloads | None:
        self._seen += 1
        made = None if row is None else _member_row(row)
        self._understood += made is not None
        return made

    def last(self, rest: bytes) -> _Takes:
        """Add the remaining rows, and return all.

        Raises InvalidResponse when all rows are undecodable, and when the response reports more rows: a part of the
        downloads would give a wrong number.
        """
        left = listed(rest, schemas.MemberRowSchema, cut=bool(self._seen))
        for row in map(self._made, left.items):
            if row is not None:
                self._into.add(row)
        if left.more or (left.total or 0) > self._seen:
            raise InvalidResponse(why=f"{self._seen} of {left.total or 'more'} records")
        if self._seen and not self._understood:
            raise unreadable(self._seen, self._odd or first_rows(rest))
        return self._into


def member_downloads(body: bytes) -> list[MemberDownloads]:
    """Return the rows of a by-user response, in Applivery's order."""
    return _RowDecoder(RowList()).last(body)


def member_downloads_as_they_come(into: _Takes) -> JsonArrayStream[MemberDownloads, _Takes]:
    """Return a stream decoder that adds each row to `into`; `finish` raises as `member_downloads` does."""
    rows = _RowDecoder(into)
    return JsonArrayStream(rows.decode, into.add, rows.last)


# ------------------------------------------------------------------ apps and builds


def stage(status: str) -> Stage:
    """Return the stage for Applivery's status of a build, in any spelling; UNKNOWN for an unknown one."""
    return _STAGES.get(_SEPARATORS.sub("", status.casefold()), Stage.UNKNOWN)


def _app(item: schemas.AppSchema) -> App | None:
    identity = first(item.id, item.bare_id, item.slug)
    if identity is None:
        return None
    slug = text(item.slug) or identity
    platforms = texts(item.oss) or texts(item.build_platforms)
    processed_at = moment(item.last_build_processed_date)
    return App(identity, slug, text(item.name) or slug, platforms, processed_at, _retention(item.configuration))


def _retention(configuration: object) -> BuildRetention | None:
    """Return an app's retention of builds; None where it sets none.

    Without a positive number of days the workspace's value applies, which no response contains.
    """
    found = schemas.read(configuration, schemas.ConfigurationSchema)
    days, most = count(found.build_retention_days), count(found.max_billing_build_retention_days)
    kept = count(found.builds_retained_per_publication)
    if days is None and kept is None:
        return None
    return BuildRetention(min(days, most or days) if days else None, kept)


def _app_of(item: schemas.BuildSchema, known: App) -> App:
    app = schemas.read(item.application_info, schemas.AppSchema)
    bare = schemas.read(item.application, schemas.AppSchema)
    return App(
        id=first(app.id, app.bare_id, item.application, bare.id, bare.bare_id) or known.id,
        slug=first(app.slug, bare.slug) or known.slug,
        name=first(app.name, bare.name) or known.name,
        platforms=known.platforms,
    )


def _build(item: schemas.BuildSchema, known: App) -> Build | None:
    identity = first(item.id, item.bare_id)
    if identity is None:
        return None
    info, fault = schemas.read(item.info, schemas.InfoSchema), schemas.read(item.error, schemas.ErrorSchema)
    extension = _extension(item)
    plist, android = _plist(info), schemas.read(info.android, schemas.AndroidSchema)
    status = text(item.status) or ""
    return Build(
        id=identity,
        app=_app_of(item, known),
        stage=stage(status),
        status=status,
        version=first(item.version_name, plist.version, android.version) or "",
        number=first(item.version_code, plist.number, android.number) or "",
        platform=_platform(first(item.os, item.build_platform), extension, info),
        size=count(item.size),
        tags=texts(item.tags),
        changelog=text(item.changelog) or "",
        origin=(origin := _origin(item.deployer)),
        # the uploader of a build from Slack is the bot's account
        uploader=uploads.person(origin.name) or _uploader(item.uploaded_by),
        requirements=_requirements(info),
        attachments=_attachments(item.files),
        extension=extension,
        disabled=flag(item.disabled) or False,
        error=first(item.error, fault.message),
        error_code=first(item.error_code, fault.code),
        waited=number(item.queued_time),
        worked=number(item.process_time),
        created_at=moment(item.created_at),
        updated_at=moment(item.updated_at),
        uploader_email=first(schemas.read(item.uploaded_by, schemas.PersonSchema).email),
        icon=first(schemas.read(item.application_info, schemas.AppSchema).picture),
    )


def _extension(item: schemas.BuildSchema) -> str | None:
    """Return the extension of the uploaded file, in lower case and without a dot."""
    files = [
        schemas.read(file, schemas.AttachmentSchema) for file in (item.files if isinstance(item.files, list) else ())
    ]
    names = [
        text(schemas.read(attachment.file, schemas.FileSchema).original_name)
        for attachment in files
        if attachment.type in _UPLOADED
    ]
    found = text(item.original_extension) or next((build_files.extension(name) for name in names if name), None)
    return (found or "").strip(". ").lower() or None


def _platform(text: str | None, extension: str | None, info: schemas.InfoSchema) -> str:
    """Return a build's platform: Applivery's field, else by the file's extension, else by the file's contents."""
    word = (text or "").lower()
    if word not in _NO_PLATFORM:
        return _PLATFORM_WORDS.get(word, word)
    return build_files.platform_of(extension) or _read_out(info) or word


def _read_out(info: schemas.InfoSchema) -> str | None:
    android, ios = schemas.read(info.android, schemas.AndroidSchema), schemas.read(info.ios, schemas.IosSchema)
    if any(part is not None for part in (android.version, android.number, android.minimum)):
        return "android"
    if isinstance(ios.plist, schemas.PlistSchema) and ios.plist != schemas.PlistSchema():
        return "ios"
    return "macos" if isinstance(info.pkg, schemas.PlistSchema) and info.pkg != schemas.PlistSchema() else None


def _plist(info: schemas.InfoSchema) -> schemas.PlistSchema:
    ios = schemas.read(info.ios, schemas.IosSchema)
    return schemas.read(ios.plist if isinstance(ios.plist, schemas.PlistSchema) else info.pkg, schemas.PlistSchema)


def _requirements(info: schemas.InfoSchema) -> InstallRequirements:
    profile = schemas.read(schemas.read(info.ios, schemas.IosSchema).mobileprovision, schemas.ProfileSchema)
    return InstallRequirements(
        min_os=first(_plist(info).minimum, schemas.read(info.android, schemas.AndroidSchema).minimum),
        signing=text(profile.signing),
        profile_expires_at=moment(profile.expires),
        all_devices=flag(profile.all_devices),
        families=_families(_plist(info).families),
    )


def _families(value: object) -> tuple[int, ...]:
    listed = value if isinstance(value, str | list) else [value]
    return tuple(int(each) for each in texts(listed) if each.isdecimal() and len(each) < 4)


def _origin(deployer: object) -> BuildSource:
    told = schemas.read(deployer, schemas.DeployerSchema)
    info = schemas.read(told.info, schemas.OriginSchema)
    return BuildSource(
        name=first(told.name, deployer),
        branch=first(info.branch, info.old_branch),
        tag=first(info.tag, info.old_tag),
        commit=first(info.commit, info.old_commit),
        commit_message=first(info.commit_message, info.old_message),
        number=first(info.build_number, info.old_number),
        url=_web_address(first(info.build_url, info.old_url)),
        repository=first(info.repository_url, info.old_repository),
    )


def _web_address(url: str | None) -> str | None:
    """Return an address that a browser can open, else None: metadata is free text of the uploader."""
    return url if url and url.startswith(("https://", "http://")) and url.isprintable() and " " not in url else None


def _uploader(person: object) -> str | None:
    told = schemas.read(person, schemas.PersonSchema)
    bare = text(person)
    return first(_full_name(told), told.email) or (bare if bare and not _BARE_ID.fullmatch(bare) else None)


def _full_name(person: schemas.PersonSchema) -> str | None:
    return text(" ".join(texts([person.first_name, person.last_name])))


def _attachments(files: object) -> tuple[Attachment, ...]:
    made = (
        _attachment(schemas.read(file, schemas.AttachmentSchema)) for file in (files if isinstance(files, list) else ())
    )
    return tuple(attachment for attachment in made if attachment)


def _attachment(item: schemas.AttachmentSchema) -> Attachment | None:
    """Return an attached file; None for Applivery's own `package`, `icon` and `original`."""
    identity, kind = first(item.id, item.bare_id), text(item.type)
    if identity is None or kind not in (None, "attachment"):
        return None
    file = schemas.read(item.file, schemas.FileSchema)
    return Attachment(id=identity, name=text(file.original_name) or identity, kind=kind, size=count(file.size))


def _notification(item: schemas.NotificationSchema) -> WebhookSubscription | None:
    config = schemas.read(item.config, schemas.HookConfigSchema)
    hook = schemas.read(config.webhook, schemas.HookSchema)
    identity, url = text(item.id), text(hook.url)
    if identity is None and url is None:
        return None
    wanted = item.events if isinstance(item.events, dict) else {}
    events = frozenset(name for name, on in wanted.items() if flag(on))
    return WebhookSubscription(id=identity or "", url=url, events=events, slack=_slack(item, config, events))


def _slack(
    item: schemas.NotificationSchema, config: schemas.HookConfigSchema, events: frozenset[str]
) -> SlackAnnouncement | None:
    if text(item.type) != "slack" and not isinstance(config.slack, schemas.SlackSchema):
        return None
    place = schemas.read(config.slack, schemas.SlackSchema)
    return SlackAnnouncement(text(place.channel), text(place.team), events)


# ------------------------------------------------------------------ downloads


def _member(person: object) -> Member:
    told = schemas.read(person, schemas.PersonSchema)
    return Member(
        kind=text(told.type) or "unknown", id=text(told.member_id), email=text(told.email), name=_full_name(told)
    )


def _download(item: schemas.DownloadSchema) -> Download:
    of = schemas.read(item.build, schemas.DownloadedBuildSchema)
    device, system = schemas.read(item.device, schemas.DeviceSchema), schemas.read(item.os, schemas.SystemSchema)
    return Download(
        id=text(item.id),
        at=moment(item.created_at),
        build_id=first(of.id, item.build),
        version=text(of.version_name),
        platform=_lower(first(of.os, of.build_platform)),
        device=first(device.model, device.type, item.device),
        os=text(" ".join(texts([system.name, system.version]))) or text(item.os),
        source=text(item.source),
    )


def _lower(word: str | None) -> str | None:
    return word.lower() if word else None


def _member_row(row: schemas.MemberRowSchema) -> MemberDownloads:
    """Return the row of a person, or of one download, as in the plain log with a row per download.

    By-user responses of a tenant contain such rows (applivery-soar 9e69544).
    """
    listed: list[Any] = row.downloads if isinstance(row.downloads, list) else []
    made = tuple(_download(each) for each in listed if isinstance(each, schemas.DownloadSchema))
    if row.total is None and row.downloads is None and not (row.created_at is None and row.build is None):
        made = (_download(row),)
    return MemberDownloads(member=_member(row.member), downloads=made, total=count(row.total))
