"""The storage behind the download host: signed addresses that give real bytes until they lapse."""

from __future__ import annotations

import hashlib
import hmac
import plistlib
from urllib.parse import quote

from aiohttp import hdrs, web

from sandbox.applivery.builds import FakeBuildsWorkspace
from sandbox.applivery.contents import FileContent
from sandbox.applivery.middleware import WORLD
from sandbox.applivery.models import FakeBuild

routes = web.RouteTableDef()
MANIFEST = "manifest"


def address(world: FakeBuildsWorkspace, build: FakeBuild, key: str) -> str:
    """Give the address of a build's file (`key`: its file id, or `manifest`), good for one token life."""
    name = "manifest.plist" if key == MANIFEST else build.contents[key].name
    expires = str(int(world.clock() + world.token_life) + 1)
    path = f"/files/{build.id}/{key}/{quote(name)}"
    return f"{world.url}{path}?expires={expires}&signature={_signature(world, build.id, key, expires)}"


def manifest(world: FakeBuildsWorkspace, build: FakeBuild) -> web.Response:
    """Give the property list iOS reads after `itms-services://`; its package address is a signed file.

    https://support.apple.com/guide/deployment/distribute-proprietary-in-house-apps-depce7cefc4d/web
    """
    package = next(entry["id"] for entry in build.wire["files"] if entry["type"] == "package")
    plist = (build.wire.get("info") or {}).get(build.wire.get("os"), {}).get("plist", {})
    item = {
        "assets": [{"kind": "software-package", "url": address(world, build, package)}],
        "metadata": {
            "bundle-identifier": plist.get("CFBundleIdentifier", f"com.acme.{build.app.slug}"),
            "bundle-version": str(build.wire.get("versionName")),
            "kind": "software",
            "title": build.app.name,
        },
    }
    return web.Response(body=plistlib.dumps({"items": [item]}), content_type="text/xml")


@routes.get("/files/{build}/{key}/{name}")
async def get_file(request: web.Request) -> web.StreamResponse:
    """Stream the file, exactly as many bytes as its build declares; needs no credential but the signature."""
    world = request.app[WORLD]
    build_id, key = request.match_info["build"], request.match_info["key"]
    expires = request.query.get("expires", "")
    signature = _signature(world, build_id, key, expires)
    if not hmac.compare_digest(signature.encode(), request.query.get("signature", "").encode()):
        raise web.HTTPForbidden(reason="Signature does not match")
    if world.clock() >= int(expires):
        raise web.HTTPForbidden(reason="Request has expired")
    build = world.find_build(build_id)
    if build is None or (key != MANIFEST and key not in build.contents):
        raise web.HTTPNotFound
    return manifest(world, build) if key == MANIFEST else await _stream(request, build.contents[key])


async def _stream(request: web.Request, content: FileContent) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_type = content.mimetype
    response.content_length = content.size
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(content.name)}"
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        for chunk in content.chunks():
            await response.write(chunk)
    return response


def _signature(world: FakeBuildsWorkspace, build_id: str, key: str, expires: str) -> str:
    text = f"{build_id}/{key}/{expires}"
    return hmac.new(world.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
