"""Endpoints that mint a download token and turn it, once, into the address of a file."""

from __future__ import annotations

import secrets

from aiohttp import hdrs, web

from sandbox.applivery.builds import FakeBuildsWorkspace
from sandbox.applivery.endpoints.files import address, manifest
from sandbox.applivery.middleware import WORLD
from sandbox.applivery.models import DownloadToken, FakeBuild
from sandbox.applivery.path_params import build_of
from sandbox.applivery.payloads import platform_of, timestamp
from sandbox.applivery.responses import ApiError, invalid, not_found, ok, one_of, read_query, text

routes = web.RouteTableDef()
_APPLE = ("ios", "ipados", "tvos", "macos")


@routes.get("/v1/organizations/{organization}/apps/{app}/builds/{build}/downloadToken", allow_head=False)
async def create_download_token(request: web.Request) -> web.Response:
    """Mint a token: 5014 unless processed, 6002 without a good `type`, 3001 for a file the build has not."""
    build = build_of(request)
    query = read_query(request, type=one_of("auto", "file", "aab"), fileId=text(64))
    if "type" not in query:
        raise invalid("type", "is required")
    if not build.ready:
        raise ApiError(400, 5014, "Build Not Processed")
    world = request.app[WORLD]
    _check_quota(world)
    token = DownloadToken(
        token=secrets.token_urlsafe(24),
        build_id=build.id,
        type=query["type"],
        file_id=query.get("fileId"),
        expires_at=world.clock() + world.token_life,
        key=_file_key(build, query["type"], query.get("fileId")),
    )
    world.minted.append(token)
    _tell(world, "minted", token)
    return ok({"token": token.token, "expiresAt": timestamp(token.expires_at)})


def _check_quota(world: FakeBuildsWorkspace) -> None:
    """5003 with the detail seen in the iOS SDK's mocks; the HTTP status is not known."""
    limit = world.downloads_limit
    if limit is not None and len(world.downloads) >= limit:
        raise ApiError(400, 5003, "Limit Exceeded", {"itemName": "downloads", "limit": limit, "num": limit})


def _file_key(build: FakeBuild, kind: str, file_id: str | None) -> str:
    """Give what the token will lead to: a file id, or `manifest`."""
    entries = build.wire.get("files") or []
    if file_id is not None:
        if kind != "auto":
            raise invalid("type", "must be [auto] with fileId")
        wanted = [entry["id"] for entry in entries if entry["id"] == file_id and entry["type"] == "attachment"]
    elif kind == "auto" and platform_of(build.wire) in _APPLE:
        return "manifest"
    elif kind == "auto" and platform_of(build.wire) != "android":
        raise invalid("type", "must be [file] for this build")
    else:
        wanted = [entry["id"] for entry in entries if entry["type"] == ("original" if kind == "aab" else "package")]
    if not wanted:
        raise not_found()
    return str(wanted[0])


@routes.route("*", "/v1/download/{token}")
async def resolve_download(request: web.Request) -> web.Response:
    """Answer 302 to the file; a GET uses the token up and is logged as a download, a HEAD does neither."""
    world, token, build = _usable(request)
    if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
        raise web.HTTPMethodNotAllowed(request.method, ["GET", "HEAD"])
    if request.method == hdrs.METH_GET:
        token.spent_count += 1
        world.spent.append(token)
        _tell(world, "spent", token)
        if token.file_id is None:
            world.download(build, device="", os_version="", source="integrationApi")
    return web.Response(status=302, headers={"Location": address(world, build, token.key)})


@routes.get("/v1/download/{token}/manifest.plist")
async def get_install_manifest(request: web.Request) -> web.Response:
    """Answer the over-the-air manifest of an iOS build and leave the token unspent."""
    world, _, build = _usable(request)
    if platform_of(build.wire) not in _APPLE:
        raise not_found()
    return manifest(world, build)


def _usable(request: web.Request) -> tuple[FakeBuildsWorkspace, DownloadToken, FakeBuild]:
    """Find the token and its build; raises 3001 when unknown, 4005 when used up or too old."""
    world = request.app[WORLD]
    token = next((token for token in world.minted if token.token == request.match_info["token"]), None)
    build = world.find_build(token.build_id) if token else None
    if token is None or build is None:
        raise not_found()
    if token.spent_count or world.clock() >= token.expires_at:
        raise ApiError(401, 4005, "Token Expired")
    return world, token, build


def _tell(world: FakeBuildsWorkspace, event: str, token: DownloadToken) -> None:
    payload = {"event": event, "token": token.token, "build_id": token.build_id, "type": token.type}
    world.tell("token", payload | {"file_id": token.file_id})
