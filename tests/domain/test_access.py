"""Who may do what: unknown people, guests and other organisations are refused, and each refusal says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain import access
from bot.domain.access import Person
from bot.domain.model import Role
from bot.errors import Denied

BRUNO = Person("U0BRUNO", "T1", name="Bruno", email="bruno@acme.test")


def role(person: Person, *, default: Role = Role.MEMBER) -> Role:
    return access.role_of(person, home_team="T1", admins={"U0ANA"}, default=default)


def test_a_person_of_this_workspace_has_the_default_role() -> None:
    assert role(BRUNO) is Role.MEMBER
    assert role(BRUNO, default=Role.MANAGER) is Role.MANAGER


def test_admins_of_the_workspace_and_those_in_the_settings_are_admins() -> None:
    assert role(replace(BRUNO, admin=True)) is Role.ADMIN
    assert role(replace(BRUNO, user_id="U0ANA")) is Role.ADMIN


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"team_id": "T2"}, "another organisation"),
        ({"team_id": ""}, "another organisation"),
        ({"guest": True}, "Guests"),
        ({"bot": True}, "people"),
        ({"gone": True}, "people"),
    ],
)
def test_strangers_guests_bots_and_the_deactivated_are_refused_with_the_reason(
    change: dict[str, object], word: str
) -> None:
    with pytest.raises(Denied, match=word):
        role(replace(BRUNO, **change), default=Role.ADMIN)


@pytest.mark.parametrize("change", [{"team_id": "T2"}, {"bot": True}, {"gone": True}])
def test_being_an_admin_somewhere_else_or_once_opens_nothing(change: dict[str, object]) -> None:
    with pytest.raises(Denied):
        role(replace(BRUNO, user_id="U0ANA", admin=True, **change))


def test_a_guest_whom_the_settings_name_is_an_admin() -> None:
    assert role(replace(BRUNO, user_id="U0ANA", guest=True)) is Role.ADMIN


@pytest.mark.parametrize("have", Role)
@pytest.mark.parametrize("need", Role)
def test_each_role_contains_the_ones_below_it(have: Role, need: Role) -> None:
    if have >= need:
        access.require(have, need)
        return
    with pytest.raises(Denied) as refused:
        access.require(have, need)
    assert need.word in refused.value.sentence
    assert have.word in refused.value.sentence
    assert "admin of this bot" in refused.value.next_step
