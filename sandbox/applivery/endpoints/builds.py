"""Endpoints that list, show, change and delete builds, in both API families."""

from __future__ import annotations

from aiohttp import web

from sandbox.applivery.middleware import WORLD, app_of
from sandbox.applivery.path_params import build_of, in_workspace
from sandbox.applivery.payloads import DETAILS
from sandbox.applivery.responses import PAGING, Check, in_order, invalid, ok, one_of, page_of, read_query, text

routes = web.RouteTableDef()

_FILTERS: dict[str, Check] = {
    "versionName": text(256),
    "status": one_of("pending", "in_progress", "processed", "error"),
    "os": one_of("ios", "android"),
}
_EDITABLE: dict[str, type] = {"versionName": str, "tags": list, "changelog": str}
_EDITABLE_BY_WORKSPACE: dict[str, type] = {**_EDITABLE, "metadata": dict, "defaultScripts": dict, "disabled": bool}


@routes.get("/v1/integrations/builds")
@routes.get("/v1/organizations/{organization}/apps/{app}/builds")
async def list_builds(request: web.Request) -> web.Response:
    """The app's builds, newest first, without the fields only the details have."""
    in_workspace(request)
    app = app_of(request)
    world = request.app[WORLD]
    allowed = {key: check for key, check in _FILTERS.items() if key in world.build_filters}
    query = read_query(request, **PAGING, **allowed)
    wanted = {key: query[key] for key in allowed if key in query}
    wires = [build.wire for build in world.builds_of(app)]
    matching = [wire for wire in wires if all(wire.get(key) == value for key, value in wanted.items())]
    found = in_order(matching, query.get("sort"))
    page = page_of(found, query, world.paging)
    page["items"] = [{key: value for key, value in wire.items() if key not in DETAILS} for wire in page["items"]]
    return ok(page)


@routes.get("/v1/integrations/builds/{build}")
@routes.get("/v1/organizations/{organization}/apps/{app}/builds/{build}")
async def get_build(request: web.Request) -> web.Response:
    """One build with its files, error and the rest."""
    build = build_of(request)
    read_query(request)
    return ok(build.wire)


@routes.put("/v1/integrations/builds/{build}")
async def update_build_by_app(request: web.Request) -> web.Response:
    """Change label, tags or changelog; what is not sent stays."""
    return await _update(request, _EDITABLE)


@routes.put("/v1/organizations/{organization}/apps/{app}/builds/{build}")
async def update_build(request: web.Request) -> web.Response:
    """The same, and metadata, scripts and `disabled`."""
    return await _update(request, _EDITABLE_BY_WORKSPACE)


async def _update(request: web.Request, editable: dict[str, type]) -> web.Response:
    build = build_of(request)
    try:
        body = await request.json()
    except ValueError:
        raise invalid("body", "must be of type object", "body") from None
    for key, value in body.items() if isinstance(body, dict) else [("body", None)]:
        if key not in editable:
            raise invalid(key, "is not allowed", "body")
        if not isinstance(value, editable[key]):
            raise invalid(key, f"must be of type {editable[key].__name__}", "body")
    request.app[WORLD].edit(build, body)
    return ok(build.wire)


@routes.delete("/v1/integrations/builds/{build}")
@routes.delete("/v1/organizations/{organization}/apps/{app}/builds/{build}")
async def delete_build(request: web.Request) -> web.Response:
    """Delete a build for good; the answer's `data` is not known, so there is none."""
    request.app[WORLD].delete(build_of(request))
    return ok()
