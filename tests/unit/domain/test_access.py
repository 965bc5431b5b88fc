"""Who may do what: unknown people, guests and other organisations are refused, and each refusal says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain import access
from bot.domain.access import RoleGrant, SlackPerson
from bot.domain.model import Actor, App, Role
from bot.exceptions import PermissionDenied

BRUNO = SlackPerson("U0BRUNO", "T1", name="Bruno", email="bruno@acme.test")


def known(person: SlackPerson, *, default: Role = Role.MEMBER, grants: Sequence[RoleGrant] = ()) -> Actor:
    """Who it is that asks, in #c1; raises PermissionDenied for a person who may use nothing."""
    asker = access.asker_of(person, "C1", home_team="T1", admins={"U0ANA"}, default=default)
    asker = access.with_grants(asker, grants, {"S1"})
    access.require_known(asker)
    return asker


def role(person: SlackPerson, *, default: Role = Role.MEMBER) -> Role:
    return known(person, default=default).role


def given(grantee: str, role: Role, app_id: str | None = None) -> RoleGrant:
    return RoleGrant("T1", grantee, role, app_id, "U0ANA", datetime(2026, 11, 3, tzinfo=UTC))


def test_a_person_of_this_workspace_has_the_default_role() -> None:
    assert role(BRUNO) is Role.MEMBER
    assert role(BRUNO, default=Role.MANAGER) is Role.MANAGER


def test_access_admins_are_workspace_admins_and_configured_ones() -> None:
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
def test_access_stranger_guest_bot_or_deactivated_gets_reason(change: dict[str, object], word: str) -> None:
    with pytest.raises(PermissionDenied, match=word):
        role(replace(BRUNO, **change), default=Role.ADMIN)


@pytest.mark.parametrize("change", [{"team_id": "T2"}, {"bot": True}, {"gone": True}])
def test_being_an_admin_somewhere_else_or_once_opens_nothing(change: dict[str, object]) -> None:
    with pytest.raises(PermissionDenied):
        role(replace(BRUNO, user_id="U0ANA", admin=True, **change))


def test_a_guest_whom_the_settings_name_is_an_admin() -> None:
    assert role(replace(BRUNO, user_id="U0ANA", guest=True)) is Role.ADMIN


@pytest.mark.parametrize("who", [{"guest": True}, {"team_id": "T2"}])
@pytest.mark.parametrize("grantee", ["U0BRUNO", "S1"])
@pytest.mark.parametrize("role", Role.given())
def test_an_outsider_is_member_of_granted_apps_only(who: dict[str, object], grantee: str, role: Role) -> None:
    outsider = replace(BRUNO, **who)
    wide = given(grantee, role)
    with pytest.raises(PermissionDenied):
        known(outsider, grants=[wide])
    asker = known(outsider, grants=[wide, given(grantee, role, "a1")], default=Role.ADMIN)
    assert (asker.role, asker.role_for("a1"), asker.role_for("a2")) == (Role.NONE, Role.MEMBER, Role.NONE)
    courier, driver = App("a1", "courier", "Courier"), App("a2", "driver", "Driver")
    assert access.may(asker, Role.MEMBER, courier, ())
    assert access.may(asker, Role.MEMBER, courier, {"C1"})
    assert not access.may(asker, Role.MEMBER, courier, {"C2"})
    assert not access.may(asker, Role.MEMBER, driver, ())


@pytest.mark.parametrize("have", Role.given())
@pytest.mark.parametrize("need", Role.given())
def test_each_role_contains_the_ones_below_it(have: Role, need: Role) -> None:
    if have >= need:
        access.require(have, need)
        return
    with pytest.raises(PermissionDenied) as refused:
        access.require(have, need)
    assert need.word in str(refused.value.sentence)
    assert have.word in str(refused.value.sentence)
    assert "admin of this bot" in str(refused.value.next_step)
