"""What a browser asks for decides the language of the claim page; it is asked for in many ways."""

from __future__ import annotations

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.tickets import new_ticket
from bot.i18n import LANGUAGES
from bot.web.locale_negotiation import wanted
from tests.conftest import Environment


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("es", "es"),
        ("es-ES,es;q=0.9,en;q=0.8", "es"),
        ("ES-mx", "es"),
        ("en-GB,en;q=0.9,es;q=0.8", "en"),
        ("en;q=0.5, es", "es"),
        ("en;q=0.5,es;q=0.500", "en"),  # as much: the one that comes first
        ("cy-GB,cy;q=0.9,es;q=0.8,en;q=0.7", "es"),
        ("cy-GB,cy;q=0.9,en;q=0.8", "en"),
        ("es;q=0,en", "en"),
        ("es ; q=0.1 , cy", "es"),
        ("es;Q=1.000", "es"),
    ],
)
def test_locale_negotiation_picks_preferred_known_language(accept: str, language: str) -> None:
    assert {wanted(accept, otherwise) for otherwise in LANGUAGES} == {language}


@pytest.mark.parametrize(
    "accept",
    ["", "*", "cy", "cy,gd;q=0.5", "es;q=0", "es;q=high", "es;q=2", "es;q=-1", "es;q=nan", "esperanto", "*,es;q=0.5"],
)
def test_locale_negotiation_without_match_uses_default(accept: str) -> None:
    assert [wanted(accept, otherwise) for otherwise in LANGUAGES] == list(LANGUAGES)


@given(st.text() | st.text("es-ESn;q=0.15,* "))
def test_locale_negotiation_any_header_gives_known_language(accept: str) -> None:
    assert wanted(accept, "en") in LANGUAGES


def test_the_thousandth_tag_is_not_read() -> None:
    assert wanted("cy;q=0.1," * 1000 + "es", "en") == "en"


async def test_a_browser_without_a_wish_reads_what_the_channels_do(world: Environment) -> None:
    await world.start(language="es", public_url="http://127.0.0.1:9")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{world.bot.web.port}/b/{new_ticket()}") as answer:
            assert (answer.status, answer.headers["Content-Language"]) == (404, "es")
            assert "<h1>Este enlace no funciona</h1>" in await answer.text()
