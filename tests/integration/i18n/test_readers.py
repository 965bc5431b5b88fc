"""What one person reads is in that person's language, whoever caused it; what a channel reads is in everybody's."""

from __future__ import annotations

import pytest

from bot import i18n
from sandbox.faults import Fault
from sandbox.slack import FakeMessage, FakeUser
from tests.conftest import Environment
from tests.integration.commands.test_upload import carried, filled, posted, quick  # noqa: F401 - a fixture
from tests.support.handing import Clock, direct, directs, ready, rested, seen
from tests.support.seeing import click, press
from tests.support.watching import earlier, on_its_way, versions, watched


@pytest.fixture
def lucia(world: Environment) -> FakeUser:
    """Somebody whose Slack speaks Spanish."""
    who = world.slack.user("lucia", name="Lucía Gil", locale="es-ES", email="lucia@acme.test")
    world.releases.members.append(who.id)
    return who


@pytest.fixture
def clock(world: Environment) -> Clock:
    """A clock for everybody."""
    return Clock(world)


# ------------------------------------------------------------------ another person


async def test_send_recipient_and_sender_read_own_language(world: Environment, lucia: FakeUser) -> None:
    """The recipient reads the build, and the sender what became of it, each in their own language."""
    await world.start()
    ready(world)
    answer = await world.ask(f"get courier to:<@{lucia.id}|lucia>")
    assert "I'll DM you when they get it." in answer.text
    message = await direct(world, lucia)
    assert f"<@{world.ana.id}> te ha enviado Courier 2.4.0 (173)" in message.text
    assert f"Te la envía <@{world.ana.id}>" in seen(message)
    got = await (await world.slack.click(message, "sent.v1", user=lucia)).answer()
    assert "solo para ti" in got.text
    assert "which you sent." in (await direct(world, world.ana)).text


async def test_send_by_spanish_sender_is_confirmed_in_spanish(world: Environment, lucia: FakeUser) -> None:
    await world.start()
    ready(world)
    answer = await world.ask(f"get courier to:<@{world.bruno.id}|bruno>", user=lucia)
    assert answer.text.startswith("Enviada Courier 2.4.0 (173)")
    message = await direct(world, world.bruno)
    assert "sent you Courier 2.4.0 (173) for iOS." in message.text
    await (await world.slack.click(message, "sent.v1", user=world.bruno)).answer()
    assert (await direct(world, lucia)).text.startswith(f"<@{world.bruno.id}> ya tiene Courier 2.4.0")


async def test_access_request_admin_and_asker_read_own_language(world: Environment, lucia: FakeUser) -> None:
    await world.start(access_admins=[world.ana.id, lucia.id])
    await press(world.slack, await world.ask("subscribe courier", user=world.bruno), "Request access", user=world.bruno)
    english, spanish = await direct(world, world.ana), await direct(world, lucia)
    assert english.text.startswith(f"<@{world.bruno.id}> asks to be releaser for Courier (now member).")
    assert spanish.text.startswith(f"<@{world.bruno.id}> pide ser releaser para Courier (ahora member).")
    assert "Permitir para Courier" in seen(spanish)
    turn = await world.slack.click(spanish, "decide.deny.v1", user=lucia)
    assert (await turn.answer()).text == f"❌ Has denegado a <@{world.bruno.id}> el rol *releaser*."
    assert (await direct(world, world.bruno)).text == (f"❌ Your request for *releaser* was denied by <@{lucia.id}>.")
    assert english.text == f"❌ <@{lucia.id}> denied <@{world.bruno.id}> the role *releaser*."


# ------------------------------------------------------------------ everybody


@pytest.mark.parametrize(("spoken", "said"), [("en", "shared Courier"), ("es", "ha compartido Courier")])
async def test_a_shared_card_speaks_what_channels_read(
    world: Environment, lucia: FakeUser, spoken: str, said: str
) -> None:
    await world.start(language=spoken)
    ready(world)
    for who in (world.ana, lucia):
        turn = await click(world.slack, await world.ask("get courier", user=who), "share.ask.v1", user=who)
        await world.slack.submit(await turn.view(), user=who)
        await rested(world)
    cards = world.slack.messages(world.releases)
    assert [said in message.text for message in cards] == [True, True]


# ------------------------------------------------------------------ later


