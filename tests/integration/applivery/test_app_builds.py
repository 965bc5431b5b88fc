"""Uploading and attaching by both of Applivery's APIs: every field as it arrives, and every way it can go wrong."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.applivery.app_builds import AppBuilds, by_app_token
from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.multipart import SmallFile, StreamedFile
from bot.applivery.upload import UploadTimeouts
from bot.domain.model import App, Stage
from bot.domain.uploads import CiMetadata, UploadMetadata
from bot.exceptions import (
    AppliveryError,
    AppliveryRateLimited,
    BuildNotProcessed,
    Conflict,
    FeatureNotInPlan,
    FileReadError,
    InvalidCredentials,
    InvalidUpload,
    NotFound,
    QuotaExceeded,
    RequestRejected,
    ServiceUnavailable,
    UnsupportedFile,
    UploadOutcomeUnknown,
    UserInputError,
)
from sandbox.applivery import FakeApplivery
from sandbox.faults import Fault
from tests.integration.applivery.conftest import MakeClient, hosts_of
from tests.support.handing import free_port
from tests.support.waiting import busyness

QUICK = UploadTimeouts(wait=0.05, stall=5.0, answer=5.0, looks=(0.0, 0.01))
POSTING = "POST *builds"
CONTENT = b"PK\x03\x04" + bytes(range(256)) * 40 + b"\r\n--not-a-boundary\r\n"

EVERYTHING = UploadMetadata(
    version_name="v2.4.0-rc1 “Ñandú”",
    tags=("staging", "sprint-42"),
    changelog='Fixed crash\r\n--on "login"\nnever & <again>',
    notify_collaborators=True,
    notify_employees=True,
    notify_message="New build\nready",
    notify_language="es",
    groups=(("group1", "group2"), ("group3",)),
    deployer=CiMetadata(
        name="GitHub Actions",
        commit_message="Fix crash\n\non login",
        commit="f52ace0",
        branch="release/2.4",
        tag="v2.4.0-rc1",
        triggered=1558359012580,
        build_url="https://github.com/myorg/myapp/actions/runs/123",
        ci_url="https://github.com/myorg/myapp/actions",
        repository_url="https://github.com/myorg/myapp",
        build_number="173",
    ),
    platform="ps5",
    package_name="com.acme.courier",
    package_version="2.4.0",
)
ON_THE_WIRE = {
    "buildPlatform": "ps5",
    "packageName": "com.acme.courier",
    "packageVersion": "2.4.0",
    "versionName": "v2.4.0-rc1 “Ñandú”",
    "tags": "staging,sprint-42",
    "changelog": 'Fixed crash\r\n--on "login"\nnever & <again>',
    "notifyCollaborators": "true",
    "notifyEmployees": "true",
    "notifyMessage": "New build\nready",
    "notifyLanguage": "es",
    "filter[0][0]": "group1",
    "filter[0][1]": "group2",
    "filter[1][0]": "group3",
    "deployer.name": "GitHub Actions",
    "deployer.info.commitMessage": "Fix crash\n\non login",
    "deployer.info.commit": "f52ace0",
    "deployer.info.branch": "release/2.4",
    "deployer.info.tag": "v2.4.0-rc1",
    "deployer.info.triggerTimestamp": "1558359012580",
    "deployer.info.buildUrl": "https://github.com/myorg/myapp/actions/runs/123",
    "deployer.info.ciUrl": "https://github.com/myorg/myapp/actions",
    "deployer.info.repositoryUrl": "https://github.com/myorg/myapp",
    "deployer.info.buildNumber": "173",
}


def parcel(
    content: bytes = CONTENT, name: str = "courier.ipa", *, size: int | None = None, piece: int = 1000
) -> StreamedFile:
    """A file in memory, read in pieces."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(content), piece):
                yield content[start : start + piece]

        yield pieces()

    return StreamedFile(name, len(content) if size is None else size, opened)


Make = Callable[..., Any]


