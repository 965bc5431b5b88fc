"""Endpoints of the download log: every line of a build, and grouped by person for a build or a whole app."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from sandbox.applivery.middleware import WORLD, app_of
from sandbox.applivery.models import FakeDownload, Wire
from sandbox.applivery.path_params import build_of, in_workspace
from sandbox.applivery.responses import PAGING, SPAN, in_order, ok, page_of, read_query, text

routes = web.RouteTableDef()
_BUILD = "/v1/organizations/{organization}/apps/{app}/builds/{build}"


@routes.get(_BUILD + "/downloads")
@routes.get(_BUILD + "/downloads/")
async def list_build_downloads(request: web.Request) -> web.Response:
    """The build's downloads, newest first, each with its member; the vendor writes the path with a slash at its end."""
    build = build_of(request)
    query = read_query(request, **PAGING, **SPAN, email=text(128))
    world = request.app[WORLD]
    found = [_with_member(row) for row in world.downloads if row.build_id == build.id and _fits(row, query)]
    ordered = in_order(found, query.get("sort"))
    return ok(page_of(ordered, query, world.paging))


@routes.get(_BUILD + "/downloads/by-user")
async def list_build_downloads_by_user(request: web.Request) -> web.Response:
    """The build's downloads by person; never paged, `data` is a bare list."""
    build = build_of(request)
    query = read_query(request, **SPAN, email=text(128))
    rows = [row for row in request.app[WORLD].downloads if row.build_id == build.id and _fits(row, query)]
    return ok(_by_user(request.app[WORLD], rows))


@routes.get("/v1/organizations/{organization}/apps/{app}/downloads/by-user")
async def list_app_downloads_by_user(request: web.Request) -> web.Response:
    """The whole app's downloads by person, deleted builds included."""
    in_workspace(request)
    app = app_of(request)
    query = read_query(request, **SPAN, email=text(256))
    rows = [row for row in request.app[WORLD].downloads if row.app_id == app.id and _fits(row, query)]
    return ok(_by_user(request.app[WORLD], rows))


def _by_user(world: Any, rows: list[FakeDownload]) -> Any:
    """What the reference says, or what a tenant was seen to answer instead (applivery-soar 9e69544)."""
    return {"items": [_with_member(row) for row in rows]} if world.flat_downloads else _by_member(rows)


def _fits(row: FakeDownload, query: dict[str, Any]) -> bool:
    """Both ends of the span belong to it; a line whose date cannot be read is in no span. An email is met exactly."""
    if "email" in query and row.member.get("email") != query["email"]:
        return False
    if not {"iniDate", "endDate"} & query.keys():
        return True
    try:
        at = datetime.fromisoformat(str(row.wire.get("createdAt")))
    except ValueError:
        return False
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return bool(query.get("iniDate", at) <= at <= query.get("endDate", at))


def _with_member(row: FakeDownload) -> Wire:
    owner = {"user": "user", "employee": "employee"}.get(str(row.member.get("type")))
    return row.wire | {"member": row.member} | ({owner: row.member.get("memberId")} if owner else {})


def _by_member(rows: list[FakeDownload]) -> list[Wire]:
    groups: dict[tuple[str, str], list[FakeDownload]] = {}
    for row in rows:
        groups.setdefault((str(row.member.get("type")), str(row.member.get("memberId"))), []).append(row)
    return [
        {
            "id": hashlib.sha256(repr(key).encode()).hexdigest()[:24],
            "total": len(group),
            "member": group[0].member,
            "downloads": in_order([row.wire for row in group], None),
        }
        for key, group in groups.items()
    ]
