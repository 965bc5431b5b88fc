"""Who is answered in which language, and how numbers and days are written in it."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from bot import i18n
from sandbox.faults import Fault
from tests.conftest import Environment


def test_english_is_said_as_it_is_written() -> None:
    assert i18n._("{verb} is {what}", verb="`get`", what="*new*") == "`get` is *new*"
    assert i18n.ngettext("{number} build", "{number} builds", 1) == "1 build"
    assert i18n.ngettext("{number} build", "{number} builds", 12345) == "12,345 builds"
    assert i18n.format_day(date(2026, 11, 3)) == "3 Nov 2026"
    assert i18n.format_short_day(date(2026, 11, 3)) == "3 Nov"
    assert i18n.format_month(date(2026, 11, 3)) == "Nov 2026"


def test_spanish_from_catalogue_and_untranslated_stays_english() -> None:
    with i18n.use_locale("es"):
        assert i18n._("Show your role and what you can do.") == "Muestra tu rol y lo que puedes hacer."
        assert i18n._("Nobody {ever} said this.", ever="{never}") == "Nobody {never} said this."
        assert i18n.format_number(12345.5) == "12.345,5"
        assert i18n.format_day(date(2026, 11, 3)) == "3 nov 2026"
        assert i18n.format_short_day(date(2026, 11, 3)) == "3 nov"
        assert i18n.format_month(date(2026, 11, 3)) == "nov 2026"
    assert i18n.current_locale() == "en"


def test_locale_external_text_is_never_a_template() -> None:
    assert i18n._("{name} is ready", name="{name.__class__}") == "{name.__class__} is ready"


async def test_a_task_speaks_what_its_starter_spoke() -> None:
    with i18n.use_locale("es"):
        task = asyncio.create_task(asyncio.sleep(0, result=None))
        assert task.get_name()
        said = asyncio.create_task(_said())
    assert await said == "es"
    assert i18n.current_locale() == "en"


async def _said() -> str:
    return i18n.current_locale()


@pytest.mark.parametrize(
    ("locale", "spoken"),
    [
        ("es-ES", "es"),
        ("es-LA", "es"),
        ("es_419", "es"),
        ("ES", "es"),
        ("en-GB", "en"),
        ("cy-GB", None),
        ("", None),
        (None, None),
    ],
)
def test_a_locale_is_one_of_our_languages_or_none(locale: str | None, spoken: str | None) -> None:
    assert i18n.locale_of(locale) == spoken


async def test_each_person_is_answered_in_the_language_of_their_slack(world: Environment) -> None:
    lucia = world.slack.user("lucia", locale="es-ES", email="lucia@acme.test")
    world.releases.members.append(lucia.id)
    await world.start()
    assert "Muestra tu rol y lo que puedes hacer." in (await world.ask("help whoami", user=lucia)).text
    assert "Show your role and what you can do." in (await world.ask("help whoami")).text


async def test_locale_unsupported_uses_the_setting(world: Environment) -> None:
    carys = world.slack.user("carys", locale="cy-GB", email="carys@acme.test")
    world.releases.members.append(carys.id)
    await world.start(language="es")
    assert "Muestra tu rol y lo que puedes hacer." in (await world.ask("help whoami", user=carys)).text
    assert "Show your role and what you can do." in (await world.ask("help whoami")).text
    await world.restart(language="en")
    assert "Show your role and what you can do." in (await world.ask("help whoami", user=carys)).text


async def test_locale_unknown_while_slack_fails_uses_the_setting(world: Environment) -> None:
    await world.start(language="es")
    world.slack.faults.add("users.info", Fault(status=500), times=None)
    assert await world.bot.dispatcher._people.language(world.ana.id) == "es"
