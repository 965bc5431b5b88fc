"""Cards of links and Work Objects that Slack takes, whatever a build's facts are."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.doctor.samples import MANNERS, TURNED, Manner, Sampler
from bot.exceptions import PermissionDenied, RateLimited
from bot.i18n import use_locale
from bot.i18n.locale import LANGUAGES
from bot.slack.views import link_previews
from sandbox.slack.validation import entities

TURNS = 7  # a build's stages, and one more


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
def test_entity_and_details_are_what_slack_takes(language: str, manner: Manner) -> None:
    wrong: list[str] = []
    for turn in range(TURNS if manner in TURNED else 1):
        sampler = Sampler(replace(manner, turn=turn))
        with use_locale(language):
            shown = sampler.call(link_previews.entity).to_dict()
            opened = sampler.call(link_previews.details).to_dict()
        wrong += entities.faults(shown, entities.UNFURLED, f"/entity/{turn}")
        wrong += entities.faults(opened, entities.PRESENTED, f"/details/{turn}")
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_refusals_are_what_slack_takes(language: str) -> None:
    with use_locale(language):
        shown = [
            link_previews.gone(),
            link_previews.refusal(PermissionDenied()),
            link_previews.refusal(RateLimited(3)),
        ]
    assert [entities.faults(each, entities.ERROR, "/error") for each in shown] == [[]] * 3
    assert [each["status"] for each in shown] == ["not_found", "custom_partial_view", "custom"]


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
def test_card_has_no_rich_text_and_few_blocks(manner: Manner) -> None:
    for turn in range(TURNS):
        card = Sampler(replace(manner, turn=turn)).call(link_previews.card)
        kinds = [block["type"] for block in card.payload()["blocks"]]
        assert "rich_text" not in kinds
        assert len(kinds) <= 4
