"""Finding what a path names, with the vendor's patterns for each part of it."""

from __future__ import annotations

import re

from aiohttp import web

from sandbox.applivery.middleware import WORLD, app_of
from sandbox.applivery.models import FakeBuild
from sandbox.applivery.responses import HEX_ID, ID_OR_SLUG, invalid, not_found

_PATTERNS: dict[str, tuple[str, re.Pattern[str]]] = {
    "organization": ("organizationId", ID_OR_SLUG),
    "app": ("applicationId", ID_OR_SLUG),
    "build": ("buildId", HEX_ID),
    "notification": ("notificationId", ID_OR_SLUG),
}


def in_workspace(request: web.Request) -> None:
    """Check the path's ids and that its workspace is this one; raises 6002 or 3001."""
    for part, value in request.match_info.items():
        name, pattern = _PATTERNS[part]
        if not pattern.fullmatch(value):
            raise invalid(name, "fails to match the required pattern", "params")
    organization = request.app[WORLD].organization
    if request.match_info.get("organization", organization["slug"]) not in (organization["slug"], organization["id"]):
        raise not_found()


def build_of(request: web.Request) -> FakeBuild:
    """Give the build the path names; raises 6002 for an ill-formed id, 3001 when this app has no such build."""
    in_workspace(request)
    app = app_of(request)
    build = request.app[WORLD].find_build(request.match_info["build"])
    if build is None or build.app is not app:
        raise not_found()
    return build
