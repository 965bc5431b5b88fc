"""Who is a colleague, by Slack's record of them alone, and by which id they are stored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.colleagues import ColleagueRule, Home, ids_of, is_admin, is_colleague, is_of_organization, may_be_of

PLAIN, GRID = Home("T1"), Home("T1", "E1")
WIDE = Home("T1", "E1", ColleagueRule.ORGANIZATION)
INSTALLED_FOR_ALL = Home("E1", "E1")


def grid(*teams: Any, team_id: str | None = None, enterprise_id: str = "E1", **other: Any) -> dict[str, Any]:
    """A Grid user's record; without `team_id` unless one is given."""
    record = {
        "id": "U1",
        "enterprise_user": {"id": "W1", "enterprise_id": enterprise_id, "teams": list(teams), **other},
    }
    return record if team_id is None else {**record, "team_id": team_id}


@pytest.mark.parametrize(
    ("record", "by_workspace", "by_organization"),
    [
        ({"team_id": "T1"}, True, True),
        ({"team_id": "T9"}, False, False),
        (grid("T1"), True, True),
        (grid("T2", "T1", team_id="T2"), True, True),
        (grid("T1", team_id="E1"), True, True),
        (grid("T2", team_id="T2"), False, True),
        (grid("T2"), False, True),
        (grid(team_id="T2"), None, True),
        (grid(), None, True),
        (grid(5, "T2", None), None, True),
        (grid(5, "T1", None), True, True),
        ({"team_id": "E1"}, None, True),
        (grid("T9", team_id="T9", enterprise_id="E9"), False, False),
        (grid(enterprise_id="E9"), False, False),
        ({"team_id": "E9"}, False, False),
        ({}, None, None),
        ({"team_id": None, "enterprise_user": None}, None, None),
        ({"team_id": "", "enterprise_user": {}}, None, None),
        ({"enterprise_user": {"teams": ["T2"]}}, False, False),
        ({"enterprise_user": {"teams": "T1"}}, None, None),
    ],
)
def test_colleague_is_of_the_workspace_or_organisation(
    record: dict[str, Any], by_workspace: bool | None, by_organization: bool | None
) -> None:
    assert is_colleague(record, GRID) is by_workspace
    assert is_colleague(record, WIDE) is by_organization


def test_an_organisations_installation_takes_all_of_it() -> None:
    for record in (grid("T1"), grid("T2", team_id="T2"), grid(), {"team_id": "E1"}):
        assert is_colleague(record, INSTALLED_FOR_ALL) is True
    for record in ({"team_id": "T9"}, grid("T9", enterprise_id="E9")):
        assert is_colleague(record, INSTALLED_FOR_ALL) is False


def test_an_installations_workspaces_are_the_organisations() -> None:
    added = replace(INSTALLED_FOR_ALL, added_to=frozenset({"T1", "T2"}))
    for record in ({"team_id": "T1"}, {"enterprise_user": {"teams": ["T9", "T2"]}}):
        assert is_colleague(record, INSTALLED_FOR_ALL) is False
        assert is_colleague(record, added) is is_of_organization(record, added) is True
    for record in ({"team_id": "T9"}, grid("T1", team_id="T1", enterprise_id="E9"), grid("T2", enterprise_id="E9")):
        assert is_colleague(record, added) is is_of_organization(record, added) is False
    assert is_colleague({}, added) is None


def test_a_plain_workspace_has_no_organisation() -> None:
    wide = Home("T1", "", ColleagueRule.ORGANIZATION)
    assert not wide.whole
    for record in (grid("T2", team_id="T2"), grid("T2", enterprise_id=""), {"team_id": "T2"}):
        assert is_colleague(record, wide) is False


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "T1", "T2", "E1", "E2", "U1", "W1", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "teams"]), inner, max_size=2),
    max_leaves=5,
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "id": ODD,
        "team_id": ODD,
        "is_admin": ODD,
        "enterprise_user": ODD
        | st.fixed_dictionaries({}, optional={"id": ODD, "enterprise_id": ODD, "teams": ODD, "is_admin": ODD}),
    },
)