@pytest.fixture(params=["workspace", "integrations"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def courier(server: FakeApplivery) -> Any:
    return server.app("Courier", slug="courier", app_token="courier-app-token")


@pytest.fixture
async def app_builds(
    family: str, server: FakeApplivery, make_client: MakeClient, courier: Any
) -> AsyncIterator[AppBuilds]:
    async with AsyncExitStack() as stack:
        if family == "workspace":
            made = make_client(timeouts=QUICK).app_builds(App(courier.id, "courier", "Courier"))
        else:
            made = await stack.enter_async_context(by_app_token(hosts_of(server), courier.token, timeouts=QUICK))
        yield made


# ------------------------------------------------------------------ what arrives


async def test_every_field_arrives_under_its_documented_name(app_builds: AppBuilds, server: FakeApplivery) -> None:
    icon = SmallFile("icon.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"icon")
    done = await app_builds.upload(parcel(), EVERYTHING, icon=icon)
    [build] = server.builds
    assert build.form == ON_THE_WIRE
    package = build.file("package")
    assert package is not None
    assert package.kept == CONTENT
    assert (package.name, package.mimetype) == ("courier.ipa", "application/octet-stream")
    assert build.icon is not None
    assert (build.icon.kept, build.icon.name, build.icon.mimetype) == (icon.content, "icon.png", "image/png")
    assert (done.build.id, done.build.stage, done.found) == (build.id, Stage.PENDING, False)
    assert done.build.app.name == "Courier"


async def test_upload_sends_no_mail_and_no_unknown_field_by_default(
    app_builds: AppBuilds, server: FakeApplivery
) -> None:
    await app_builds.upload(parcel(), UploadMetadata())
    assert server.builds[0].form == {"notifyCollaborators": "false", "notifyEmployees": "false"}


async def test_a_large_file_arrives_whole_and_its_progress_is_told(
    app_builds: AppBuilds, server: FakeApplivery
) -> None:
    content = b"PK\x03\x04" + b"large" * 900_000
    heard: list[int] = []
    await app_builds.upload(parcel(content, "courier.apk", piece=256 * 1024), UploadMetadata(), progress=heard.append)
    package = server.builds[0].file("package")
    assert package is not None
    assert (package.size, package.digest) == (len(content), hashlib.sha256(content).hexdigest())
    assert heard == sorted(heard)
    assert heard[-1] == len(content)


@pytest.mark.parametrize("name", ['a"b.ipa', "línea ñ.ipa", "a\r\nb.ipa", "a b;c.ipa"])
async def test_a_file_s_name_cannot_break_the_form(app_builds: AppBuilds, server: FakeApplivery, name: str) -> None:
    await app_builds.upload(parcel(name=name), UploadMetadata(version_name="1.0"))
    assert server.builds[0].form["versionName"] == "1.0"
    package = server.builds[0].file("package")
    assert package is not None
    assert package.name.endswith(".ipa")
    assert package.kept == CONTENT


async def test_a_file_is_attached_to_a_processed_build(
    app_builds: AppBuilds, server: FakeApplivery, courier: Any
) -> None:
    build = server.build(courier, version="1.0")
    done = await app_builds.attach(build.id, parcel(b"%PDF notes", "notes.pdf"))
    assert [(attachment.name, attachment.size) for attachment in done.attachments] == [("notes.pdf", 10)]
    assert build.file("attachment").kept == b"%PDF notes"  # type: ignore[union-attr]


async def test_a_build_that_is_not_processed_takes_no_attachment(
    app_builds: AppBuilds, server: FakeApplivery, courier: Any
) -> None:
    build = server.build(courier, status="in_progress")
    with pytest.raises(BuildNotProcessed, match=r"once Applivery has processed.*Nothing was uploaded"):
        await app_builds.attach(build.id, parcel(b"notes", "notes.txt"))
    assert not posts(server)


# ------------------------------------------------------------------ what is refused before anything is sent


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("courier.txt", b"text", "as a build"),
        ("ipa", b"PK\x03\x04", "as a build"),
        (".ipa", b"PK\x03\x04", "as a build"),
        ("courier.ipa", b"", "is empty"),
        ("courier.ipa", b"<!DOCTYPE html><title>Not found</title>", "contains text"),
        ("courier.apk", b"\x7fELF", "valid .apk file"),
    ],
)
async def test_a_file_that_is_no_build_is_not_sent(
    app_builds: AppBuilds, server: FakeApplivery, name: str, content: bytes, words: str
) -> None:
    with pytest.raises(UnsupportedFile, match=words):
        await app_builds.upload(parcel(content, name), UploadMetadata())
    assert not posts(server)


async def test_a_file_above_4_gb_is_not_sent(app_builds: AppBuilds, server: FakeApplivery) -> None:
    with pytest.raises(UnsupportedFile, match=r"is 4\.3 GB\. Applivery accepts up to 4 GB"):
        await app_builds.upload(parcel(size=4 * 1024**3 + 1), UploadMetadata())
    assert not server.requests


@pytest.mark.parametrize(
    "details",
    [
        UploadMetadata(platform="ps5"),
        UploadMetadata(platform="amiga"),
        UploadMetadata(notify_language="tlh", notify_employees=True),
        UploadMetadata(groups=(("qa",),)),
        UploadMetadata(notify_message="hello"),
    ],
)
async def test_fields_that_applivery_would_refuse_are_refused_first(
    app_builds: AppBuilds, server: FakeApplivery, details: UploadMetadata
) -> None:
    with pytest.raises(UserInputError):
        await app_builds.upload(parcel(), details)
    assert not server.requests


# ------------------------------------------------------------------ what Applivery refuses


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (400, 5024, Conflict, r"name is already used.*Nothing was uploaded.*another version name"),
        (401, 3002, InvalidCredentials, r"token has expired.*Nothing was uploaded.*new token"),
        (404, 3001, NotFound, r"can't see that app in Applivery.*Nothing was uploaded"),
        (401, 4002, InvalidCredentials, r"couldn't read the token.*Nothing was uploaded"),
        (401, 4004, InvalidCredentials, r"doesn't know the token.*Nothing was uploaded"),
        (403, 5003, QuotaExceeded, r"plan's limit.*code 5003.*Nothing was uploaded"),
        (403, 5004, FeatureNotInPlan, r"plan doesn't include.*Nothing was uploaded"),
        (400, 5006, InvalidUpload, r"couldn't use the file.*Nothing was uploaded"),
        (400, None, RequestRejected, r"didn't accept the request"),
    ],
)
async def test_upload_refusal_has_cause_and_next_step_and_no_retry(
    app_builds: AppBuilds, server: FakeApplivery, status: int, code: int | None, kind: type[AppliveryError], words: str
) -> None:
    server.faults.add(POSTING, Fault(status=status, code=code, error="No"))
    with pytest.raises(kind, match=words) as raised:
        await app_builds.upload(parcel(), UploadMetadata())
    assert raised.value.code == code
    assert len(posts(server)) == 1
    assert not server.builds


