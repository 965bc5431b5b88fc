"""Endpoints of the people: collaborators of the workspace and of its apps, and the employees of an app."""

from __future__ import annotations

from aiohttp import web

from sandbox.applivery.middleware import WORLD, app_of
from sandbox.applivery.models import Wire
from sandbox.applivery.path_params import in_workspace
from sandbox.applivery.responses import PAGING, ApiError, ok, page_of, read_query, text

routes = web.RouteTableDef()


@routes.get("/v1/organizations/{organization}/collaborators/")
async def list_collaborators(request: web.Request) -> web.Response:
    """Those of the whole workspace."""
    return _page(
        request,
        [collaborator for collaborator in request.app[WORLD].collaborators if "application" not in collaborator],
    )


@routes.get("/v1/organizations/{organization}/collaborators/apps")
async def list_app_collaborators(request: web.Request) -> web.Response:
    """Those of single apps, each with its app."""
    return _page(
        request, [collaborator for collaborator in request.app[WORLD].collaborators if "application" in collaborator]
    )


@routes.get("/v1/organizations/{organization}/apps/{app}/employees/")
async def list_employees(request: web.Request) -> web.Response:
    """The store users who were invited to an app."""
    app = app_of(request)
    return _page(request, [employee for employee in request.app[WORLD].employees if employee["application"] == app.id])


def _page(request: web.Request, people: list[Wire]) -> web.Response:
    in_workspace(request)
    world = request.app[WORLD]
    query = read_query(request, **PAGING, email=text(256))
    if not world.may_list_people:
        raise ApiError(403, None, "Forbidden")
    return ok(page_of(people, query, world.paging))
