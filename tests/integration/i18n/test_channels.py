"""A channel reads one language, whoever causes what is said there; what one person reads is in theirs."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.grammar import NO_WORDS
from bot.domain.model import RecallReach
from bot.i18n import LANGUAGES, use_locale
from bot.slack.blocks import Modal
from bot.slack.views import recalls, subscription_form
from bot.slack.views import subscriptions as cards
from sandbox.slack import FakeMessage, FakeUser
from tests.conftest import Environment, heads
from tests.support.facts import FULL, subscription
from tests.support.handing import directs, ready, rested
from tests.support.seeing import click, labels, press


@pytest.fixture
def lucia(world: Environment) -> FakeUser:
    """An admin whose Slack speaks Spanish."""
    user = world.slack.user("lucia", locale="es-ES", email="lucia@acme.test")
    user.admin = True
    world.releases.members.append(user.id)
    return user


async def tried(world: Environment, user: FakeUser) -> tuple[str, FakeMessage]:
    """What somebody sees after *Test* of the only subscription, and what the channel gets when it is posted."""
    listed = await world.ask("subscriptions", user=user)
    label = next(candidate for candidate in labels(listed) if candidate in ("Test", "Probar"))
    answer = await (await press(world.slack, listed, label, user=user)).answer()
    shown: str = answer.text
    await click(world.slack, answer, "posttest.v1", user=user)
    await rested(world)
    return shown, world.slack.messages(world.releases)[-1]


async def test_subscription_test_card_and_answer_have_own_language(world: Environment, lucia: FakeUser) -> None:
    await world.start()
    ready(world)
    await world.ask("subscribe courier", user=lucia)
    answer, card = await tried(world, lucia)
    assert answer.startswith(f"*Vista previa de Courier en <#{world.releases.id}>*")
    assert card.text.startswith("*Test:* Courier posts ready and failed builds here.")
    assert "Courier 2.4.0 (173)" in card.text
    assert "Get build" in labels(card)
    await world.restart(language="es")
    answer, card = await tried(world, world.ana)
    assert answer.startswith(f"*Preview of Courier in <#{world.releases.id}>*")
    assert card.text.startswith("*Prueba:* aquí se publican compilaciones listas y fallidas de Courier.")
    assert "Courier 2.4.0 (173)" in card.text
    assert "Obtener" in "".join(labels(card))


async def test_subscription_test_without_card_in_each_language(world: Environment, lucia: FakeUser) -> None:
    await world.start()
    await world.ask("subscribe courier", user=lucia)
    answer, said = await tried(world, lucia)
    assert answer.endswith("Aún no hay compilaciones, así que no hay tarjeta que mostrar.")
    assert said.text.endswith("No builds yet, so there's no card to show.")


async def test_recall_answer_in_asker_and_card_in_channel_language(world: Environment, lucia: FakeUser) -> None:
    """The answer is in the language of the asker, the card in that of the channel."""
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    ready(world)
    await world.look()
    answer = await world.ask('recall courier 2.4.0 "se cierra"', user=lucia)
    await world.look()
    assert answer.text.startswith("⛔ Retirada Courier 2.4.0 (173) para iOS: se cierra. 1 tarjeta actualizada")
    [card] = world.slack.messages(world.releases)
    assert heads(card)[-1] == "⛔ Courier 2.4.0 (173) for iOS was recalled."
    assert card.text.endswith(" · by Build Robot. Recalled: se cierra")


@pytest.mark.parametrize(("first", "then"), [("en", "es"), ("es", "en")])
async def test_card_posted_in_one_language_is_edited_in_another(world: Environment, first: str, then: str) -> None:
    ends = {"en": "Courier 2.4.0 (173) for iOS is ready", "es": "Courier 2.4.0 (173) para iOS está lista"}
    begins = {"en": "Courier 2.4.0 (173) for iOS was uploaded", "es": "Courier 2.4.0 (173) para iOS se ha subido"}
    await world.start(language=first)
    await world.ask("subscribe courier on:uploaded,processed")
    await world.look()
    build = ready(world, status="pending", changelog="x\n" * 1500)
    await world.look()
    await world.restart(language=then)
    world.applivery.move(build, "processed")
    await world.look()
    [card] = world.slack.messages(world.releases)
    assert heads(card) == [f"⏳ {begins[first]}.", f"✅ {ends[then]}."]
    details = {"en": "what's new", "es": "novedades"}[then]
    assert all(details in reply.text for reply in world.slack.messages(world.releases, card.ts))


async def test_a_digest_counts_in_the_channel_s_language(world: Environment, lucia: FakeUser) -> None:
    await world.start(language="es")
    await world.ask("subscribe courier", user=lucia)
    await world.look()
    await world.ask("mute 4h", user=lucia)
    for version in ("1", "2"):
        ready(world, version=version, branch=version)
        await world.look()
    assert (await world.ask("unmute")).text.startswith("*Unmuted Courier")
    await world.bot.hold.step()
    await world.bot.announce.drain()
    [card] = world.slack.messages(world.releases)
    assert card.text.startswith("2 compilaciones de Courier: ✅ Courier 2 (173) para iOS está lista")


async def test_channel_pause_told_to_maker_in_their_language(world: Environment, lucia: FakeUser) -> None:
    await world.start()
    await world.ask("subscribe courier", user=lucia)
    await world.look()
    world.applivery.app("Parcel", slug="parcel")
    await world.ask("subscribe parcel")
    await world.look()
    world.releases.archived = True
    ready(world)
    await world.look()
    [told] = directs(world, lucia)
    assert told.text.startswith(f"⚠️ *Pausa de Courier en <#{world.releases.id}>*: el canal está archivado.")
    [told] = directs(world, world.ana)
    assert told.text.startswith("⚠️ *Parcel is paused in <#")


async def test_every_app_named_and_found_in_each_language(world: Environment, lucia: FakeUser) -> None:
    await world.start()
    await world.ask("subscribe *", user=lucia)
    assert "*Muted every app" in (await world.ask("mute 4h every app")).text
    assert "*Avisos reanudados de todas las apps" in (await world.ask("unmute todas las apps", user=lucia)).text
    ended = await world.ask('unsubscribe "todas las apps"', user=lucia)
    assert ended.text.startswith(f"*Suscripción de <#{world.releases.id}> a todas las apps cancelada.*")


def forms() -> list[Any]:
    """Every form of channels, with its most."""
    return [
        subscription_form.ask(NO_WORDS, "Europe/Madrid", None),
        subscription_form.edit(subscription(99999), NO_WORDS, "Europe/Madrid", cards.value(subscription(99999))),
        recalls.ask(FULL, RecallReach(2, 3)),
        recalls.ask_which(),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_form_s_title_and_button_are_shown_whole(language: str) -> None:
    with use_locale(language):
        for form in forms():
            assert isinstance(form, Modal)
            assert max(len(form.title), len(form.submit)) <= 24, form.title
