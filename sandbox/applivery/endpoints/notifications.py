"""Endpoints that subscribe a webhook or a Slack channel to an app's or the workspace's events."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from sandbox.applivery.middleware import WORLD, app_of
from sandbox.applivery.models import Wire
from sandbox.applivery.path_params import in_workspace
from sandbox.applivery.payloads import timestamp
from sandbox.applivery.responses import PAGING, in_order, invalid, not_found, ok, one_of, page_of, read_query

routes = web.RouteTableDef()
_APP = "/v1/organizations/{organization}/apps/{app}/notifications"
_WORKSPACE = "/v1/organizations/{organization}/notifications"

_APP_EVENTS = ("buildCreated", "buildProcessed", "feedbackCreated", "certificateWillExpire")
_WORKSPACE_EVENTS = (
    *_APP_EVENTS,
    "applePushRenovation",
    *(
        f"{fleet}{event}"
        for fleet in ("emm", "adm", "win", "aos")
        for event in ("EnrollmentCreated", "DeviceCreated", "DeviceChangedMdmUser")
    ),
    "inventoryItemRegistered",
)


@routes.get(_WORKSPACE)
async def list_notifications(request: web.Request) -> web.Response:
    """The workspace's own subscriptions; those of single apps have no list call."""
    in_workspace(request)
    query = read_query(request, **PAGING, type=one_of("slack", "webhook"))
    world = request.app[WORLD]
    own = [wire for wire in world.notifications if "application" not in wire]
    found = in_order([wire for wire in own if query.get("type", wire["type"]) == wire["type"]], query.get("sort"))
    return ok(page_of(found, query, world.paging))


@routes.post(_WORKSPACE)
@routes.post(_APP)
async def create_notification(request: web.Request) -> web.Response:
    """Subscribe; an address may have 256 characters for one app and 500 for the workspace."""
    in_workspace(request)
    app = app_of(request) if "app" in request.match_info else None
    world = request.app[WORLD]
    body = await _body(request, required=("type",) if app else ("type", "events"))
    at = timestamp(world.clock())
    wire: Wire = {"id": world.new_id("notification"), "organization": world.organization["id"]}
    if app is not None:
        wire["application"] = app.id
    wire |= {"type": body["type"], "description": body.get("description", ""), "createdAt": at, "updatedAt": at}
    wire["events"] = dict.fromkeys(_events(request), False) | body.get("events", {})
    wire["config"] = _config(body)
    world.notifications.append(wire)
    world.tell("notification", wire)
    return ok(wire)


@routes.get(_APP + "/{notification}")
async def get_notification(request: web.Request) -> web.Response:
    """One subscription of an app."""
    return ok(_find(request))


@routes.put(_WORKSPACE + "/{notification}")
@routes.put(_APP + "/{notification}")
async def update_notification(request: web.Request) -> web.Response:
    """Change description, events or the webhook's address; a Slack set-up cannot be changed."""
    wire = _find(request)
    body = await _body(request, required=())
    if "slack" in body.get("setup", {}):
        raise invalid("setup.slack", "is not allowed", "body")
    wire["description"] = body.get("description", wire["description"])
    wire["events"] |= body.get("events", {})
    if "setup" in body:
        wire["config"] = _config(body)
    wire["updatedAt"] = timestamp(request.app[WORLD].clock())
    request.app[WORLD].tell("notification", wire)
    return ok(wire)


def _find(request: web.Request) -> Wire:
    in_workspace(request)
    owner = app_of(request).id if "app" in request.match_info else None
    for wire in request.app[WORLD].notifications:
        if wire["id"] == request.match_info["notification"] and wire.get("application") == owner:
            return wire
    raise not_found()


def _events(request: web.Request) -> tuple[str, ...]:
    return _APP_EVENTS if "app" in request.match_info else _WORKSPACE_EVENTS


async def _body(request: web.Request, required: tuple[str, ...]) -> dict[str, Any]:
    """Read and check the JSON body; raises 6002."""
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid("body", "must be of type object", "body")
    for key in required:
        if key not in body:
            raise invalid(key, "is required", "body")
    for key in body.keys() - {"description", "events", "setup", *required}:
        raise invalid(key, "is not allowed", "body")
    _check(request, body)
    return body


def _check(request: web.Request, body: dict[str, Any]) -> None:
    if body.get("type", "webhook") not in ("slack", "webhook"):
        raise invalid("type", "must be one of [slack, webhook]", "body")
    if len(body.get("description", "")) > 128:
        raise invalid("description", "length must be less than or equal to 128 characters long", "body")
    for name, wanted in body.get("events", {}).items():
        if name not in _events(request) or not isinstance(wanted, bool):
            raise invalid(f"events.{name}", "is not allowed", "body")
    longest = 256 if "app" in request.match_info else 500
    if len(body.get("setup", {}).get("webhook", {}).get("url", "")) > longest:
        raise invalid("setup.webhook.url", f"length must be less than or equal to {longest} characters long", "body")


def _config(body: dict[str, Any]) -> Wire:
    setup = body.get("setup", {})
    if "webhook" in setup:
        # How the token reaches the receiver, if it does, is not known; it is never sent here.
        return {"webhook": {"url": setup["webhook"].get("url", ""), "token": secrets.token_hex(16)}}
    return {"slack": {"team": "Acme", "channel": "#releases"}} if "slack" in setup else {}
