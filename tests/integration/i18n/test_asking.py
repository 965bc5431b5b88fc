"""What somebody who reads Spanish is told when they ask: help, the menu, and why something could not be done."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import pytest

from bot import i18n
from bot.slack import blocks, mrkdwn
from bot.slack.blocks import Message, inputs
from sandbox.faults import Fault
from tests.conftest import Environment


@pytest.fixture
def lucia(world: Environment) -> Any:
    """A releaser's colleague whose Slack is in Spanish."""
    user = world.slack.user("lucia", locale="es-ES", email="lucia@acme.test")
    world.releases.members.append(user.id)
    return user


async def test_the_menu_and_the_help_are_in_the_reader_s_language(world: Environment, lucia: Any) -> None:
    await world.start()
    menu = await world.ask("", user=lucia)
    assert menu.text == "¿Qué quieres hacer? O escríbelo: `/applivery get courier`"
    labels = [element["text"]["text"] for element in menu.blocks[1]["elements"]]
    assert labels[1:4] == ["Obtener una compilación", "Compilaciones", "Estado"]
    said = (await world.ask("help forget", user=lucia)).blocks[0]["text"]["text"]
    assert "Necesita el rol *admin*." in said
    assert "Sus roles se quedan" in said
    assert "`/applivery forget @bruno`" in said


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("gte", "Comando desconocido: “gte”. ¿Querías decir `get`?"),
        ("xyzzy", "Comando desconocido: “xyzzy”."),
        (
            "get courier zzz:7d",
            "Opción desconocida: `zzz:`. Elige `os:`, `branch:`, `tag:`, `version:`, `by:`",
        ),
        ("whoami now", "Palabra desconocida: “now”. Ejemplo: `/applivery whoami`"),
        ("get 0123456789abcdef01234567", "Ninguna app de este espacio de trabajo tiene una compilación con ese id."),
        ("help gte", "Comando desconocido: “gte”."),
        ("status", "¿Qué app?"),
    ],
)
async def test_invalid_request_explained_in_reader_language(
    world: Environment, lucia: Any, typed: str, words: str
) -> None:
    world.applivery.app("Rider", slug="rider")
    await world.start()
    assert words in (await world.ask(typed, user=lucia)).text


async def test_outage_told_in_each_language_although_request_is_shared(
    world: Environment, lucia: Any, log: io.StringIO
) -> None:
    await world.start()
    world.applivery.faults.add("GET /v1/*", Fault(drop=True), times=None)
    askers = [world.ana, lucia, world.bruno, lucia]
    said = await asyncio.gather(*(world.ask("builds courier", user=user) for user in askers))
    english, spanish = "Applivery isn't answering right now.", "Applivery no responde en este momento."
    assert [item.text.startswith(spanish) for item in said] == [False, True, False, True]
    assert [item.text.startswith(english) for item in said] == [True, False, True, False]
    assert re.search(r"\(referencia [0-9a-f]{8}\)", said[1].text)
    assert len(world.applivery.requests) == 3  # the attempts of one question for all
    assert "no responde" not in log.getvalue()


# ------------------------------------------------------------------ bricks


def test_a_message_is_whole_in_the_language_it_was_made_in() -> None:
    with i18n.use_locale("es"):
        made = Message("muchas", tuple(blocks.section(f"línea {number}") for number in range(60)))
    for sent in (made, made.to_channel()):
        assert sent.payload()["blocks"][-1]["elements"][0]["text"] == "… y 11 líneas más que no caben aquí."
    assert made == Message(made.text, made.blocks)


def test_confirmation_and_form_buttons_in_reader_language() -> None:
    """The buttons of a confirmation and of a form are in the language of their reader."""
    with i18n.use_locale("es"):
        asked = blocks.actions(blocks.button("Borrar", "x.v1", confirm="¿Borrar todo?"))["elements"][0]["confirm"]
        view = blocks.Modal("x", "Subir", (inputs.text_input("Nombre", "name", max_length=40),)).view()
    assert [asked[key]["text"] for key in ("title", "confirm", "deny")] == ["¿Borrar?", "Borrar", "Cancelar"]
    assert view["close"]["text"] == "Cancelar"


def test_sizes_are_written_as_the_reader_writes_numbers() -> None:
    with i18n.use_locale("es"):
        assert mrkdwn.size(48_200_000) == "48,2 MB"
        assert mrkdwn.size(1_234_500_000_000) == "1.234,5 GB"
        assert mrkdwn.size(None) == "tamaño desconocido"