async def test_watch_and_await_in_language_of_waiting_user(world: Environment, lucia: FakeUser, clock: Clock) -> None:
    await world.start()
    earlier(world)
    build = on_its_way(world)
    for_bruno, for_lucia = await watched(world), await watched(world, user=lucia)
    assert "about 8 min left (usually 8 min)" in for_bruno.text
    assert "quedan unos 8 min (suele tardar 8 min)" in for_lucia.text
    clock.forward(minutes=1)
    await world.look()
    assert "quedan unos 7 min" in for_lucia.text
    clock.forward(minutes=30)
    await world.look()
    assert "atascada" in directs(world, lucia)[-1].text
    assert "may be stuck" in directs(world, world.bruno)[-1].text
    world.applivery.move(build, "processed")
    clock.forward(minutes=1)
    await world.look()
    assert for_lucia.text.endswith("Tienes el enlace debajo.")
    assert directs(world, lucia)[-1].text.startswith("✅ Courier 2.4.0 (173) para iOS está lista.")
    assert directs(world, world.bruno)[-1].text.startswith("✅ Courier 2.4.0")


@pytest.mark.parametrize("place", ["direct", "ephemeral"])
async def test_expired_link_message_keeps_its_language(
    world: Environment, lucia: FakeUser, clock: Clock, place: str
) -> None:
    await world.start()
    ready(world)
    message: FakeMessage = await world.ask("get courier", user=lucia)
    if place == "direct":
        await click(world.slack, message, "dm.v1", user=lucia)
        message = await direct(world, lucia)
    else:
        message = await (await click(world.slack, message, "fresh.v1", user=lucia)).answer()
    await rested(world)
    world.slack.faults.add("users.info", Fault(status=500), times=None)
    await world.restart()
    clock.forward(minutes=6)
    await world.bot.expire.step()
    assert message.text.startswith("Este enlace ha caducado. Courier 2.4.0 (173)")
    assert "Otro enlace" in seen(message)


async def test_an_upload_is_told_in_the_language_of_who_uploads(world: Environment, lucia: FakeUser) -> None:
    await world.start(access_admins=[lucia.id])
    view = await (await world.slack.shortcut("upload_build", user=lucia, message=posted(world))).view()
    assert (view.title, view.payload["submit"]["text"]) == ("Subir una compilación", "Subir")
    await world.slack.submit(view, filled(world), user=lucia)
    await carried(world)
    [message] = directs(world, lucia)
    assert "Subiendo courier.ipa a Courier" in versions(message)[0]
    assert "✅ Subida: Courier" in message.text


async def test_interrupted_upload_message_keeps_its_language(world: Environment, lucia: FakeUser) -> None:
    world.applivery.faults.add("POST *builds", Fault(latency=30))
    await world.start(access_admins=[lucia.id])
    view = await (await world.slack.shortcut("upload_build", user=lucia, message=posted(world))).view()
    await world.slack.submit(view, filled(world), user=lucia)
    await world.applivery.until(lambda: any(request.method == "POST" for request in world.applivery.requests))
    await world.stop()
    [message] = directs(world, lucia)
    assert "El bot se reinició antes de terminar la subida." in message.text


# ------------------------------------------------------------------ forms


@pytest.mark.parametrize(("typed", "title"), [("get", "Obtener una compilación"), ("attach", "Adjuntar un archivo")])
async def test_the_title_of_a_form_fits_in_spanish_too(
    world: Environment, lucia: FakeUser, typed: str, title: str
) -> None:
    world.applivery.app("Driver")
    await world.start(access_admins=[lucia.id])
    view = await (await world.slack.command("/applivery", typed, user=lucia, channel=world.releases)).view()
    assert view.title == title


async def test_people_to_be_mailed_are_counted_in_spanish(world: Environment, lucia: FakeUser) -> None:
    await world.start(access_admins=[lucia.id])
    for email in ("a@acme.test", "b@acme.test"):
        world.applivery.collaborator(email)
    world.applivery.employee(world.courier, "e@acme.test")
    view = await (await world.slack.shortcut("upload_build", user=lucia, message=posted(world))).view()
    turn = await world.slack.submit(view, filled(world, mail=["collaborators", "employees"]), user=lucia)
    sure = await turn.view()
    assert sure.title == "¿Correo a 3 personas?"
    counted = "un correo a *3 personas*: 2 colaboradores y 1 empleado con acceso a la tienda."
    assert counted in sure.blocks[0]["text"]["text"]
    with i18n.use_locale("es"):
        assert len(i18n.ngettext("Mail {number} person?", "Mail {number} people?", 99_999)) <= 24
