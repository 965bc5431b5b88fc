from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot.commands
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import HandlerKind, HandlerRegistry, RegisteredHandler, button, command, form, options
from bot.domain.model import Role
from bot.slack.blocks import Message
from tests.conftest import Environment

PRODUCT = HandlerRegistry.scan(bot.commands)
ROOT = Path(__file__).resolve().parents[3]

PLAIN = '''
from bot.domain.model import Role
from bot.dispatch.registry import command

@command(need=Role.MEMBER)
async def {name}(call):
    """Do {name}.

    /applivery {name}
    """
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of commands that can be imported as `some_commands`."""
    folder = tmp_path / "some_commands"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "some_commands"]:
        del sys.modules[name]


def found(package: Path) -> HandlerRegistry:
    importlib.invalidate_caches()
    return HandlerRegistry.scan(importlib.import_module(package.name))


def test_a_subcommand_is_found_by_being_in_the_folder(package: Path) -> None:
    (package / "one.py").write_text(PLAIN.format(name="one"))
    (package / "two.py").write_text(PLAIN.format(name="two"))
    assert [(entry.name, entry.summary, entry.usage) for entry in found(package).commands()] == [
        ("one", "Do one.", ("/applivery one",)),
        ("two", "Do two.", ("/applivery two",)),
    ]


def test_registry_two_commands_of_one_name_stop_start(package: Path) -> None:
    (package / "one.py").write_text(PLAIN.format(name="same"))
    (package / "two.py").write_text(PLAIN.format(name="same"))
    with pytest.raises(ValueError, match="two handlers for the command “same”"):
        found(package)


@pytest.mark.parametrize("mark", [button, form, options])
def test_registry_duplicate_button_form_or_typeahead_stops_start(mark: object) -> None:
    async def handler(call: CommandContext, value: str) -> Message:
        return Message(value)

    registry = HandlerRegistry()
    [entry] = mark("same.v1", need=Role.MEMBER)(handler).entries  # type: ignore[operator]
    registry.add(entry)
    with pytest.raises(ValueError, match=r"“same\.v1”"):
        registry.add(entry)


def test_one_name_may_be_a_command_a_button_and_a_form() -> None:
    registry = HandlerRegistry()
    for mark in (command(need=Role.MEMBER, name="x"), button("x", need=Role.MEMBER), form("x", need=Role.ADMIN)):

        async def handler(call: CommandContext) -> Message:
            return Message("x")

        registry.add(mark(handler).entries[0])
    assert {kind for kind in HandlerKind if registry.get(kind, "x")} == {
        HandlerKind.COMMAND,
        HandlerKind.BUTTON,
        HandlerKind.FORM,
    }


def test_registry_imported_handler_is_not_found_twice(package: Path) -> None:
    (package / "one.py").write_text(PLAIN.format(name="one"))
    (package / "two.py").write_text("from some_commands.one import one\n" + PLAIN.format(name="two"))
    assert [entry.name for entry in found(package).commands()] == ["one", "two"]


def test_a_role_cannot_be_forgotten() -> None:
    with pytest.raises(TypeError):
        command()  # type: ignore[call-arg]
    for mark in (button, form, options):
        with pytest.raises(TypeError):
            mark("x")  # type: ignore[operator]


def test_a_folder_with_nothing_marked_is_an_empty_registry(package: Path) -> None:
    (package / "one.py").write_text("async def helper(): ...\n")
    assert found(package).entries == {}


# ------------------------------------------------------------------ the product's own


@pytest.mark.parametrize("entry", PRODUCT.commands(), ids=lambda entry: entry.name)
async def test_every_example_in_a_help_is_read_by_its_own_command(world: Environment, entry: RegisteredHandler) -> None:
    """What a docstring shows must bind: an example that does not work is worse than none."""
    world.applivery.build(world.courier, version="2.4.0", number="173", branch="release/2.4")
    await world.start()
    examples = [line for line in entry.usage if line.startswith("/")]
    assert examples
    for example in examples:
        typed = example.removeprefix("/applivery").strip()
        assert typed.partition(" ")[0] == ("" if entry.name == "menu" else entry.name)
        turn = await world.slack.command("/applivery", typed, user=world.ana, channel=world.releases)
        await world.slack.until(lambda turn=turn: turn.answers or turn.views)
        for answer in turn.answers:
            assert not re.search(r"needs|no option|not know what to do|do not understand", answer.text), example


def test_every_button_and_typeahead_we_send_has_its_handler() -> None:
    sent = {name for name in _names_in_calls("button", 1) if not name.startswith("run.")}
    assert sent, "the search found nothing"
    assert {name for name in sent if PRODUCT.get(HandlerKind.BUTTON, name) is None} == set()
    picked = _names_in_calls("external_select", 1)
    assert picked
    assert {name for name in picked if PRODUCT.get(HandlerKind.OPTIONS, name) is None} == set()


def test_registry_button_name_needs_version() -> None:
    """Old messages keep their meaning because of it."""
    names = [name for kind, name in PRODUCT.entries if kind in (HandlerKind.BUTTON, HandlerKind.FORM)]
    assert [name for name in names if not re.fullmatch(r"[a-z_.]+\.v\d+", name)] == []


def test_registry_button_handlers_checked_like_commands() -> None:
    for (kind, name), entry in PRODUCT.entries.items():
        twin = PRODUCT.get(HandlerKind.COMMAND, name.partition(".")[0])
        if kind is not HandlerKind.COMMAND and twin is not None:
            assert entry.required_role >= twin.required_role, name


def _names_in_calls(function: str, place: int) -> set[str]:
    """The literal action names given to `blocks.button` or `blocks.external_select`, without what tells two in a row
    apart.
    """
    names: set[str] = set()
    for file in (ROOT / "bot").rglob("*.py"):
        if "sandbox" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == function and ast.unparse(node.func.value) == "blocks" and len(node.args) > place:
                names.add(ast.unparse(node.args[place]).removeprefix("f").strip("'\"").partition("#")[0])
    return {name for name in names if re.fullmatch(r"[\w.]+", name) and "." in name}


def test_handler_with_a_role_says_its_act() -> None:
    needing = [
        entry
        for entry in PRODUCT.entries.values()
        if entry.required_role > Role.MEMBER and entry.kind is not HandlerKind.OPTIONS
    ]
    assert len(needing) > 20
    assert [(entry.kind, entry.name) for entry in needing if not entry.act] == []
    assert all(entry.act == entry.act.strip(" .") for entry in needing)


def test_a_modules_handlers_share_the_act_of_its_command() -> None:
    acts = {(kind, name): entry.act for (kind, name), entry in PRODUCT.entries.items()}
    assert acts[HandlerKind.BUTTON, "summary.csv.v1"] == acts[HandlerKind.COMMAND, "downloads"] == "see downloads"
    assert acts[HandlerKind.COMMAND, "unmute"] != acts[HandlerKind.COMMAND, "mute"]
