"""The baseline of the figures: Bolt's own AsyncApp with its aiohttp adapter. `python -m bench.bare`.

`builds courier` asks Applivery for the apps and the builds and answers with a list; every other command is only
acknowledged. The button *Get build* asks for the build and for a token, and answers with the link. It has the bot's own
settings, and also answers GET /healthz.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

APPLIVERY = os.environ["APPLIVERY_API_URL"]
APPS = f"{APPLIVERY}/v1/organizations/acme/apps"
SESSION = web.AppKey("session", aiohttp.ClientSession)

bolt = AsyncApp(
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    # removed, since Bolt warns if it gets it twice
    client=AsyncWebClient(token=os.environ.pop("SLACK_BOT_TOKEN"), base_url=os.environ["SLACK_API_URL"]),
)


@bolt.command("/applivery")
async def builds(ack: Any, command: dict[str, Any], context: Any, respond: Any) -> None:
    await ack()
    if command["text"] != "builds courier":
        return
    session: aiohttp.ClientSession = context["session"]
    async with session.get(APPS) as response:
        found = next(item for item in (await response.json())["data"]["items"] if item["slug"] == "courier")
    async with session.get(f"{APPS}/{found['id']}/builds") as response:
        builds = (await response.json())["data"]["items"][:10]
    lines = [f"{build['versionName']} (#{build['versionCode']}) {build['status']}" for build in builds]
    await respond(text="Builds of Courier: " + "\n".join(lines), response_type="ephemeral")


@bolt.action("get.v1")
async def link(ack: Any, action: dict[str, Any], body: dict[str, Any], context: Any, respond: Any) -> None:
    await ack()
    session: aiohttp.ClientSession = context["session"]
    app_id, build_id = action["value"].split("/")
    build = f"{APPS}/{app_id}/builds/{build_id}"
    async with session.get(build) as response:
        details = (await response.json())["data"]
    async with session.get(f"{build}/downloadToken", params={"type": "file"}) as response:
        token = (await response.json())["data"]["token"]
    address = f"{APPLIVERY}/v1/download/{token}"
    await respond(
        text=f"{details['versionName']}: {address} — only for you",
        response_type="ephemeral",
        replace_original=False,
    )


async def from_slack(request: web.Request) -> web.Response:
    came = await to_bolt_request(request)
    came.context["session"] = request.app[SESSION]
    return await to_aiohttp_response(await bolt.async_dispatch(came))


async def alive(_: web.Request) -> web.Response:
    return web.Response(text="alive\n")


async def main() -> None:
    app = web.Application()
    app[SESSION] = aiohttp.ClientSession(headers={"Authorization": f"Bearer {os.environ['APPLIVERY_TOKEN']}"})
    app.router.add_get("/healthz", alive)
    app.router.add_post("/slack/events", from_slack)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
