"""Who may do what: unknown people, guests and other organisations are refused, and each refusal says why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from bot.domain import access
from bot.domain.access import RoleGrant, SlackPerson
from bot.domain.model import Actor, App, Role
from bot.domain.states import PauseReason
from bot.exceptions import PermissionDenied, UserInputError

BRUNO = SlackPerson("U0BRUNO", True, name="Bruno", email="bruno@acme.test")
COURIER, DRIVER = App("a1", "courier", "Courier"), App("a2", "driver", "Driver")
HERE, ELSEWHERE = {"C1"}, {"C3", "C2"}


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
        ({"colleague": False}, "another organisation"),
        ({"guest": True}, "Guests"),
        ({"bot": True}, "members"),
        ({"gone": True}, "members"),
    ],
)
def test_access_stranger_guest_bot_or_deactivated_gets_reason(change: dict[str, object], word: str) -> None:
    with pytest.raises(PermissionDenied, match=word):
        role(replace(BRUNO, **change), default=Role.ADMIN)


@pytest.mark.parametrize("change", [{"colleague": False}, {"bot": True}, {"gone": True}])
def test_being_an_admin_somewhere_else_or_once_opens_nothing(change: dict[str, object]) -> None:
    with pytest.raises(PermissionDenied):
        role(replace(BRUNO, user_id="U0ANA", admin=True, **change))


def test_a_guest_whom_the_settings_name_is_an_admin() -> None:
    assert role(replace(BRUNO, user_id="U0ANA", guest=True)) is Role.ADMIN


@pytest.mark.parametrize("who", [{"guest": True}, {"colleague": False}])
@pytest.mark.parametrize("grantee", ["U0BRUNO", "S1"])
@pytest.mark.parametrize("role", Role.given())
def test_an_outsider_is_member_of_granted_apps_only(who: dict[str, object], grantee: str, role: Role) -> None:
    outsider = replace(BRUNO, **who)
    wide = given(grantee, role)
    with pytest.raises(PermissionDenied):
        known(outsider, grants=[wide])
    asker = known(outsider, grants=[wide, given(grantee, role, "a1")], default=Role.ADMIN)
    assert (asker.role, asker.role_for("a1"), asker.role_for("a2")) == (Role.NONE, Role.MEMBER, Role.NONE)
    assert access.may(asker, Role.MEMBER, COURIER, ())
    assert access.may(asker, Role.MEMBER, COURIER, {"C1"})
    assert not access.may(asker, Role.MEMBER, COURIER, {"C2"})
    assert not access.may(asker, Role.MEMBER, DRIVER, ())


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
    assert str(refused.value.next_step) == "Ask an admin for access."


@pytest.mark.parametrize(
    ("have", "app_roles", "channels", "let"),
    [
        (Role.MANAGER, {}, (), True),
        (Role.ADMIN, {}, HERE, True),
        (Role.RELEASER, {}, (), False),
        (Role.NONE, {}, (), False),
        (Role.ADMIN, {}, ELSEWHERE, False),
        (Role.MEMBER, {"a1": Role.MANAGER}, (), True),
        (Role.MEMBER, {"a1": Role.MANAGER}, ELSEWHERE, False),
        (Role.MEMBER, {"a2": Role.ADMIN}, HERE, False),
        (Role.MANAGER, {"a1": Role.MEMBER}, (), True),
    ],
)
def test_may_takes_the_role_for_the_app_and_the_channel(
    have: Role, app_roles: dict[str, Role], channels: Sequence[str], let: bool
) -> None:
    asker = Actor("T1", "U0BRUNO", "C1", role=have, app_roles=app_roles)
    assert access.may(asker, Role.MANAGER, COURIER, channels) is let
    if let:
        access.require_for(asker, Role.MANAGER, COURIER, channels)
        return
    with pytest.raises(PermissionDenied):
        access.require_for(asker, Role.MANAGER, COURIER, channels)


def test_an_app_with_an_allow_list_is_not_used_in_messages() -> None:
    asker = Actor("T1", "U0BRUNO", None, role=Role.ADMIN)
    assert access.may(asker, Role.MEMBER, COURIER, ())
    assert not access.may(asker, Role.MEMBER, COURIER, HERE)


def test_the_role_is_refused_before_the_channel() -> None:
    """A person without access to an app is not told where it is used."""
    with pytest.raises(PermissionDenied) as refused:
        access.require_for(Actor("T1", "U0BRUNO", "C1", role=Role.NONE), Role.MEMBER, COURIER, ELSEWHERE)
    assert (refused.value.reason, refused.value.channels) == (PauseReason.ROLE, ())


def test_a_refused_channel_says_where_the_app_can_be_used() -> None:
    with pytest.raises(PermissionDenied, match="Courier can't be used here") as refused:
        access.require_for(Actor("T1", "U0BRUNO", "C1", role=Role.ADMIN), Role.MEMBER, COURIER, ELSEWHERE)
    assert (refused.value.reason, refused.value.channels) == (PauseReason.CHANNEL, ("C2", "C3"))
    assert (refused.value.missing, refused.value.app_id) == (None, None)


@pytest.mark.parametrize(
    ("have", "sentence"),
    [
        (Role.NONE, "You don't have access to Courier."),
        (Role.MEMBER, "For Courier, only managers can do this. You're a member."),
    ],
)
def test_a_refused_role_is_named_with_the_app(have: Role, sentence: str) -> None:
    with pytest.raises(PermissionDenied) as refused:
        access.require(have, Role.MANAGER, COURIER)
    assert str(refused.value.sentence) == sentence
    assert (refused.value.missing, refused.value.app_id, refused.value.somewhere) == ("manager", "a1", False)


def test_a_role_for_any_app_is_a_role_somewhere() -> None:
    asker = Actor("T1", "U0BRUNO", "C1", role=Role.MEMBER, app_roles={"a2": Role.RELEASER})
    access.require_somewhere(asker, Role.RELEASER)
    with pytest.raises(PermissionDenied, match=r"Only managers can do this\. You're a releaser\.") as refused:
        access.require_somewhere(asker, Role.MANAGER)
    assert (refused.value.missing, refused.value.app_id, refused.value.somewhere) == ("manager", None, True)


@pytest.mark.parametrize(("name", "called"), [("Bruno", "Bruno"), ("", "U0BRUNO")])
@pytest.mark.parametrize(("change", "word"), [({"bot": True}, "is a bot"), ({"gone": True}, "has left this workspace")])
def test_bots_and_people_who_left_are_refused_by_name(
    change: dict[str, bool], word: str, name: str, called: str
) -> None:
    access.require_person(replace(BRUNO, name=name))
    with pytest.raises(UserInputError, match=f"^{called} {word}"):
        access.require_person(replace(BRUNO, name=name, **change))


def test_grants_add_up_and_take_nothing_away() -> None:
    grants = [
        given("S1", Role.MANAGER, "a1"),
        given("U0BRUNO", Role.RELEASER, "a1"),
        given("U0OTHER", Role.ADMIN),
        given("S2", Role.ADMIN, "a2"),
        given("S1", Role.RELEASER),
    ]
    for order in (grants, grants[::-1]):
        asker = known(BRUNO, grants=order)
        assert (asker.role, asker.app_roles) == (Role.RELEASER, {"a1": Role.MANAGER})
    assert known(BRUNO, default=Role.MANAGER, grants=[given("U0BRUNO", Role.MEMBER)]).role is Role.MANAGER
