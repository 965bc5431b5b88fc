"""Rich text and what may stand in it. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block"""

from __future__ import annotations

from sandbox.slack.validation.objects import IDENTIFIER
from sandbox.slack.validation.schema import (
    ObjectSchema,
    Rule,
    address,
    boolean,
    choice,
    integer,
    items,
    matching,
    one_of,
    text,
)

# Which styles each takes: the page of the block for mentions, @slack/types 3.2.0 (RichTextStyleable) for the rest.
STYLE = ObjectSchema({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), boolean), typed=False)
MENTION_STYLE = ObjectSchema(
    {},
    dict.fromkeys(
        ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"), boolean
    ),
    typed=False,
)
_STYLED: dict[str, Rule] = {"style": STYLE}
_MENTIONED: dict[str, Rule] = {"style": MENTION_STYLE}

WORDS: dict[str, Rule] = {
    "text": ObjectSchema({"text": text(40_000)}, _STYLED),
    "link": ObjectSchema({"url": address}, {**_STYLED, "text": text(40_000), "unsafe": boolean}),
    "user": ObjectSchema({"user_id": IDENTIFIER}, _MENTIONED),
    "usergroup": ObjectSchema({"usergroup_id": IDENTIFIER}, _MENTIONED),
    "channel": ObjectSchema({"channel_id": IDENTIFIER}, _MENTIONED),
    "emoji": ObjectSchema({"name": text(255)}, {**_STYLED, "unicode": text(255), "url": address}),
    "broadcast": ObjectSchema({"range": choice("here", "channel", "everyone")}, _STYLED),
    "team": ObjectSchema({"team_id": IDENTIFIER}, _STYLED),
    "color": ObjectSchema({"value": matching(r"#[0-9a-fA-F]{6}", "must be a hex color")}, _STYLED),
    "date": ObjectSchema(
        {"timestamp": integer(0, 99_999_999_999), "format": text(255)},
        {**_STYLED, "url": address, "fallback": text(255)},
    ),
}

_BORDER: dict[str, Rule] = {"border": integer(0, 1)}
_ELEMENTS: dict[str, Rule] = {"elements": items(one_of(WORDS), 1000, 0)}
SECTION = ObjectSchema(_ELEMENTS)

PARTS: dict[str, Rule] = {
    "rich_text_section": SECTION,
    "rich_text_list": ObjectSchema(
        {"style": choice("bullet", "ordered"), "elements": items(one_of({"rich_text_section": SECTION}), 1000)},
        {**_BORDER, "indent": integer(0, 8), "offset": integer(0, 1_000_000)},
    ),
    # text and links alone: @slack/types 3.2.0 (RichTextPreformatted)
    "rich_text_preformatted": ObjectSchema(
        {"elements": items(one_of({name: WORDS[name] for name in ("text", "link")}), 1000, 0)},
        {**_BORDER, "language": text(255)},
    ),
    "rich_text_quote": ObjectSchema(_ELEMENTS, _BORDER),
}

RICH_TEXT = ObjectSchema({"elements": items(one_of(PARTS), 1000)}, {"block_id": IDENTIFIER})
# The same as a cell of a table: no block_id of its own.
RICH_TEXT_CELL = ObjectSchema({"elements": items(one_of(PARTS), 1000)}, {"block_id": IDENTIFIER})