@given(RECORDS, st.sampled_from([PLAIN, GRID, WIDE, INSTALLED_FOR_ALL]))
def test_an_odd_record_never_decides(record: dict[str, Any], home: Home) -> None:
    enterprise = record.get("enterprise_user")
    enterprise = enterprise if isinstance(enterprise, dict) else {}
    teams = enterprise.get("teams")
    evidence = [record.get("team_id"), *(teams if isinstance(teams, list) else [])]
    organization = {enterprise.get("enterprise_id") if isinstance(enterprise.get("enterprise_id"), str) else None}
    found = is_colleague(record, home)
    if found:
        assert home.team_id in evidence or (home.whole and "E1" in (*organization, record.get("team_id")))
    if found is False:
        said = [*evidence, *organization]
        assert home.team_id not in evidence
        assert any(isinstance(each, str) and each not in ("", home.team_id) for each in said)
    assert all(each[0] in "UW" for each in ids_of(record))
    assert isinstance(is_admin(record, home), bool)


def test_the_organisations_id_is_stored() -> None:
    assert ids_of(grid("T1")) == ("W1", "U1")
    assert ids_of({"id": "U1", "enterprise_user": {"id": "U1"}}) == ("U1",)
    assert ids_of({"id": "U1"}) == ids_of({"id": "U1", "enterprise_user": {"id": 5}}) == ("U1",)
    assert ids_of({}) == ids_of({"id": "T1", "enterprise_user": ["W1"]}) == ()


def test_an_admin_elsewhere_is_none_here() -> None:
    admin = {"is_admin": True}
    assert is_admin({**grid("T1"), **admin}, GRID)
    assert is_admin({**grid("T1", team_id="E1"), **admin}, GRID)
    assert is_admin({"team_id": "T1", **admin}, PLAIN)
    assert not is_admin({**grid("T1", "T2", team_id="T2"), **admin}, GRID)
    assert not is_admin(grid("T1", is_admin=True), GRID)
    assert is_admin(grid("T1", is_admin=True), INSTALLED_FOR_ALL)
    assert not is_admin({**grid("T1"), **admin}, INSTALLED_FOR_ALL)


@pytest.mark.parametrize("home", [PLAIN, GRID, WIDE, INSTALLED_FOR_ALL])
def test_no_stranger_is_an_admin(home: Home) -> None:
    admin = {"is_admin": True, "is_owner": True}
    for record in (grid("T9", enterprise_id="E9", **admin), grid("T9", team_id="T9", enterprise_id="E9", **admin)):
        assert not is_admin({**record, **admin}, home)
    assert not is_admin({**admin, "enterprise_user": admin}, home), "nobody says whose they are"


def test_an_admin_of_a_sister_alone_is_none_here() -> None:
    for home in (GRID, WIDE):
        for record in (grid("T2"), grid("T2", team_id="E1"), grid("T2", team_id="T2")):
            assert not is_admin({**record, "is_admin": True}, home)


def test_a_record_answers_for_an_id_of_the_other_letter() -> None:
    mine = {"id": "W1", "enterprise_user": {"id": "W1", "enterprise_id": "E1"}}
    assert may_be_of("U1", mine, GRID)
    assert not may_be_of("W2", mine, GRID)
    assert not may_be_of("U1", mine, PLAIN)
    assert not may_be_of("U1", {"id": "W1", "enterprise_user": {"id": "W1", "enterprise_id": "E9"}}, GRID)
    assert not may_be_of("U1", {"id": "U2", "enterprise_user": {"id": "W2", "enterprise_id": "E1"}}, GRID)
    assert not may_be_of("U1", {"enterprise_user": {"enterprise_id": "E1"}}, GRID)
