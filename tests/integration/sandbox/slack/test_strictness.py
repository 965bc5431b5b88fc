"""Slack's limits, one by one: the error's name and where it points."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(text: str = "Go", action_id: str = "go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def option(value: str = "1", text: str = "one", **more: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value, **more}


def overflow(count: int) -> dict[str, Any]:
    return {"type": "overflow", "action_id": "o", "options": [option(str(index)) for index in range(count)]}


def select(options: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "s", "options": options, **more}


def table(rows: int, columns: int = 1, **more: Any) -> dict[str, Any]:
    row = [{"type": "raw_text", "text": "x"}] * columns
    return {"type": "data_table", "caption": "c", "rows": [row] * rows, **more}


def line(series: list[dict[str, Any]] | None = None, categories: tuple[str, ...] = ("a", "b")) -> dict[str, Any]:
    points = [{"label": each, "value": 1} for each in categories]
    chart = {"type": "line", "series": series or [{"name": "s", "data": points}]}
    chart["axis_config"] = {"categories": list(categories)}
    return {"type": "data_visualization", "title": "t", "chart": chart}


def pie(value: float = 1, segments: int = 1) -> dict[str, Any]:
    chart = {"type": "pie", "segments": [{"label": f"s{index}", "value": value} for index in range(segments)]}
    return {"type": "data_visualization", "title": "t", "chart": chart}


def rich(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(parts)}]}


MENTION = {"type": "user", "user_id": "U1"}


def text_input(**more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "a", **more}
    return {"type": "input", "block_id": "i", "label": plain("Label"), "element": element}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("Title"), "submit": plain("Send"), "blocks": list(blocks), **more}


REFUSED_BLOCKS: list[tuple[str, list[Any], str]] = [
    ("51 blocks", [section()] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ("section text", [section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ("empty section text", [section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ("no section text", [{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
    (
        "11 fields",
        [{"type": "section", "fields": [plain("x")] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    (
        "field text",
        [{"type": "section", "fields": [plain("x" * 2001)]}],
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    (
        "header",
        [{"type": "header", "text": plain("x" * 151)}],
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        "mrkdwn header",
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
    ),
    (
        "context",
        [{"type": "context", "elements": [plain("x")] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        "26 buttons",
        [actions(*[button(action_id=str(index)) for index in range(26)])],
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        "button text",
        [actions(button("x" * 76))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (
        "button value",
        [actions(button(value="x" * 2001))],
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (
        "button url",
        [actions(button(url="https://x.test/" + "x" * 3000))],
        "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]",
    ),
    (
        "url without a host",
        [actions(button(url="itms-services://?action=download-manifest"))],
        "must be a valid URL [json-pointer:/blocks/0/elements/0/url]",
    ),
    (
        "action id",
        [actions(button(action_id="x" * 256))],
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ),
    (
        "same action id",
        [actions(button(), button())],
        '`action_id` "go" already exists [json-pointer:/blocks/0/elements/1/action_id]',
    ),
    (
        "same block id",
        [section(block_id="b"), section(block_id="b")],
        '`block_id` "b" already exists [json-pointer:/blocks/1/block_id]',
    ),
    ("unknown block", [{"type": "marquee"}], "unsupported type: marquee [json-pointer:/blocks/0/type]"),
    (
        "unknown element",
        [actions({"type": "lever", "action_id": "x"})],
        "unsupported type: lever [json-pointer:/blocks/0/elements/0/type]",
    ),
    ("unknown field", [section(colour="red")], "invalid additional property: colour [json-pointer:/blocks/0]"),
    ("untyped block", [{"text": plain("x")}], "missing required field: type [json-pointer:/blocks/0]"),
    ("block that is none", ["x"], "must provide an object [json-pointer:/blocks/0]"),
    (
        "emoji in mrkdwn",
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}],
        "invalid additional property: emoji [json-pointer:/blocks/0/text]",
    ),
    (
        "6 in an overflow",
        [actions(overflow(6))],
        "no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        "101 options",
        [actions(select([option(str(index)) for index in range(101)]))],
        "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        "option text",
        [actions(select([option(text="x" * 76)]))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/text/text]",
    ),
    (
        "option value",
        [actions(select([option("x" * 151)]))],
        "must be less than 151 characters [json-pointer:/blocks/0/elements/0/options/0/value]",
    ),
    (
        "initial option that is none",
        [actions(select([option()], initial_option=option("2")))],
        "initial_option must exactly match one of the options [json-pointer:/blocks/0/elements/0/initial_option]",
    ),
    (
        "options and groups",
        [actions(select([option()], option_groups=[{"label": plain("g"), "options": [option()]}]))],
        "only one of options, option_groups is allowed [json-pointer:/blocks/0/elements/0]",
    ),
    (
        "placeholder",
        [actions(select([option()], placeholder=plain("x" * 151)))],
        "must be less than 151 characters [json-pointer:/blocks/0/elements/0/placeholder/text]",
    ),
    (
        "confirm text",
        [
            actions(
                button(
                    confirm={"title": plain("t"), "text": plain("x" * 301), "confirm": plain("y"), "deny": plain("n")}
                )
            )
        ],
        "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]",
    ),
    (
        "confirm without deny",
        [actions(button(confirm={"title": plain("t"), "text": plain("x"), "confirm": plain("y")}))],
        "missing required field: deny [json-pointer:/blocks/0/elements/0/confirm]",
    ),
    (
        "image without alt",
        [{"type": "image", "image_url": "https://x.test/a.png"}],
        "missing required field: alt_text [json-pointer:/blocks/0]",
    ),
    (
        "input element outside",
        [actions(text_input()["element"])],
        "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
    ),
    (
        "alert in a message",
        [{"type": "alert", "text": plain("x")}],
        "unsupported type: alert [json-pointer:/blocks/0/type]",
    ),
    ("table of one row", [table(1)], "no less than 2 items allowed [json-pointer:/blocks/0/rows]"),
    ("table of 102 rows", [table(102)], "no more than 101 items allowed [json-pointer:/blocks/0/rows]"),
    ("21 columns", [table(2, 21)], "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"),
    ("page size", [table(2, page_size=101)], "must be less than 101 [json-pointer:/blocks/0/page_size]"),
    (
        "ragged table",
        [{"type": "data_table", "caption": "c", "rows": [[{"type": "raw_text", "text": "x"}], []]}],
        "no less than 1 items allowed [json-pointer:/blocks/0/rows/1]",
    ),
    (
        "rich text in a table's header",
        [{"type": "data_table", "caption": "c", "rows": [[rich()], [rich()]]}],
        "unsupported type: rich_text [json-pointer:/blocks/0/rows/0/0/type]",
    ),
    (
        "number without its words",
        [{**table(2), "rows": [[{"type": "raw_text", "text": "x"}], [{"type": "raw_number", "value": 1}]]}],
        "missing required field: text [json-pointer:/blocks/0/rows/1/0]",
    ),
    (
        "blank cell",
        [{**table(2), "rows": [[{"type": "raw_text", "text": "x"}], [{"type": "raw_text", "text": " \u3000"}]]}],
        "must not be empty [json-pointer:/blocks/0/rows/1/0/text]",
    ),
    (
        "label of 21 with an emoji",
        [line(categories=("a", "😀" + "b" * 19))],
        "must be less than 21 characters [json-pointer:/blocks/0/chart/axis_config/categories/1]",
    ),
    (
        "one category twice",
        [line(categories=("a", "a"))],
        '`category` "a" already exists [json-pointer:/blocks/0/chart/axis_config/categories/1/category]',
    ),
    (
        "empty cell",
        [
            {
                "type": "data_table",
                "caption": "c",
                "rows": [[{"type": "raw_text", "text": "x"}], [{"type": "raw_text", "text": ""}]],
            }
        ],
        "must be more than 0 characters [json-pointer:/blocks/0/rows/1/0/text]",
    ),
    (
        "table without a caption",
        [{"type": "data_table", "rows": table(2)["rows"]}],
        "missing required field: caption [json-pointer:/blocks/0]",
    ),
    ("two tables", [table(2), table(2)], "only_one_table_allowed [json-pointer:/blocks]"),
    (
        "three charts",
        [line(), line(), pie()],
        "no more than 2 data_visualization blocks allowed [json-pointer:/blocks]",
    ),
    ("empty slice", [pie(0)], "must be more than 0 [json-pointer:/blocks/0/chart/segments/0/value]"),
    ("7 slices", [pie(1, 7)], "no more than 6 items allowed [json-pointer:/blocks/0/chart/segments]"),
    (
        "21 points",
        [line(categories=tuple(map(str, range(21))))],
        "no more than 20 items allowed [json-pointer:/blocks/0/chart/axis_config/categories]",
    ),
    (
        "a series with a hole",
        [line([{"name": "s", "data": [{"label": "a", "value": 1}]}])],
        "each series must have exactly one point for each category [json-pointer:/blocks/0/chart/series/0/data]",
    ),
    (
        "a container of nothing",
        [{"type": "container", "title": plain("t"), "child_blocks": []}],
        "no less than 1 items allowed [json-pointer:/blocks/0/child_blocks]",
    ),
    (
        "unknown rich text",
        [rich({"type": "blink", "text": "x"})],
        "unsupported type: blink [json-pointer:/blocks/0/elements/0/elements/0/type]",
    ),
    (
        "a mention's style on a text",
        [rich({"type": "text", "text": "x", "style": {"highlight": True}})],
        "invalid additional property: highlight [json-pointer:/blocks/0/elements/0/elements/0/style]",
    ),
    (
        "a mention in code",
        [{"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [MENTION]}]}],
        "unsupported type: user [json-pointer:/blocks/0/elements/0/elements/0/type]",
    ),
    (
        "a table of numbers in a container",
        [{"type": "container", "title": plain("t"), "child_blocks": [table(2)]}],
        "unsupported type: data_table [json-pointer:/blocks/0/child_blocks/0/type]",
    ),
    (
        "plain text in a card",
        [{"type": "card", "title": plain("t")}],
        "unsupported type: plain_text [json-pointer:/blocks/0/title/type]",
    ),
    (
        "a task without its state",
        [{"type": "task_card", "task_id": "1", "title": "t"}],
        "missing required field: status [json-pointer:/blocks/0]",
    ),
]


@pytest.mark.parametrize(("blocks", "words"), [pytest.param(*rest, id=name) for name, *rest in REFUSED_BLOCKS])
async def test_blocks_past_a_limit_are_invalid_blocks(client, releases, blocks, words):
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=releases.id, text="x", blocks=blocks)
    answer = caught.value.response
    assert answer["error"] == "invalid_blocks"
    assert f"[ERROR] {words}" in answer["response_metadata"]["messages"]
    assert words in answer["errors"]


PICTURE = {"type": "image", "image_url": "https://x.test/a.png", "alt_text": "a"}

TAKEN = [
    section("x" * 3000, accessory=button()),
    {"type": "section", "fields": [plain("x")] * 10},
    {"type": "header", "text": plain("x" * 150), "level": 2},
    {"type": "divider"},
    {"type": "context", "elements": [plain("x"), PICTURE]},
    actions(button(style="danger"), overflow(5), select([option()], initial_option=option())),
    actions({"type": "users_select", "action_id": "u"}, {"type": "datepicker", "initial_date": "2026-01-02"}),
    text_input(),
    rich({"type": "text", "text": "x", "style": {"bold": True}}, {"type": "link", "url": "https://x.test"}),
    {"type": "markdown", "text": "**x**"},
    table(101, 20),
    line(),
    pie(),
    {"type": "container", "title": plain("t"), "is_collapsible": True, "child_blocks": [section(), actions(button())]},
    {"type": "card", "title": {"type": "mrkdwn", "text": "t"}, "actions": [button()]},
    rich({"type": "user", "user_id": "U1", "style": {"highlight": True}}),
    {"type": "video", "alt_text": "v", "title": plain("t"), "thumbnail_url": "https://x.test", "video_url": "https://x.test"},
]  # fmt: skip


@pytest.mark.parametrize("block", TAKEN, ids=lambda block: block["type"])
async def test_blocks_within_the_limits_are_taken(client, releases, block):
    answer = await client.chat_postMessage(channel=releases.id, text="x", blocks=[block])
    assert answer["ok"]
    assert answer["message"]["blocks"][0]["block_id"]


REFUSED_MESSAGES: list[tuple[str, dict[str, Any], str]] = [
    ("nothing", {}, "no_text"),
    ("blanks", {"text": "  "}, "no_text"),
    ("too long", {"text": "x" * 40_001}, "msg_too_long"),
    ("blocks that are no list", {"text": "x", "blocks": {"type": "divider"}}, "invalid_blocks_format"),
    ("blocks that are no JSON", {"text": "x", "blocks": "[{"}, "invalid_blocks_format"),
    ("metadata that is none", {"text": "x", "metadata": "[]"}, "invalid_metadata_format"),
    ("half the metadata", {"text": "x", "metadata": {"event_type": "e"}}, "invalid_metadata_schema"),
    (
        "metadata payload",
        {"text": "x", "metadata": {"event_type": "e", "event_payload": []}},
        "invalid_metadata_schema",
    ),
    (
        "much metadata",
        {"text": "x", "metadata": {"event_type": "e", "event_payload": {"x": "x" * 20_000}}},
        "metadata_too_large",
    ),
    ("much markdown", {"blocks": [{"type": "markdown", "text": "x" * 7000}] * 2}, "msg_too_long"),
    ("unknown thread", {"text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
]


@pytest.mark.parametrize(("content", "error"), [pytest.param(*rest, id=name) for name, *rest in REFUSED_MESSAGES])
async def test_a_message_slack_would_not_take_is_refused_by_name(client, slack, releases, content, error):
    with pytest.raises(SlackApiError) as caught:
        await client.api_call("chat.postMessage", json={"channel": releases.id, **content})
    assert caught.value.response["error"] == error
    assert slack.messages(releases) == []


REFUSED_VIEWS: list[tuple[str, Any, str]] = [
    (
        "title",
        modal(section(), title=plain("x" * 25)),
        "must be less than 25 characters [json-pointer:/view/title/text]",
    ),
    (
        "a workflow's field",
        modal(section(), submit_disabled=True),
        "invalid additional property: submit_disabled [json-pointer:/view]",
    ),
    ("no title", {"type": "modal", "blocks": [section()]}, "missing required field: title [json-pointer:/view]"),
    (
        "submit",
        modal(section(), submit=plain("x" * 25)),
        "must be less than 25 characters [json-pointer:/view/submit/text]",
    ),
    (
        "close",
        modal(section(), close=plain("x" * 25)),
        "must be less than 25 characters [json-pointer:/view/close/text]",
    ),
    ("101 blocks", modal(*[section()] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
    ("no blocks", modal(), "no less than 1 items allowed [json-pointer:/view/blocks]"),
    (
        "private metadata",
        modal(section(), private_metadata="x" * 3001),
        "must be less than 3001 characters [json-pointer:/view/private_metadata]",
    ),
    (
        "private metadata of four bytes each",
        modal(section(), private_metadata="😀" * 751),
        "must be less than 3001 bytes [json-pointer:/view/private_metadata]",
    ),
    (
        "begins longer than it may be",
        modal(text_input(max_length=3, initial_value="four")),
        "initial_value must not be longer than max_length [json-pointer:/view/blocks/0/element]",
    ),
    (
        "callback id",
        modal(section(), callback_id="x" * 256),
        "must be less than 256 characters [json-pointer:/view/callback_id]",
    ),
    ("input without submit", modal(text_input(), submit=None), "missing required field: submit [json-pointer:/view]"),
    ("table", modal(table(2)), "unsupported type: data_table [json-pointer:/view/blocks/0/type]"),
    (
        "long input",
        modal(text_input(max_length=3001)),
        "must be less than 3001 [json-pointer:/view/blocks/0/element/max_length]",
    ),
    ("unknown field", modal(section(), size="big"), "invalid additional property: size [json-pointer:/view]"),
    ("home", {"type": "home", "blocks": [section()]}, "unsupported type: home [json-pointer:/view/type]"),
]


@pytest.mark.parametrize(("view", "words"), [pytest.param(*rest, id=name) for name, *rest in REFUSED_VIEWS])
async def test_a_view_past_a_limit_is_invalid_arguments(client, view, words):
    with pytest.raises(SlackApiError) as caught:
        await client.views_open(trigger_id="any", view=view)
    answer = caught.value.response
    assert answer["error"] == "invalid_arguments"
    assert f"[ERROR] {words}" in answer["response_metadata"]["messages"]
