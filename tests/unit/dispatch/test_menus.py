"""⋯ menus: an item does what its button does, and what does not fit Slack's limits is no item."""

from __future__ import annotations

from typing import Any

from bot.dispatch.requests import button_value, clicked
from bot.slack import blocks


def menu(*items: Any) -> dict[str, Any]:
    return {"type": "overflow", "options": [item.to_dict() for item in items]}


def chosen(item: Any) -> dict[str, Any]:
    return {"type": "overflow", "action_id": "menu.v1", "block_id": "b", "selected_option": item.to_dict()}


def test_menu_item_is_its_button() -> None:
    button = clicked(chosen(blocks.menu_item("Downloads", "downloads.v1", "app/build")))
    assert button == {"type": "button", "action_id": "downloads.v1", "value": "app/build", "block_id": "b"}


def test_menu_item_value_may_have_blanks() -> None:
    assert clicked(chosen(blocks.menu_item("Get", "run.v1", "get courier #2")))["value"] == "get courier #2"


def test_menu_link_only_opens_its_address() -> None:
    item = blocks.menu_link("Open in Applivery", "https://dashboard.acme.test", "open.dashboard")
    assert clicked(chosen(item))["action_id"] == "open.dashboard"


def test_menu_without_choice_is_no_button() -> None:
    assert clicked({"type": "overflow", "action_id": "menu.v1"})["action_id"] == ""


def test_other_actions_stay_as_they_are() -> None:
    action = {"type": "button", "action_id": "get.v1", "value": "x"}
    assert clicked(action) is action


def test_shortcut_finds_the_build_in_a_menu() -> None:
    message = {"blocks": [{"type": "actions", "elements": [menu(blocks.menu_item("Get", "get.v1", "a/b"))]}]}
    assert button_value(message, frozenset({"get.v1"})) == "a/b"


def test_menu_leaves_out_what_is_too_long() -> None:
    long = blocks.menu_item("Downloads", "downloads.v1", "x" * 150)
    short = blocks.menu_item("Mute", "mute.v1", "app")
    found = blocks.menu(long, None, short)
    assert found is not None
    assert [option.value for option in found.options] == ["mute.v1 app"]
    assert blocks.menu(long) is None
    assert blocks.menu() is None


def test_menu_has_at_most_five_items() -> None:
    found = blocks.menu(*(blocks.menu_item(str(number), "x.v1", str(number)) for number in range(7)))
    assert found is not None
    assert len(found.options) == blocks.MENU_ITEMS


def test_select_has_each_build_once() -> None:
    same = blocks.menu_item("2.4.0", "get.v1", "a/b")
    other = blocks.menu_item("2.4.1", "get.v1", "a/c")
    found = blocks.menu_select("Get a build…", [same, other, same])
    assert [option.value for option in found.options] == ["get.v1 a/b", "get.v1 a/c"]
    assert clicked({"type": "static_select", "selected_option": other.to_dict()})["value"] == "a/c"
