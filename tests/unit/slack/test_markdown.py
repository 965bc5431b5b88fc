"""Changelogs in Markdown as rich text: formatted, and as harmless as any text from outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.markdown import PIECE, formatted, is_markdown, parse, to_rich_text
from sandbox.slack.validation import check_blocks

CHANGELOG = """\
# Courier 2.4

- Depot **switcher**
- Sign-in with a `passkey`
  1. On [iPhone](https://acme.example/a?b=1&c=2)
  2. ![Screenshot](https://acme.example/i.png) on Android
- Faster

Thanks to *Ana* and ~~Bruno~~
<https://acme.example>

> It works

```swift
let depot = "<!channel>"
```
"""


def leaves(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for each in part:
            yield from leaves(each)
    elif "elements" in part:
        yield from leaves(part["elements"])
    else:
        yield part


def words(text: str) -> str:
    return "".join(each.get("text") or each.get("url", "") for each in leaves(to_rich_text(parse(text))))


def test_markdown_has_slack_s_own_formatting() -> None:
    [block] = to_rich_text(parse(CHANGELOG))
    assert [(part["type"], part.get("style"), part.get("indent")) for part in block["elements"]] == [
        ("rich_text_section", None, None),
        ("rich_text_list", "bullet", 0),
        ("rich_text_list", "ordered", 1),
        ("rich_text_list", "bullet", 0),
        ("rich_text_section", None, None),
        ("rich_text_quote", None, None),
        ("rich_text_preformatted", None, None),
    ]
    styled = {each["text"]: list(each["style"]) for each in leaves(block) if "style" in each}
    assert styled == {
        "Courier 2.4": ["bold"],
        "switcher": ["bold"],
        "passkey": ["code"],
        "Ana": ["italic"],
        "Bruno": ["strike"],
    }
    assert [each["url"] for each in leaves(block) if each["type"] == "link"] == [
        "https://acme.example/a?b=1&c=2",
        "https://acme.example",
    ]
    assert "iPhone (https://acme.example/a?b=1&c=2)" in words(CHANGELOG)
    assert "Screenshot on Android" in words(CHANGELOG)


def test_markdown_ordered_list_goes_on_after_what_is_inside() -> None:
    [block] = to_rich_text(parse("3. a\n   - x\n4. b\n"))
    assert [(part["style"], part.get("offset")) for part in block["elements"]] == [
        ("ordered", 2),
        ("bullet", None),
        ("ordered", 3),
    ]


PLAIN = [
    "",
    "Fix a crash",
    "fix_this_now and 2*3*4",
    "*b* _i_ ~s~ `c` :bug: <!channel>",
    "Depot switcher\nSign-in with a passkey",
    "#173 is fixed",
    "-no list",
    "[RC] 2.4",
    "a > b",
    "- one line",
    "**one line**",
    "*\n-\n#",
]


@pytest.mark.parametrize("text", PLAIN)
def test_markdown_without_structure_is_quoted_as_it_is(text: str) -> None:
    assert not is_markdown(text, parse(text))
    assert "rich_text_list" not in str(formatted(text))


LIVE = [
    "- <!channel> <@U0ANA> <#C0RELEASES> @here @channel",
    "- [Reset your password](javascript:alert(1))",
    "- [https://bank.example](https://evil.example)",
    "- &#x202e;gpj.exe &#0; &lt;!here&gt;",
    "- <b onclick=x>bold</b><script>",
    "- ![](https://tracker.example/pixel.png) x",
    "- [a](slack://open) [b](mailto:x@y.z) [c](//evil.example)",
]


@pytest.mark.parametrize("text", LIVE)
def test_markdown_pings_no_one_and_hides_no_address(text: str) -> None:
    for each in leaves(to_rich_text(parse(text))):
        assert each["type"] in ("text", "link")
        if each["type"] == "link":
            assert each["url"].startswith(("http://", "https://"))
            assert "text" not in each, "Slack shows the address itself"
        else:
            assert not set(each["text"]) & set("\u202e\x00")


def test_markdown_image_is_never_loaded() -> None:
    assert "pixel.png" not in str(to_rich_text(parse(LIVE[5])))


@given(st.text(alphabet="ab *_`#>-[](){}!1.\n\t\\<&;:/https~|\u202e", max_size=200))
def test_markdown_any_text_is_taken_by_slack(text: str) -> None:
    blocks = [block for block, _ in formatted(text)]
    check_blocks(blocks)  # raises what Slack would refuse


@pytest.mark.parametrize(
    "piece", ["a\n- " + "x" * 9000, "```\n" + "y\n" * 6000 + "```", "# T\n\n" + "word " * 4000, "- a\n" * 3000]
)
def test_markdown_of_any_length_loses_nothing(piece: str) -> None:
    found = to_rich_text(parse(piece))
    assert all(sum(len(each["text"]) for each in leaves(block)) <= PIECE for block in found)
    shown = "".join(each["text"] for each in leaves(found))
    assert shown.count("x") == piece.count("x")
    assert shown.count("y") == piece.count("y")
    assert shown.count("word") == piece.count("word")
    assert shown.count("a") == piece.count("a")
