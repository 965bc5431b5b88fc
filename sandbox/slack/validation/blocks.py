"""Every block Slack knows, what may stand in it, and on which surface. https://docs.slack.dev/reference/block-kit/blocks"""

from __future__ import annotations

from sandbox.slack.validation.charts import DATA_TABLE, DATA_VISUALIZATION, TABLE
from sandbox.slack.validation.elements import BUTTON, IMAGE, IN_ACTIONS, IN_CONTEXT_ACTIONS, IN_INPUT, IN_SECTION
from sandbox.slack.validation.objects import IDENTIFIER, SLACK_FILE, mrkdwn, plain, wording
from sandbox.slack.validation.rich_text import RICH_TEXT
from sandbox.slack.validation.schema import (
    ObjectSchema,
    Rule,
    address,
    any_field,
    anything,
    boolean,
    choice,
    integer,
    items,
    key,
    one_of,
    only_one,
    text,
    together,
    unique,
)

NAMED: dict[str, Rule] = {"block_id": IDENTIFIER}
ACTIONS_OF_ITS_OWN = unique("action_id", key("action_id"))

SECTION = ObjectSchema(
    {},
    {
        **NAMED,
        "text": wording(3000),
        "fields": items(wording(2000), 10),
        "accessory": one_of(IN_SECTION),
        "expand": boolean,
    },
    (any_field("text", "fields"),),
)
HEADER = ObjectSchema({"text": plain(150)}, {**NAMED, "level": integer(1, 4)})
DIVIDER = ObjectSchema({}, NAMED)
_CONTEXT: dict[str, Rule] = {"image": IMAGE, "plain_text": plain(3000), "mrkdwn": mrkdwn(3000)}
CONTEXT = ObjectSchema({"elements": items(one_of(_CONTEXT), 10)}, NAMED)
ACTIONS = ObjectSchema({"elements": together(items(one_of(IN_ACTIONS), 25), ACTIONS_OF_ITS_OWN)}, NAMED)
CONTEXT_ACTIONS = ObjectSchema({"elements": together(items(one_of(IN_CONTEXT_ACTIONS), 5), ACTIONS_OF_ITS_OWN)}, NAMED)
INPUT = ObjectSchema(
    {"label": plain(2000), "element": one_of(IN_INPUT)},
    {**NAMED, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
)
PICTURE = ObjectSchema(
    {"alt_text": text(2000)},
    {**NAMED, "image_url": address, "slack_file": SLACK_FILE, "title": plain(2000)},
    (any_field("image_url", "slack_file"), only_one("image_url", "slack_file")),
)
VIDEO = ObjectSchema(
    {"alt_text": text(2000), "title": plain(199), "thumbnail_url": address, "video_url": address},
    {
        **NAMED,
        "author_name": text(49),
        "description": plain(200),
        "provider_icon_url": address,
        "provider_name": text(255),
        "title_url": address,
    },
)
FILE = ObjectSchema({"external_id": text(255), "source": choice("remote")}, NAMED)
MARKDOWN = ObjectSchema({"text": text(12_000)}, NAMED)
# The words of `level` and the fields of cards, containers and tasks are those of @slack/types 3.2.0.
ALERT = ObjectSchema(
    {"text": wording(3000)}, {**NAMED, "level": choice("default", "info", "warning", "error", "success")}
)
CARD = ObjectSchema(
    {},
    {
        **NAMED,
        "title": mrkdwn(150),
        "subtitle": mrkdwn(150),
        "body": mrkdwn(200),
        "icon": IMAGE,
        "hero_image": IMAGE,
        "actions": together(items(one_of({"button": BUTTON}), 2), ACTIONS_OF_ITS_OWN),
    },
    (any_field("title", "body", "hero_image"),),
)
CAROUSEL = ObjectSchema({"elements": items(one_of({"card": CARD}), 10)}, NAMED)
# Streaming and agents: the sandbox knows that they exist, not what is in them.
TASK_CARD = ObjectSchema(
    {"task_id": text(255), "title": text(255), "status": choice("pending", "in_progress", "complete", "error")},
    {**NAMED, "details": RICH_TEXT, "output": RICH_TEXT, "sources": anything},
)
PLAN = ObjectSchema({"title": text(255)}, {**NAMED, "tasks": anything})

ALL: dict[str, Rule] = {
    "section": SECTION,
    "header": HEADER,
    "divider": DIVIDER,
    "context": CONTEXT,
    "actions": ACTIONS,
    "context_actions": CONTEXT_ACTIONS,
    "input": INPUT,
    "image": PICTURE,
    "video": VIDEO,
    "rich_text": RICH_TEXT,
    "file": FILE,
    "markdown": MARKDOWN,
    "alert": ALERT,
    "card": CARD,
    "carousel": CAROUSEL,
    "table": TABLE,
    "data_table": DATA_TABLE,
    "data_visualization": DATA_VISUALIZATION,
    "task_card": TASK_CARD,
    "plan": PLAN,
}

# What both the page and blocks.validate take; each alone takes more (docs.rs/slack-morphism, SlackContainerBlock).
IN_CONTAINER = ("actions", "context", "divider", "header", "image", "section", "table", "video")
ALL["container"] = ObjectSchema(
    {"child_blocks": items(one_of({name: ALL[name] for name in IN_CONTAINER}), 10)},
    {
        **NAMED,
        "title": plain(150),
        "rich_text_title": anything,
        "subtitle": wording(150),
        "icon": IMAGE,
        "width": choice("narrow", "standard", "wide", "full"),
        "is_collapsible": boolean,
        "default_collapsed": boolean,
        "has_header_divider": boolean,
    },
    (any_field("title", "rich_text_title"), only_one("title", "rich_text_title")),
)

_MESSAGE_ONLY = {"container", "context_actions", "data_visualization", "file", "markdown", "plan", "task_card"}
_NOT_IN_MODALS = _MESSAGE_ONLY | {"carousel", "data_table", "table"}
# Charts and containers also show on Home: their own pages list it, the overview does not.
_NOT_AT_HOME = (_MESSAGE_ONLY - {"container", "data_visualization"}) | {"alert"}

SURFACES: dict[str, dict[str, Rule]] = {
    "message": {name: rule for name, rule in ALL.items() if name != "alert"},
    "modal": {name: rule for name, rule in ALL.items() if name not in _NOT_IN_MODALS},
    "home": {name: rule for name, rule in ALL.items() if name not in _NOT_AT_HOME},
}
