"""Endpoints of the workspace itself and of its apps."""

from __future__ import annotations

from aiohttp import web

from sandbox.applivery.middleware import WORLD, app_of
from sandbox.applivery.models import Wire
from sandbox.applivery.path_params import in_workspace
from sandbox.applivery.responses import PAGING, in_order, ok, page_of, read_query, text

routes = web.RouteTableDef()


@routes.get("/v1/organizations")
async def list_organizations(request: web.Request) -> web.Response:
    """Workspaces this credential reaches, by `name` or `slug` if asked for."""
    query = read_query(request, **PAGING, name=text(128), slug=text(128))
    world = request.app[WORLD]
    seen = [world.organization, *world.other_organizations]
    found = [organization for organization in seen if _fits(organization, query, "name", "slug")]
    return ok(page_of(found, query, world.paging))


@routes.get("/v1/organizations/{organization}")
async def get_organization(request: web.Request) -> web.Response:
    """The workspace by id or slug."""
    in_workspace(request)
    read_query(request)
    return ok(request.app[WORLD].organization)


@routes.get("/v1/organizations/{organization}/apps")
async def list_apps(request: web.Request) -> web.Response:
    """The workspace's apps, newest first."""
    in_workspace(request)
    query = read_query(request, **PAGING, name=text(128))
    world = request.app[WORLD]
    found = in_order([app for app in world.apps if _fits(app, query, "name")], query.get("sort"))
    return ok(page_of(found, query, world.paging))


@routes.get("/v1/organizations/{organization}/apps/{app}")
async def get_app(request: web.Request) -> web.Response:
    """One app by id or slug."""
    in_workspace(request)
    read_query(request)
    return ok(dict(app_of(request)))


def _fits(wire: Wire, query: Wire, *keys: str) -> bool:
    return all(str(query[key]).lower() in str(wire[key]).lower() for key in keys if key in query)