async def test_413_says_that_the_file_is_too_large(app_builds: AppBuilds, server: FakeApplivery) -> None:
    server.faults.add(POSTING, Fault(status=413, body="<h1>Request Entity Too Large</h1>"))
    with pytest.raises(InvalidUpload, match="too large for Applivery"):
        await app_builds.upload(parcel(), UploadMetadata())


async def test_a_wrong_token_is_found_out_before_the_file_is_sent(server: FakeApplivery) -> None:
    async with by_app_token(hosts_of(server), "no-such-token") as app_builds:
        with pytest.raises(InvalidCredentials, match="doesn't know the token"):
            await app_builds.upload(parcel(), UploadMetadata())
    assert not posts(server)


async def test_upload_app_token_as_service_account_is_recognised(
    server: FakeApplivery, courier: Any, make_client: MakeClient
) -> None:
    client: AppliveryClient = make_client(token=courier.token)
    with pytest.raises(InvalidCredentials, match=r"is an App API Token.*`APPLIVERY_APP_TOKEN`"):
        await client.app_builds(App(courier.id, "courier", "Courier")).upload(parcel(), UploadMetadata())
    async with by_app_token(hosts_of(server), server.token) as app_builds:
        with pytest.raises(InvalidCredentials, match=r"belongs to a Service Account.*`APPLIVERY_TOKEN`"):
            await app_builds.upload(parcel(), UploadMetadata())
    assert not server.builds


