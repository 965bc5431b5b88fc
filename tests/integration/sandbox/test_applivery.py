import asyncio
import io
import json
import plistlib
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from sandbox.applivery import FakeApplivery
from sandbox.applivery.payloads import DETAILS, NETWORKS
from sandbox.faults import Fault

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = NOON.timestamp()

    def __call__(self):
        return self.now


class Caller:
    """Somebody with a credential; every call gives (HTTP status, JSON body)."""

    def __init__(self, applivery, session, token="sa-sandbox-token"):
        self.applivery, self.session, self.token = applivery, session, token

    def request(self, method, path, **more):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.session.request(method, self.applivery.url + path, headers=headers, **more)

    async def call(self, method, path, **more):
        async with self.request(method, path, **more) as answer:
            return answer.status, await answer.json()

    async def get(self, path, **params):
        return await self.call("GET", path, params=params)

    async def data(self, path, **params):
        status, body = await self.get(path, **params)
        assert (status, body["status"]) == (200, True), body
        return body["data"]

    async def refusal(self, path, **params):
        status, body = await self.get(path, **params)
        assert body["status"] is False
        return status, body["error"].get("code")

    async def mint(self, build, **params):
        return (await self.data(place(build) + "/downloadToken", **params))["token"]

    async def bytes(self, token):
        async with self.session.get(f"{self.applivery.url}/v1/download/{token}") as answer:
            assert answer.status == 200
            assert int(answer.headers["Content-Length"]) == answer.content_length
            return await answer.read()

    async def resolve(self, token, method="GET"):
        url = f"{self.applivery.url}/v1/download/{token}"
        async with self.session.request(method, url, allow_redirects=False) as answer:
            code = (await answer.json())["error"]["code"] if answer.content_type == "application/json" else None
            return answer.status, code or answer.headers.get("Location")


