"""Who reads a summary in which language: the asker in theirs, a channel in everybody's, whoever is nudged in theirs."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.commands.test_downloads import people, private
from tests.integration.commands.test_missing import crew, mention, to
from tests.integration.commands.test_summaries import asked_in, everything_in, leads, text_of
from tests.support.seeing import labels, press


async def lucia(world: Environment, **settings: Any) -> Any:
    """A manager whose Slack speaks Spanish, in #releases; the world has started."""
    her = world.slack.user("lucia", locale="es-ES", email="lucia@acme.test")
    world.releases.members.append(her.id)
    await world.start(access_default_role="manager", **settings)
    return her


async def test_summary_in_asker_language_shared_in_channel_language(world: Environment) -> None:
    her = await lucia(world)
    people(world)
    answer = await world.ask("downloads courier since:90d by:source", user=her)
    assert "4 descargas ·" in answer.text
    assert labels(answer) == ["Detalles", "Compartir aquí", "CSV"]
    _, below = private(world, her)
    assert "Descargas por origen" in text_of(below)
    await press(world.slack, answer, "Compartir aquí", user=her)
    await world.bot.dispatcher.drain(5)
    head, *thread = everything_in(world, world.releases)
    assert "4 downloads · 2 people (3) · anonymous (1)." in head.text
    assert "from " in head.text
    said = text_of([head, *thread])
    assert "Downloads of Courier by source" in said
    assert "Requested by" in said
    assert "escarga" not in said
    assert " hoy " not in said


async def test_an_english_asker_shares_in_the_spanish_of_the_channels(world: Environment) -> None:
    await world.start(language="es")
    people(world)
    channel = await leads(world)
    head, *thread = await asked_in(world, channel, "downloads courier latest by:os")
    assert "hasta ahora: 4 descargas ·" in head.text
    assert "Porcentaje" in text_of(thread)
    assert "ownloads" not in text_of([head, *thread])


async def test_summary_share_errors_in_asker_language(world: Environment) -> None:
    her = await lucia(world)
    people(world)
    answer = await world.ask("downloads courier", user=her)
    world.releases.shared = True
    turn = await press(world.slack, answer, "Compartir aquí", user=her)
    assert (await turn.answer()).text.startswith(
        "Este canal se comparte con otra organización, y los informes de descargas tratan sobre personas de tu equipo."
    )
    assert everything_in(world, world.releases) == []


async def test_summary_applivery_error_in_asker_language(world: Environment) -> None:
    await world.start()
    people(world)
    channel = await leads(world)
    rows = "GET */downloads/by-user"
    world.applivery.faults.add(rows, Fault(status=401, code=4004), times=None)
    english = await world.ask("downloads courier", channel=channel)
    await world.restart(language="es")
    assert (await world.ask("downloads courier", channel=channel)).text.split("`")[0] == english.text.split("`")[0]


async def test_the_form_says_all_it_asks(world: Environment) -> None:
    her = await lucia(world)
    people(world)
    turn = await world.slack.command("/applivery", "downloads", user=her, channel=world.releases)
    form = await turn.view()
    assert form.payload["title"]["text"] == "Informe de descargas"
    said = f"{form.payload}"
    assert [words for words in ("Todas", "Desde", "Últimos 7 días", "Persona", "Sistema") if words not in said] == []
    assert [words for words in ("Since", "The last", "Show", "Version'") if words in said] == []


async def test_the_file_has_english_columns_in_any_language(world: Environment) -> None:
    her = await lucia(world)
    people(world)
    answer = await world.ask("downloads courier", user=her)
    await press(world.slack, answer, "CSV", user=her)
    await world.bot.dispatcher.drain(5)
    assert "*4 descargas*" in private(world, her)[0].text
    [file] = world.slack.desk.files.files.values()
    assert file.content.startswith(b'\xef\xbb\xbf"name";"email";"member";"at";'), "as Spanish Excel reads it"


async def test_missing_reminder_in_recipient_language(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    zoe.locale = "es-ES"
    await world.ask(f"downloads courier missing:{mention(group)}")
    _, [names] = private(world, world.ana)
    turn = await press(world.slack, names, "Ask 2 people", user=world.ana)
    await world.bot.dispatcher.drain(5)
    assert (await turn.answer()).text.startswith("*Asked 2 people* to try Courier 2.4.0")
    [hers], [his] = to(world, zoe), to(world, world.bruno)
    assert hers.text.startswith(f"<@{world.ana.id}> te pide que pruebes *Courier 2.4.0*.")
    assert sorted(labels(hers)) == ["No me lo pidas más", "Obtener para Android", "Obtener para iOS"]
    assert "asks you to try" in his.text


async def test_summary_counts_in_channel_and_names_in_asker_language(world: Environment) -> None:
    her = await lucia(world)
    group, _ = await crew(world)
    channel = await leads(world)
    channel.members.append(her.id)
    head, below = await asked_in(world, channel, f"downloads courier missing:{mention(group)}", user=her)
    assert "*1 of 4 people*" in head.text
    assert below.text.startswith("Not downloaded yet: 3 · No email address in Slack: 1")
    [names] = to(world, her)
    assert "*Todavía no* (3)" in names.text
    assert labels(names) == ["Pedírselo a 2 personas"]


@pytest.mark.parametrize("quiet", ["yes", "no"])
async def test_digest_saved_listed_and_ended_in_user_language(world: Environment, quiet: str) -> None:
    her = await lucia(world)
    people(world)
    begun = await world.ask(f"downloads courier every:daily@09:00 by:os quiet:{quiet}", user=her)
    assert begun.text.startswith("*Programado:* descargas de Courier por sistema ")
    assert labels(begun) == ["Detener informe"]
    assert "Informes programados: d1: descargas de Courier" in (await world.ask("subscriptions", user=her)).text
    assert "Scheduled reports: d1: downloads of Courier by OS every day" in (await world.ask("subscriptions")).text
    turn = await press(world.slack, begun, "Detener informe", user=her)
    assert (await turn.answer()).text.startswith("*Informe programado detenido:* descargas de Courier")