# ------------------------------------------------------------------ once, and not twice


async def test_an_upload_that_could_not_begin_is_tried_again(
    family: str, server: FakeApplivery, make_client: MakeClient, courier: Any
) -> None:
    """Nobody listens on the upload host at first: nothing can have arrived there."""
    port = free_port()
    upload = f"http://127.0.0.1:{port}"
    hosts = AppliveryHosts(api=server.url, upload=upload, download=server.url, dashboard=server.url)
    listening: list[asyncio.Task[None]] = []

    async def listen() -> None:
        site = web.TCPSite(server._runner, "127.0.0.1", port)  # type: ignore[arg-type]
        await site.start()

    def progress(sent: int) -> None:
        if not listening:  # the first try has come to nothing
            assert sent == 0
            listening.append(asyncio.ensure_future(listen()))

    async with AsyncExitStack() as stack:
        if family == "workspace":
            app_builds = make_client(hosts=hosts, timeouts=QUICK).app_builds(App(courier.id, "courier", "Courier"))
        else:
            app_builds = await stack.enter_async_context(by_app_token(hosts, courier.token, timeouts=QUICK))
        await app_builds.upload(parcel(), UploadMetadata(), progress=progress)
    assert len(listening) == 1
    assert len(server.builds) == len(posts(server)) == 1


async def test_upload_unreachable_host_says_nothing_was_sent(
    server: FakeApplivery, make_client: MakeClient, courier: Any
) -> None:
    nobody = AppliveryHosts(
        api=server.url, upload=f"http://127.0.0.1:{free_port()}", download=server.url, dashboard=server.url
    )
    client = make_client(hosts=nobody, timeouts=QUICK)
    with pytest.raises(ServiceUnavailable, match=r"can't be reached\. Nothing was sent"):
        await client.app_builds(App(courier.id, "courier", "Courier")).upload(parcel(), UploadMetadata())


async def test_a_429_is_waited_out_because_it_took_nothing(app_builds: AppBuilds, server: FakeApplivery) -> None:
    server.faults.add(POSTING, Fault(status=429, retry_after=0))
    await app_builds.upload(parcel(), UploadMetadata())
    assert len(server.builds) == 1
    server.faults.add(POSTING, Fault(status=429, retry_after=4000))
    with pytest.raises(AppliveryRateLimited):
        await app_builds.upload(parcel(), UploadMetadata())


@pytest.mark.parametrize("fault", [Fault(drop_after=True), Fault(status=502, body="<h1>Bad gateway</h1>")])
async def test_upload_lost_answer_is_found_and_not_sent_again(
    app_builds: AppBuilds, server: FakeApplivery, courier: Any, fault: Fault
) -> None:
    server.build(courier, version="2.4.0", size=len(CONTENT))  # the same version and size, and older
    if fault.status:  # a gateway that gave up while Applivery had it all
        server.faults.add(POSTING, Fault(drop_after=True))
    else:
        server.faults.add(POSTING, fault)
    done = await app_builds.upload(parcel(), UploadMetadata(version_name="2.4.0"))
    assert done.found
    assert done.build.id == server.builds[-1].id
    assert len(server.builds) == 2
    assert len(posts(server)) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(drop_at=0.99), r"connection to Applivery broke.*your file's version and size"),
        (Fault(drop_at=0.5), r"before the whole file was sent.*no new build.*You can upload it again"),
        (Fault(drop=True), r"connection to Applivery broke.*no new build"),
        (
            Fault(status=502, body="<h1>Bad gateway</h1>"),
            r"an error \(HTTP 502\).*no new build.*builds in a few minutes",
        ),
    ],
)
async def test_a_cut_upload_that_left_no_build_is_never_called_done(
    app_builds: AppBuilds, server: FakeApplivery, courier: Any, fault: Fault, words: str
) -> None:
    server.build(courier, version="2.4.0", size=60_000_004)
    content = b"PK\x03\x04" + bytes(60_000_000)
    server.faults.add(POSTING, fault)
    with pytest.raises(UploadOutcomeUnknown, match=words):
        await app_builds.upload(parcel(content, piece=64 * 1024), UploadMetadata(version_name="2.4.0"))
    assert len(posts(server)) == 1
    assert len(server.builds) == 1