async def once(request, handler):
    """aiohttp's client repeats a GET whose connection was cut; a test that counts must not let it."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectionError as cut:
        raise aiohttp.ClientPayloadError("cut") from cut


def place(build):
    return f"/v1/organizations/acme/apps/{build.app.slug}/builds/{build.id}"


BUILDS = "/v1/organizations/acme/apps/courier/builds"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def applivery(clock):
    applivery = FakeApplivery(clock=clock)
    await applivery.start()
    yield applivery
    await applivery.stop()


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def caller(applivery, session):
    return Caller(applivery, session)


@pytest.fixture
def courier(applivery):
    return applivery.app("Courier")


@pytest.fixture
async def inbox():
    """A webhook receiver; `received` fills up."""
    received = []

    async def take(request):
        received.append(await request.json())
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    received_at = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield received_at, received
    await runner.cleanup()


# ------------------------------------------------------------------ credentials, ids, envelope


@pytest.mark.parametrize(
    ("token", "refusal"), [(None, (401, 4002)), ("wrong", (401, 4004)), ("app-token-courier", (401, 4004))]
)
async def test_the_workspace_api_wants_the_service_account(applivery, session, courier, token, refusal):
    assert await Caller(applivery, session, token).refusal("/v1/organizations/acme") == refusal
    assert applivery.requests[-1].authorization_ok is False


async def test_applivery_integrations_api_takes_only_app_token(applivery, caller, session, courier):
    build = applivery.build(courier)
    applivery.build(applivery.app("Other"))
    by_app = Caller(applivery, session, courier.token)

    assert [item["id"] for item in (await by_app.data("/v1/integrations/builds"))["items"]] == [build.id]
    assert (await by_app.data(f"/v1/integrations/builds/{build.id}"))["files"]
    assert await caller.refusal("/v1/integrations/builds") == (401, 4004)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/organizations/other",
        "/v1/organizations/other/apps",
        "/v1/organizations/acme/apps/nothing",
        BUILDS + "/" + "0" * 24,
        BUILDS + "/" + "0" * 24 + "/downloadToken?type=file",
        "/v1/organizations/acme/apps/nothing/downloads/by-user",
    ],
)
async def test_applivery_missing_object_is_3001(caller, courier, path):
    assert await caller.refusal(path) == (404, 3001)


async def test_applivery_malformed_id_refused_before_lookup(caller, courier):
    assert await caller.refusal("/v1/organizations/acme/apps/a%20b/builds") == (400, 6002)
    assert await caller.refusal(BUILDS + "/latest") == (400, 6002)


async def test_applivery_unknown_path_answers_in_envelope(caller):
    assert await caller.refusal("/v1/organizations/acme/unheard/of/it") == (404, None)


async def test_workspaces_and_apps_are_found_by_id_and_by_slug(applivery, caller, courier):
    organization = (await caller.data("/v1/organizations"))["items"][0]
    assert organization["slug"] == "acme"
    for key in (courier.id, "courier"):
        app = await caller.data(f"/v1/organizations/{organization['id']}/apps/{key}")
        assert (app["id"], app["name"], app["oss"]) == (courier.id, "Courier", ["ios", "android"])
    assert (await caller.data("/v1/organizations", slug="other"))["items"] == []


async def test_an_app_of_a_known_slug_is_the_same_app(applivery, courier):
    assert applivery.app("Courier", picture="x.png") is courier
    assert courier["picture"] == "x.png"
    assert len(applivery.apps) == 1


# ------------------------------------------------------------------ lists


async def test_a_list_is_paged_without_losing_or_repeating_anything(applivery, caller, courier):
    made = [applivery.build(courier, number=str(number)).id for number in range(25)]
    seen, page = [], 1
    while True:
        answer = await caller.data(BUILDS, page=page)
        assert (answer["totalDocs"], answer["totalPages"], answer["limit"]) == (25, 3, 10)
        seen += [item["id"] for item in answer["items"]]
        if not answer["hasNextPage"]:
            break
        page = answer["nextPage"]
    assert seen == made[::-1]
    assert (await caller.data(BUILDS, page=9))["items"] == []


async def test_a_limit_is_silently_held_to_the_largest_page(applivery, caller, courier):
    applivery.largest_page = 3
    for _ in range(5):
        applivery.build(courier)
    answer = await caller.data(BUILDS, limit=500)
    assert (len(answer["items"]), answer["limit"], answer["hasNextPage"]) == (3, 3, True)


async def test_builds_come_newest_first_or_as_sorted(applivery, caller, courier):
    for version, days in (("2.0.0", 2), ("3.0.0", 1), ("1.0.0", 3)):
        applivery.build(courier, version=version, created_at=NOON - timedelta(days=days))

    async def versions(**params):
        return [item["versionName"] for item in (await caller.data(BUILDS, **params))["items"]]

    assert await versions() == ["3.0.0", "2.0.0", "1.0.0"]
    assert await versions(sort="versionName") == ["1.0.0", "2.0.0", "3.0.0"]
    assert await versions(sort="createdAt:asc") == ["1.0.0", "2.0.0", "3.0.0"]
    assert await versions(sort="versionName:desc") == ["3.0.0", "2.0.0", "1.0.0"]


async def test_builds_are_filtered_by_the_documented_keys(applivery, caller, courier):
    wanted = applivery.build(courier, version="2.0.0", os="android", status="error")
    applivery.build(courier, version="2.0.0", os="ios", status="error")
    applivery.build(courier, version="2.0.0", os="android")
    applivery.build(courier, version="1.0.0", os="android", status="error")

    found = await caller.data(BUILDS, versionName="2.0.0", os="android", status="error")
    assert [item["id"] for item in found["items"]] == [wanted.id]


@pytest.mark.parametrize(
    "params",
    [
        *({"branch": "main"}, {"tags": "qa"}, {"status": "success"}, {"os": "macos"}),
        *({"page": 0}, {"limit": "many"}, {"sort": "createdAt:up"}, {"versionName": ""}),
    ],
)
async def test_an_undocumented_or_ill_formed_parameter_is_6002(caller, courier, params):
    status, body = await caller.get(BUILDS, **params)
    assert (status, body["error"]["code"]) == (400, 6002)
    assert body["error"]["data"]["errors"][0]["field"] == list(params)


async def test_a_parameter_sent_twice_is_6002(caller, courier):
    assert await caller.refusal(BUILDS + "?os=ios&os=android") == (400, 6002)


async def test_a_filter_can_be_taken_away_as_in_roadmap_93(applivery, caller, courier):
    applivery.build_filters.discard("os")
    _, body = await caller.get(BUILDS, os="ios")
    assert body["error"]["data"]["errors"][0]["messages"] == ['"os" is not allowed']


async def test_only_the_details_have_the_files_and_the_error(applivery, caller, courier):
    build = applivery.build(courier, branch="main", commit="abc123", tags=["qa"], size=1234)
    listed = (await caller.data(BUILDS))["items"][0]
    details = await caller.data(place(build))

    assert not set(DETAILS) & set(listed)
    assert set(details) - set(listed) == set(DETAILS)
    assert listed["deployer"]["info"]["branch"] == "main"
    assert (listed["size"], listed["tags"]) == (1234, ["qa"])
    assert [(entry["type"], entry["file"]["size"]) for entry in details["files"]] == [("package", 1234)]


async def test_odd_shapes_go_out_as_they_were_put_in(applivery, caller, courier):
    build = applivery.build(courier, deployer=None, size="4711", uploadedBy="a1", status="thawing", novelty={"a": 1})
    del build.wire["versionName"]
    applivery.raw_extra(build, "tags", None)
    listed = (await caller.data(BUILDS))["items"][0]

    assert listed["deployer"] is None
    assert (listed["size"], listed["uploadedBy"], listed["status"], listed["tags"]) == ("4711", "a1", "thawing", None)
    assert listed["novelty"] == {"a": 1}
    assert "versionName" not in listed


async def test_whole_answers_can_be_reshaped(applivery, caller, courier):
    applivery.build(courier)
    applivery.reshape("GET */builds", lambda body: body["data"]["items"])
    _, body = await caller.get(BUILDS)
    assert [item["versionName"] for item in body] == ["1.0.0"]


# ------------------------------------------------------------------ tokens and bytes


@pytest.mark.parametrize(
    ("build", "kind"),
    [
        ({"os": "ios", "size": 200_000}, "file"),
        ({"os": "android", "size": 70_001}, "auto"),
        ({"os": "android", "size": 3}, "file"),
        ({"os": "android", "size": 65_536, "extension": "aab"}, "aab"),
        ({"os": "windows", "size": 0}, "file"),
    ],
)
async def test_a_token_leads_to_exactly_the_declared_bytes(applivery, caller, courier, build, kind):
    made = applivery.build(courier, **build)
    first = await caller.bytes(await caller.mint(made, type=kind))
    again = await caller.bytes(await caller.mint(made, type=kind))

    assert len(first) == (await caller.data(place(made)))["size"] == build["size"]
    assert first == again
    assert b"PK\x03\x04".startswith(first[:4])


async def test_the_download_says_its_name(applivery, caller, session, courier):
    build = applivery.build(courier, version="2.4.0", number="1234")
    async with session.get(f"{applivery.url}/v1/download/{await caller.mint(build, type='file')}") as answer:
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''courier-2.4.0-1234.ipa"


async def test_applivery_auto_of_apple_build_leads_by_manifest_to_file(applivery, caller, session, courier):
    build = applivery.build(courier, size=5000)
    plist = plistlib.loads(await caller.bytes(await caller.mint(build, type="auto")))
    asset = plist["items"][0]["assets"][0]

    assert asset["kind"] == "software-package"
    assert plist["items"][0]["metadata"]["bundle-identifier"] == "com.acme.courier"
    async with session.get(asset["url"]) as answer:
        assert len(await answer.read()) == 5000


async def test_reading_the_install_manifest_leaves_the_token_unspent(applivery, caller, session, courier):
    token = await caller.mint(applivery.build(courier, size=900), type="auto")
    async with session.get(f"{applivery.url}/v1/download/{token}/manifest.plist") as answer:
        assert answer.content_type == "text/xml"
        url = plistlib.loads(await answer.read())["items"][0]["assets"][0]["url"]
    async with session.get(url) as answer:
        assert len(await answer.read()) == 900

    assert applivery.minted[0].spent_count == 0
    assert (await caller.resolve(token))[0] == 302


async def test_an_attachment_is_downloaded_with_its_own_bytes(applivery, caller, courier):
    build = applivery.build(courier)
    entry = applivery.attach(build, "notes.txt", b"what changed", "text/plain")
    files = (await caller.data(place(build)))["files"]

    assert [file["file"]["originalName"] for file in files if file["type"] == "attachment"] == ["notes.txt"]
    assert not all(letter in "0123456789abcdefABCDEF" for letter in entry["id"])
    assert await caller.bytes(await caller.mint(build, type="auto", fileId=entry["id"])) == b"what changed"
    assert applivery.downloads == []


async def test_a_token_is_used_once(applivery, caller, courier):
    token = await caller.mint(applivery.build(courier), type="file")
    assert (await caller.resolve(token))[0] == 302
    assert await caller.resolve(token) == (401, 4005)
    assert [spent.token for spent in applivery.spent] == [token]
    assert applivery.minted[0].spent_count == 1


async def test_a_head_request_uses_nothing_up(applivery, caller, courier):
    token = await caller.mint(applivery.build(courier), type="file")
    assert (await caller.resolve(token, "HEAD"))[0] == 302
    assert (applivery.spent, applivery.downloads) == ([], [])
    assert (await caller.resolve(token))[0] == 302


async def test_minting_by_head_is_refused_and_mints_nothing(applivery, caller, courier):
    async with caller.request("HEAD", place(applivery.build(courier)) + "/downloadToken?type=file") as answer:
        assert answer.status == 405
    assert applivery.minted == []


async def test_a_token_lives_as_long_as_it_says(applivery, clock, caller, courier):
    build = applivery.build(courier)
    answer = await caller.data(place(build) + "/downloadToken", type="file")
    expires = datetime.fromisoformat(answer["expiresAt"])
    assert expires == NOON + timedelta(seconds=300)

    clock.now = expires.timestamp() - 1
    assert (await caller.resolve(answer["token"], "HEAD"))[0] == 302
    clock.now += 1
    assert await caller.resolve(answer["token"]) == (401, 4005)


async def test_an_unknown_token_and_one_of_a_deleted_build_are_3001(applivery, caller, courier):
    build = applivery.build(courier)
    token = await caller.mint(build, type="file")
    applivery.delete(build)
    assert await caller.resolve("guessed") == (404, 3001)
    assert await caller.resolve(token) == (404, 3001)


async def test_a_files_address_needs_its_signature_and_lapses(applivery, clock, caller, session, courier):
    _, url = await caller.resolve(await caller.mint(applivery.build(courier), type="file"))
    async with session.get(url[:-1] + ("0" if url[-1] != "0" else "1")) as forged:
        assert forged.status == 403
    clock.now += 302
    async with session.get(url) as late:
        assert late.status == 403


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({}, (400, 6002)),
        ({"type": "ipa"}, (400, 6002)),
        ({"type": "auto", "ttl": "60"}, (400, 6002)),
        ({"type": "aab"}, (404, 3001)),
        ({"type": "auto", "fileId": "2SWkDbddHBNUaVImZINcZzVN"}, (404, 3001)),
        ({"type": "file", "fileId": "2SWkDbddHBNUaVImZINcZzVN"}, (400, 6002)),
    ],
)
async def test_a_token_is_not_minted_for_what_is_not_there(applivery, caller, courier, params, refusal):
    assert await caller.refusal(place(applivery.build(courier)) + "/downloadToken", **params) == refusal
    assert applivery.minted == []


@pytest.mark.parametrize(("status", "minted"), [("pending", 0), ("in_progress", 0), ("error", 0), ("success", 1)])
async def test_only_a_processed_build_gives_tokens(applivery, caller, courier, status, minted):
    build = applivery.build(courier, status=status)
    code, body = await caller.get(place(build) + "/downloadToken", type="file")
    assert len(applivery.minted) == minted
    assert (code, body.get("error", {}).get("code")) == ((200, None) if minted else (400, 5014))


async def test_minting_stops_at_the_downloads_quota(applivery, caller, courier):
    build = applivery.build(courier)
    applivery.downloads_limit = 1
    applivery.download(build)
    _, body = await caller.get(place(build) + "/downloadToken", type="file")
    assert body["error"] == {
        "code": 5003,
        "message": "Limit Exceeded",
        "data": {"itemName": "downloads", "limit": 1, "num": 1},
    }


# ------------------------------------------------------------------ the download log


async def test_by_user_rows_have_every_field_of_the_vendors_schema(applivery, caller, courier):
    build = applivery.build(courier, version="2.4.0")
    applivery.download(build, applivery.member(email="ana@acme.example", first="Ana", last="Ruiz"), at=NOON)
    (row,) = await caller.data(place(build) + "/downloads/by-user")

    assert set(row) == {"id", "total", "member", "downloads"}
    assert row["total"] == 1
    assert set(row["member"]) == {"type", "memberId", "email", "firstName", "lastName", "picture"}
    (download,) = row["downloads"]
    assert set(download) == {
        *("id", "from", "build", "info", "device", "os", "networkInfo", "createdAt", "updatedAt"),
    }
    assert set(download["networkInfo"]) == set(NETWORKS[0])
    assert len(download["networkInfo"]) == 11
    assert download["device"] == {"model": "iPhone 15", "type": "phone"}
    assert download["os"] == {"name": "iOS", "version": "17.1"}
    assert (download["build"]["versionName"], download["createdAt"]) == ("2.4.0", "2026-03-01T12:00:00.000Z")


async def test_applivery_every_member_kind_has_row_and_maybe_no_name(applivery, caller, courier):
    build = applivery.build(courier)
    kinds = ("user", "employee", "mdmUser", "otpUser", "unknown", "anonymous")
    for kind in kinds:
        applivery.download(build, applivery.member(kind))
    rows = await caller.data("/v1/organizations/acme/apps/courier/downloads/by-user")

    assert [row["member"]["type"] for row in rows] == list(kinds)
    assert [row["member"] for row in rows[4:]] == [{"type": "unknown"}, {"type": "anonymous"}]
    assert all(row["member"]["email"] for row in rows[:4])


async def test_applivery_downloads_one_row_per_user_and_build(applivery, caller, courier):
    old, new = applivery.build(courier, version="1.0.0"), applivery.build(courier, version="2.0.0")
    ana = applivery.member()
    for build in (old, new, new):
        applivery.download(build, ana)

    assert [row["total"] for row in await caller.data("/v1/organizations/acme/apps/courier/downloads/by-user")] == [3]
    assert [row["total"] for row in await caller.data(place(new) + "/downloads/by-user")] == [2]


async def test_both_ends_of_a_span_belong_to_it(applivery, caller, courier):
    build = applivery.build(courier)
    for hours in range(5):
        applivery.download(build, applivery.member(), at=NOON + timedelta(hours=hours))
    span = {"iniDate": "2026-03-01T13:00:00.000Z", "endDate": "2026-03-01T16:00:00+01:00"}

    rows = await caller.data(place(build) + "/downloads/by-user", **span)
    page = await caller.data(place(build) + "/downloads/", **span)
    assert [row["downloads"][0]["createdAt"][11:13] for row in rows] == ["13", "14", "15"]
    assert [item["createdAt"][11:13] for item in page["items"]] == ["15", "14", "13"]


@pytest.mark.parametrize("date", ["yesterday", "2026-03-01", "2026-03-01T12:00:00", "2026-03-01T12:00:00 01:00"])
async def test_a_date_without_its_offset_is_6002(caller, courier, date):
    path = "/v1/organizations/acme/apps/courier/downloads/by-user"
    assert await caller.refusal(path, iniDate=date) == (400, 6002)


async def test_downloads_are_filtered_by_email(applivery, caller, courier):
    build = applivery.build(courier)
    for email in ("ana@acme.example", "bob@acme.example"):
        applivery.download(build, applivery.member(email=email))
    rows = await caller.data(place(build) + "/downloads/by-user", email="ana@acme.example")
    assert [row["member"]["email"] for row in rows] == ["ana@acme.example"]
    assert await caller.data(place(build) + "/downloads/by-user", email="Ana@acme.example") == []


async def test_a_download_through_a_token_is_logged_without_a_name(applivery, caller, courier):
    build = applivery.build(courier)
    await caller.bytes(await caller.mint(build, type="file"))
    (row,) = await caller.data(place(build) + "/downloads/by-user")
    assert row["member"] == {"type": "unknown"}
    assert [download["from"] for download in row["downloads"]] == ["integrationApi"]


# ------------------------------------------------------------------ builds that move


async def test_an_upload_moves_by_itself_through_every_stage(applivery, caller, courier):
    seen = []
    applivery.listeners.append(lambda kind, told: seen.append(told["build"]["status"]) if kind == "build" else None)
    build = applivery.upload(courier, version="2.0.0", os="android")
    assert build.status == "pending"

    await applivery.until(lambda: build.ready)
    assert seen == ["pending", "in_progress", "processed"]
    assert (await caller.data(place(build)))["status"] == "processed"
    assert courier["lastBuildProcessedDate"] == "2026-03-01T12:00:00.000Z"


async def test_an_upload_can_end_in_failure_with_its_reason(applivery, caller, courier):
    build = applivery.upload(courier, error="Provisioning profile expired", error_code="E-17")
    await applivery.until(lambda: build.status == "error")
    details = await caller.data(place(build))
    assert (details["error"], details["errorCode"]) == ("Provisioning profile expired", "E-17")


async def test_without_processing_a_build_moves_only_by_hand(clock, courier):
    applivery = FakeApplivery(clock=clock, processing=None)
    await applivery.start()
    build = applivery.upload(applivery.app("Courier"))
    with pytest.raises(TimeoutError):
        await applivery.until(lambda: build.status != "pending", timeout=0.02)
    applivery.move(build, "in_progress")
    clock.now += 2
    applivery.move(build, "processed")
    assert build.ready
    assert build.wire["processTime"] == 2000
    await applivery.stop()


async def test_a_build_moved_by_hand_stays_where_it_was_put(clock):
    applivery = FakeApplivery(clock=clock, processing=(0.01, 0.01))
    await applivery.start()
    build = applivery.upload(applivery.app("Courier"))
    applivery.fail(build, "No")
    with pytest.raises(TimeoutError):
        await applivery.until(lambda: build.status != "error", timeout=0.05)
    await applivery.stop()


async def test_a_build_on_its_way_arrives_after_a_restart(clock):
    first = FakeApplivery(clock=clock, processing=(60, 60))
    await first.start()
    app = first.app("Courier")
    build = first.upload(app)
    await first.stop()
    kept = json.loads(json.dumps(first.snapshot()))

    clock.now += 120
    second = FakeApplivery(clock=clock, processing=(60, 60))
    second.restore(kept)
    await second.start()
    again = await second.until(lambda: second.find_build(build.id))
    await second.until(lambda: again.status == "in_progress")
    await second.stop()
    assert [step.status for step in again.steps] == ["processed"]


async def test_a_snapshot_brings_everything_back(applivery, caller, session, clock, courier):
    build = applivery.build(courier, size=700)
    entry = applivery.attach(build, "notes.txt", b"\x00\xff notes")
    applivery.download(build, applivery.member())
    spent, unspent = await caller.mint(build, type="file"), await caller.mint(build, type="auto", fileId=entry["id"])
    _, url = await caller.resolve(spent)
    kept = json.loads(json.dumps(applivery.snapshot()))

    second = FakeApplivery(clock=clock)
    second.restore(kept, applivery.contents().__getitem__)
    await second.start()
    other = Caller(second, session)
    assert await other.data(place(build)) == await caller.data(place(build))
    assert len(await other.data(place(build) + "/downloads/by-user")) == 2
    assert await other.resolve(spent) == (401, 4005)
    assert await other.bytes(unspent) == b"\x00\xff notes"
    async with session.get(url.replace(applivery.url, second.url)) as answer:
        assert len(await answer.read()) == 700
    assert second.snapshot()["apps"] == kept["apps"]
    assert second.build(second.app("Courier")).id == applivery.build(courier).id
    await second.stop()


async def test_a_snapshot_does_not_change_afterwards(applivery, courier):
    build = applivery.build(courier, status="pending")
    kept = applivery.snapshot()
    applivery.move(build, "processed")
    applivery.restore(kept)
    assert applivery.find_build(build.id).status == "pending"


async def test_the_same_port_can_be_taken_again(applivery):
    port = applivery.port
    await applivery.stop()
    await applivery.start(port)
    assert applivery.port == port


# ------------------------------------------------------------------ uploading, changing, deleting


def form(**fields):
    data = aiohttp.FormData()
    data.add_field(
        "build", io.BytesIO(fields.pop("content", b"PK apk")), filename=fields.pop("filename", "courier.apk")
    )
    for name, value in fields.items():
        data.add_field(name, value)
    return data


async def test_applivery_upload_starts_pending_and_returns_own_bytes(applivery, caller, courier):
    fields = {
        "versionName": "v2.4.0-rc1",
        "tags": "staging, sprint-42",
        "changelog": "Fixed crash",
        "notifyCollaborators": "false",
        "notifyEmployees": "false",
        "filter[0][0]": "group1",
        "deployer.name": "GitHub Actions",
        "deployer.info.branch": "release/2.4",
        "deployer.info.buildNumber": "173",
    }
    status, body = await caller.call("POST", BUILDS, data=form(**fields))
    wire = body["data"]

    assert (status, wire["status"], wire["os"], wire["originalExtension"]) == (200, "pending", "android", "apk")
    assert (wire["versionName"], wire["tags"]) == ("v2.4.0-rc1", ["staging", "sprint-42"])
    assert wire["deployer"] == {
        "name": "GitHub Actions",
        "info": {"branch": "release/2.4", "buildNumber": "173"},
    }
    build = applivery.find_build(wire["id"])
    assert build.form == fields
    await applivery.until(lambda: build.ready)
    assert await caller.bytes(await caller.mint(build, type="file")) == b"PK apk"


async def test_a_large_upload_is_measured_to_the_byte(applivery, session, courier):
    by_app = Caller(applivery, session, courier.token)
    _, body = await by_app.call("POST", "/v1/integrations/builds", data=form(content=b"x" * 3_000_001))
    assert body["data"]["size"] == 3_000_001
    build = await applivery.until(lambda: next((build for build in applivery.builds if build.ready), None))
    assert len(build.file("package").bytes()) == 3_000_001


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"release": "1"}, 6002),
        ({"notifyEmployees": "yes"}, 6002),
        ({"notifyLanguage": "tlh"}, 6002),
        ({"filename": "notes.txt"}, 5006),
    ],
)
async def test_an_upload_the_vendor_would_not_take_is_refused(applivery, caller, courier, fields, code):
    status, body = await caller.call("POST", BUILDS, data=form(**fields))
    assert (status, body["error"]["code"]) == (400, code)
    assert applivery.builds == []


async def test_an_upload_without_a_file_is_6002(applivery, caller, courier):
    data = aiohttp.FormData(default_to_multipart=True)
    data.add_field("versionName", "1")
    _, body = await caller.call("POST", BUILDS, data=data)
    assert body["error"]["data"]["errors"][0]["field"] == ["build"]
    _, body = await caller.call("POST", BUILDS, json={})
    assert body["error"]["code"] == 6002


async def test_a_file_is_attached_only_to_a_processed_build(applivery, caller, courier):
    ready, pending = applivery.build(courier), applivery.build(courier, status="pending")

    def notes():
        data = aiohttp.FormData()
        data.add_field("file", b"notes", filename="notes.md")
        return data

    status, body = await caller.call("POST", place(ready) + "/files", data=notes())
    assert (status, body["data"]["files"][-1]["type"]) == (200, "attachment")
    entry = body["data"]["files"][-1]
    assert await caller.bytes(await caller.mint(ready, type="auto", fileId=entry["id"])) == b"notes"
    status, body = await caller.call("POST", place(pending) + "/files", data=notes())
    assert (status, body["error"]["code"]) == (400, 5014)


async def test_an_edit_changes_what_was_sent_and_nothing_else(applivery, caller, courier):
    build = applivery.build(courier, version="1.0.0", changelog="old")
    status, body = await caller.call("PUT", place(build), json={"changelog": "new", "disabled": True})
    assert (status, body["data"]["changelog"], body["data"]["disabled"]) == (200, "new", True)
    assert body["data"]["versionName"] == "1.0.0"
    for wrong in ({"status": "processed"}, {"tags": "a,b"}, []):
        status, body = await caller.call("PUT", place(build), json=wrong)
        assert (status, body["error"]["code"]) == (400, 6002)


async def test_a_deleted_build_is_gone_and_its_downloads_stay(applivery, caller, courier):
    build = applivery.build(courier)
    applivery.download(build)
    assert await caller.call("DELETE", place(build)) == (200, {"status": True})
    assert await caller.refusal(place(build)) == (404, 3001)
    assert len(await caller.data("/v1/organizations/acme/apps/courier/downloads/by-user")) == 1


# ------------------------------------------------------------------ webhooks and subscriptions


async def test_applivery_webhook_for_created_and_processed_not_failed(applivery, inbox, courier):
    applivery.webhook_url, received = inbox
    good = applivery.upload(courier)
    applivery.upload(courier, error="No")
    await applivery.until(lambda: len(applivery.webhooks) == 3)

    told = [(body["action"], body["build"]["id"] == good.id) for body in received]
    assert sorted(told) == [("build_created", False), ("build_created", True), ("build_processed", True)]
    assert {delivery.status for delivery in applivery.webhooks} == {204}


async def test_applivery_unanswered_webhook_has_no_status(applivery, inbox, courier):
    applivery.webhook_url = "http://127.0.0.1:1/nobody"
    applivery.move(applivery.build(courier, status="pending"), "processed")
    (delivery,) = await applivery.until(lambda: applivery.webhooks)
    assert delivery.status is None


async def test_applivery_subscription_gets_own_events_on_this_machine(applivery, caller, inbox, courier):
    url, received = inbox
    path = "/v1/organizations/acme/apps/courier/notifications"
    for address in (url, "https://hooks.example.com/x"):
        body = {"type": "webhook", "events": {"buildProcessed": True}, "setup": {"webhook": {"url": address}}}
        status, answer = await caller.call("POST", path, json=body)
        assert (status, answer["data"]["config"]["webhook"]["url"]) == (200, address)
    assert (await caller.data(f"{path}/{answer['data']['id']}"))["application"] == courier.id

    build = applivery.upload(courier)
    await applivery.until(lambda: build.ready and applivery.webhooks)
    assert [body["action"] for body in received] == ["build_processed"]


async def test_workspace_subscriptions_are_listed_and_changed(applivery, caller):
    path = "/v1/organizations/acme/notifications"
    body = {"type": "webhook", "events": {"buildCreated": True}, "setup": {"webhook": {"url": "http://127.0.0.1:1"}}}
    _, made = await caller.call("POST", path, json=body)
    _, changed = await caller.call("PUT", f"{path}/{made['data']['id']}", json={"events": {"buildCreated": False}})
    assert changed["data"]["events"]["buildCreated"] is False
    assert [item["id"] for item in (await caller.data(path, type="webhook"))["items"]] == [made["data"]["id"]]
    assert (await caller.data(path, type="slack"))["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "mail"},
        {"type": "webhook", "events": {"buildFailed": True}},
        {"type": "webhook", "description": "x" * 129},
        {"type": "webhook", "setup": {"webhook": {"url": "https://" + "x" * 256}}},
        {"type": "webhook", "secret": "x"},
    ],
)
async def test_a_subscription_that_breaks_a_rule_is_6002(caller, courier, body):
    status, answer = await caller.call("POST", "/v1/organizations/acme/apps/courier/notifications", json=body)
    assert (status, answer["error"]["code"]) == (400, 6002)


# ------------------------------------------------------------------ misbehaviour


async def test_a_fault_answers_in_place_of_the_work(applivery, caller, session, courier):
    target = "GET /v1/organizations/acme*"
    applivery.faults.add(target, Fault(status=429, retry_after=3))
    applivery.faults.add(target, Fault(status=403, code=5004, error="Subscription"))
    applivery.faults.add(target, Fault(status=200, code=5004, error="Subscription"))
    applivery.faults.add(target, Fault(status=502, body="<html>Bad Gateway</html>"))

    async with caller.request("GET", "/v1/organizations/acme") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
    assert await caller.refusal("/v1/organizations/acme") == (403, 5004)
    assert await caller.refusal("/v1/organizations/acme") == (200, 5004)
    async with caller.request("GET", "/v1/organizations/acme") as answer:
        assert (answer.status, await answer.text()) == (502, "<html>Bad Gateway</html>")
    assert await caller.data("/v1/organizations/acme")
    assert [request.status for request in applivery.requests] == [429, 403, 200, 502, 200]


@pytest.mark.parametrize(("fault", "minted"), [(Fault(drop=True), 0), (Fault(drop_after=True), 1)])
async def test_a_cut_connection_happens_before_or_after_the_work(applivery, caller, courier, fault, minted):
    build = applivery.build(courier)
    applivery.faults.add("GET *downloadToken", fault)
    with pytest.raises(aiohttp.ClientPayloadError):
        await caller.call("GET", place(build) + "/downloadToken", params={"type": "file"}, middlewares=(once,))
    assert len(applivery.minted) == minted
    assert len(applivery.requests) == 1
    assert applivery.requests[-1].status is None


async def test_a_slow_answer_is_still_the_right_one(applivery, caller, courier):
    applivery.faults.add("*", Fault(latency=0.02))
    before = asyncio.get_running_loop().time()
    assert await caller.data("/v1/organizations/acme")
    assert asyncio.get_running_loop().time() - before >= 0.02


async def test_the_hour_has_only_so_many_requests(applivery, clock, caller, courier):
    applivery.rate_per_hour = 2
    for _ in range(2):
        await caller.data("/v1/organizations/acme")
        clock.now += 60
    async with caller.request("GET", "/v1/organizations/acme") as answer:
        assert (answer.status, int(answer.headers["Retry-After"])) == (429, 3600 - 120)
    clock.now += 3600 - 120
    assert await caller.data("/v1/organizations/acme")


async def test_listeners_hear_of_builds_downloads_and_tokens(applivery, caller, courier):
    told = []
    applivery.listeners.append(lambda kind, payload: told.append((kind, payload.get("event"))))
    build = applivery.build(courier)
    await caller.bytes(await caller.mint(build, type="file"))
    applivery.delete(build)
    assert told == [
        ("build", "created"),
        ("token", "minted"),
        ("token", "spent"),
        ("download", None),
        ("build", "deleted"),
    ]


async def test_applivery_dashboard_link_opens_page_marking_build(applivery, session, courier):
    build = applivery.build(courier, version="<2.0>")
    async with session.get(f"{applivery.url}/acme/apps/courier/builds?id={build.id}") as answer:
        page = await answer.text()
    assert answer.status == 200
    assert "class=this" in page
    assert "&lt;2.0&gt;" in page


async def test_apps_are_paged_and_found_by_a_part_of_their_name(applivery, caller):
    for name in ("Courier", "Courier Pro", "Kiosk"):
        applivery.app(name)
    first = await caller.data("/v1/organizations/acme/apps", limit=2)
    assert (len(first["items"]), first["hasNextPage"], first["totalPages"]) == (2, True, 2)
    found = await caller.data("/v1/organizations/acme/apps", name="courier", sort="name")
    assert [app["name"] for app in found["items"]] == ["Courier", "Courier Pro"]


async def test_a_taken_port_is_refused_and_leaves_nothing_behind(applivery):
    second = FakeApplivery()
    with pytest.raises(OSError, match="address already in use"):
        await second.start(applivery.port)
    await second.stop()
