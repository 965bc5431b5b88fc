"""A small Slack app that says one of everything, so that the page is tested without the bot."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

QUIET = {"unfurl_links": False, "unfurl_media": False}
EVIL = (
    "<img src=x onerror=alert(1)> <javascript:alert(1)|click me> &lt;b&gt;bold&lt;/b&gt; <https://example.com|*fine*>"
)
DAYS = ("Mon", "Tue", "Wed")


def words(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": True}


def button(text: str, action: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(text), "action_id": action, **more}


def option(text: str) -> dict[str, Any]:
    return {"text": plain(text), "value": text.lower()}


CONFIRM = {
    "title": plain("Recall it?"),
    "text": words("Everybody will see it."),
    "confirm": plain("Recall"),
    "deny": plain("Keep"),
}

CARD = [
    {"type": "header", "text": plain("Courier 2.4.1 :rocket:")},
    {"type": "section", "text": words("*Ready* to test `release/2.4`\n> a quote"), "fields": [words("*Size*\n18 MB")]},
    {
        "type": "actions",
        "elements": [
            button("Get build", "press", value="the-build", style="primary"),
            button("Recall", "recall", value="r", style="danger", confirm=CONFIRM),
            {"type": "overflow", "action_id": "more", "options": [option("Files"), option("Mute")]},
            {"type": "external_select", "action_id": "app", "placeholder": plain("Find an app"), "min_query_length": 1},
            {"type": "static_select", "action_id": "os", "placeholder": plain("Platform"), "options": [option("iOS")]},
            button("Open", "open", url="https://example.com/a"),
        ],
    },
    {"type": "context", "elements": [words("<!date^0^{date_num} {time}|long ago>")]},
    {"type": "divider"},
]

SERIES = {"name": "iOS", "data": [{"label": day, "value": at} for at, day in enumerate(DAYS)]}
PEOPLE = (("Ana", 5), ("Bruno", 11), ("Carla", 2))
CHARTS = [
    {
        "type": "data_visualization",
        "title": "A day",
        "chart": {"type": "line", "series": [SERIES], "axis_config": {"categories": list(DAYS)}},
    },
    {
        "type": "data_visualization",
        "title": "Versions",
        "chart": {"type": "pie", "segments": [{"label": "2.4", "value": 7}]},
    },
    {
        "type": "data_table",
        "caption": "People",
        "page_size": 2,
        "rows": [
            [{"type": "raw_text", "text": "Person"}, {"type": "raw_text", "text": "Downloads"}],
            *(
                [{"type": "raw_text", "text": name}, {"type": "raw_number", "value": count, "text": str(count)}]
                for name, count in PEOPLE
            ),
        ],
    },
]

FORM = {
    "type": "modal",
    "callback_id": "form",
    "title": plain("Subscribe"),
    "submit": plain("Save"),
    "close": plain("Cancel"),
    "blocks": [
        {
            "type": "input",
            "block_id": "app",
            "label": plain("App"),
            "element": {
                "type": "static_select",
                "action_id": "app",
                "options": [option("Courier"), option("Storefront")],
            },
        },
        {
            "type": "input",
            "block_id": "on",
            "label": plain("Events"),
            "optional": True,
            "element": {"type": "checkboxes", "action_id": "on", "options": [option("Processed"), option("Failed")]},
        },
        {
            "type": "input",
            "block_id": "note",
            "label": plain("Note"),
            "element": {"type": "plain_text_input", "action_id": "note"},
        },
        {
            "type": "input",
            "block_id": "file",
            "label": plain("Build"),
            "optional": True,
            "element": {"type": "file_input", "action_id": "file", "max_files": 1},
        },
        {"type": "actions", "block_id": "more", "elements": [button("More", "push")]},
    ],
}


def entity(url: str) -> dict[str, Any]:
    attributes = {"title": {"text": "Courier 2.4.1"}, "display_type": "Build"}
    press = {"text": "Press", "action_id": "press", "value": "the-build"}
    return {
        "entity_type": "slack#/entities/item",
        "url": url,
        "external_ref": {"id": "1"},
        "entity_payload": {"attributes": attributes, "actions": {"primary_actions": [press]}},
    }


def modal(title: str, text: str) -> dict[str, Any]:
    return {"type": "modal", "title": plain(title), "blocks": [{"type": "section", "text": words(text)}]}


@asynccontextmanager
async def connected(api_url: str) -> AsyncIterator[None]:
    """The app, connected over Socket Mode."""
    app = AsyncApp(client=AsyncWebClient(token="xoxb-sandbox", base_url=api_url), signing_secret="none")
    register(app)
    handler = AsyncSocketModeHandler(app, "xapp-sandbox")
    await handler.connect_async()
    try:
        yield
    finally:
        await handler.close_async()


def register(app: AsyncApp) -> None:
    @app.command("/applivery")
    async def command(ack: Any, body: Any, respond: Any, client: Any) -> None:
        said, channel = body["text"], body["channel_id"]
        if said == "never":
            return
        await ack()
        if said == "card":
            await client.chat_postMessage(channel=channel, text="card", blocks=CARD, **QUIET)
        elif said == "charts":
            await client.chat_postMessage(channel=channel, text="charts", blocks=CHARTS, **QUIET)
        elif said == "evil":
            await client.chat_postMessage(channel=channel, text=EVIL, **QUIET)
        elif said == "form":
            await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        elif said == "dm":
            await client.chat_postMessage(channel=body["user_id"], text="Only to you", **QUIET)
        else:
            await respond(text=f"You typed `{said}`", **QUIET)

    @app.action(re.compile("press|recall|more|app|os"))
    async def action(ack: Any, respond: Any, action: Any) -> None:
        await ack()
        chosen = action.get("selected_option", action).get("value")
        await respond(text=f"{action['action_id']}: {chosen}", replace_original=False, **QUIET)

    @app.event("link_shared")
    async def shared(event: Any, client: Any) -> None:
        urls = [link["url"] for link in event["links"]]
        entities = [{**entity(url), "app_unfurl_url": url} for url in urls]
        await client.chat_unfurl(channel=event["channel"], ts=event["message_ts"], metadata={"entities": entities})

    @app.event("entity_details_requested")
    async def details(event: Any, client: Any) -> None:
        await client.entity_presentDetails(trigger_id=event["trigger_id"], metadata=entity(event["entity_url"]))

    @app.action("open")
    async def opened(ack: Any) -> None:
        await ack()

    @app.action("push")
    async def push(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_push(trigger_id=body["trigger_id"], view=modal("More", "On top"))

    @app.options("app")
    async def options(ack: Any, body: Any) -> None:
        found = [name for name in ("Courier", "Storefront", "Field Notes") if body["value"].lower() in name.lower()]
        await ack(options=[option(name) for name in found])

    @app.view("form")
    async def submitted(ack: Any, view: Any) -> None:
        values = view["state"]["values"]
        note = values["note"]["note"]["value"]
        if len(note) < 5:
            await ack(response_action="errors", errors={"note": "Five letters at least."})
            return
        events = [each["value"] for each in values["on"]["on"]["selected_options"]]
        files = [each["name"] for each in values["file"]["file"]["files"] or []]
        said = f"{values['app']['app']['selected_option']['value']} {events} {note}{' '.join(['', *files])}"
        await ack(response_action="update", view=modal("Done", said))

    @app.shortcut("about")
    async def about(ack: Any, respond: Any, body: Any) -> None:
        await ack()
        await respond(text=f"About {body['message']['text']}", **QUIET)

    @app.event("app_mention")
    async def mentioned(event: Any, client: Any) -> None:
        thread = event.get("thread_ts") or event["ts"]
        await client.chat_postMessage(
            channel=event["channel"], thread_ts=thread, text=f"Hello <@{event['user']}>", **QUIET
        )

    @app.event("app_home_opened")
    async def home_opened(event: Any, client: Any) -> None:
        button = {"type": "button", "text": plain("Press"), "action_id": "away", "value": "home"}
        lines = [{"type": "section", "text": plain(f"Line {number}")} for number in range(60)]
        view = {"type": "home", "blocks": [*lines, {"type": "actions", "elements": [button]}]}
        await client.views_publish(user_id=event["user"], view=view)

    @app.action("away")
    async def pressed_at_home(ack: Any, body: Any, client: Any) -> None:
        await ack()
        done = {"type": "section", "text": plain(f"Pressed in a {body['container']['type']}")}
        await client.views_publish(user_id=body["user"]["id"], view={"type": "home", "blocks": [done]})