async def test_when_applivery_lets_us_look_at_nothing_that_is_said(
    app_builds: AppBuilds, server: FakeApplivery
) -> None:
    server.faults.add(POSTING, Fault(drop_after=True))
    looking = iter([None])

    def refuse(body: Any) -> Any:
        return body if next(looking, "no") is None else {"status": False, "error": {"code": 4004}}

    server.reshape("GET *builds", refuse)
    with pytest.raises(UploadOutcomeUnknown, match="couldn't check whether it arrived"):
        await app_builds.upload(parcel(), UploadMetadata())


async def test_upload_lost_answer_ignores_other_builds(
    app_builds: AppBuilds, server: FakeApplivery, courier: Any
) -> None:
    """Another size, another version, and an older build that a deletion brought onto the page."""
    server.faults.add(POSTING, Fault(drop=True))
    server.build(courier, version="1.0", created_at="2026-01-02T00:00:00Z")

    def others(body: Any) -> Any:
        if posts(server) and not server.builds[1:]:
            server.build(courier, version="2.4.0", size=5)
            server.build(courier, version="2.3.9", size=len(CONTENT))
            server.build(courier, version="2.4.0", size=len(CONTENT), created_at="2026-01-01T00:00:00Z")
        return body

    server.reshape("GET *builds", others)
    with pytest.raises(UploadOutcomeUnknown):
        await app_builds.upload(parcel(), UploadMetadata(version_name="2.4.0"))
    assert len(server.builds) == 4


async def test_an_attachment_whose_answer_was_lost_is_found(
    app_builds: AppBuilds, server: FakeApplivery, courier: Any
) -> None:
    build = server.build(courier)
    server.attach(build, "notes.pdf", b"%PDF older")
    server.faults.add("POST *files", Fault(drop_after=True))
    done = await app_builds.attach(build.id, parcel(b"%PDF newer", "notes.pdf"))
    assert len(done.attachments) == 2
    server.faults.add("POST *files", Fault(drop=True))
    with pytest.raises(UploadOutcomeUnknown, match=r"no new file with the same name and size"):
        await app_builds.attach(build.id, parcel(b"%PDF third", "notes.pdf"))


# ------------------------------------------------------------------ the file itself


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
async def test_a_file_that_changes_on_the_way_makes_no_build(
    app_builds: AppBuilds, server: FakeApplivery, size: int
) -> None:
    with pytest.raises(FileReadError, match="changed its size"):
        await app_builds.upload(parcel(size=size), UploadMetadata())
    assert not server.builds


async def test_a_file_that_cannot_be_read_to_its_end_makes_no_build(
    app_builds: AppBuilds, server: FakeApplivery
) -> None:
    @asynccontextmanager
    async def breaking() -> AsyncIterator[AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            yield CONTENT[:5000]
            raise FileReadError("Slack broke off.", "Nothing was uploaded.")

        yield pieces()

    with pytest.raises(FileReadError, match="Slack broke off"):
        await app_builds.upload(StreamedFile("courier.ipa", len(CONTENT), breaking), UploadMetadata())
    assert not server.builds


async def test_an_upload_that_stands_still_is_given_up(
    server: FakeApplivery, make_client: MakeClient, courier: Any
) -> None:
    impatient = make_client(timeouts=replace(QUICK, stall=0.3, answer=0.3))
    server.faults.add(POSTING, Fault(latency=30))
    with pytest.raises(UploadOutcomeUnknown):
        async with asyncio.timeout(10 * busyness()):
            await impatient.app_builds(App(courier.id, "courier", "Courier")).upload(parcel(), UploadMetadata())


def posts(server: FakeApplivery) -> list[Any]:
    return [request for request in server.requests if request.method == "POST"]
