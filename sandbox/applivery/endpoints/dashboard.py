"""The dashboard host's page of an app's builds, so that links into it lead somewhere."""

from __future__ import annotations

from html import escape

from aiohttp import web

from sandbox.applivery.middleware import WORLD
from sandbox.applivery.models import FakeBuild

routes = web.RouteTableDef()

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{app} · fake Applivery</title>
<style>body{{font:16px system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}}
td,th{{padding:.4rem 1rem;text-align:left}}
.this{{background:#e8f1ff;font-weight:600}}</style>
<h1>{app}</h1><p>This page stands in for the Applivery dashboard.</p>
<table><tr><th>Version<th>Number<th>OS<th>Status<th>Created</tr>{rows}</table></html>"""


@routes.get("/{organization}/apps/{app}/builds")
async def show_builds(request: web.Request) -> web.Response:
    """An app's builds as a web page, the one of `?id=` marked; a real dashboard would ask for a log-in first."""
    world = request.app[WORLD]
    app = world.find_app(request.match_info["app"])
    if app is None or request.match_info["organization"] != world.organization["slug"]:
        raise web.HTTPNotFound
    rows = "".join(_row(build, build.id == request.query.get("id")) for build in reversed(world.builds_of(app)))
    return web.Response(text=_PAGE.format(app=escape(app.name), rows=rows), content_type="text/html")


def _row(build: FakeBuild, marked: bool) -> str:
    keys = ("versionName", "versionCode", "os", "status", "createdAt")
    cells = "".join(f"<td>{escape(str(build.wire.get(key)))}" for key in keys)
    return f"<tr{' class=this' if marked else ''}>{cells}</tr>"
