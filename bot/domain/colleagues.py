"""Decide who is a colleague, and which of their ids to use, by Slack's record of a user, never by a request.

In an Enterprise Grid organisation the team ids of a request may be those of another workspace or of the organisation,
and a record may have no `team_id`: only `enterprise_user` lists the workspaces of a user.
https://docs.slack.dev/reference/objects/user-object
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.model.people import is_person

ADMIN_FLAGS = ("is_admin", "is_owner", "is_primary_owner")


class ColleagueRule(StrEnum):
    """Who may use the bot without a grant: the members of its workspace, or of the whole organisation."""

    WORKSPACE = "workspace"
    ORGANIZATION = "organization"


class Home(Struct, frozen=True):
    """The installation of the bot: `team_id` is the id of the workspace, or of the organisation it is installed for.

    `enterprise_id` is empty outside an organisation. `added_to` are the known workspaces that the app of an
    organisation was added to.
    """

    team_id: str
    enterprise_id: str = ""
    rule: ColleagueRule = ColleagueRule.WORKSPACE
    added_to: frozenset[str] = frozenset()

    @property
    def is_organization(self) -> bool:
        """Whether the app is installed for the organisation, so that there is no home workspace."""
        return bool(self.enterprise_id) and self.team_id == self.enterprise_id

    @property
    def whole(self) -> bool:
        """Whether all members of the organisation are colleagues."""
        return self.is_organization or (bool(self.enterprise_id) and self.rule is ColleagueRule.ORGANIZATION)


def is_colleague(record: Mapping[str, Any], home: Home) -> bool | None:
    """Return whether a user is a member of the workspace or, by the rule, of the organisation; None if unknown."""
    team, organization, teams = _team(record), _organization(record), _teams(record)
    if home.team_id == team or home.team_id in teams:
        return True
    if is_of_organization(record, home) and home.whole:
        return True
    if organization and organization != home.enterprise_id:
        return False
    # the same organisation: only its complete list of workspaces proves that the user is not in this one
    if organization:
        return False if _is_whole_list(record) else None
    return False if team or _is_whole_list(record) else None


def is_of_organization(record: Mapping[str, Any], home: Home) -> bool:
    """Return whether a user is a member of our organisation, in any workspace."""
    if names_no_organization(record):
        return not home.added_to.isdisjoint((_team(record), *_teams(record)))
    return bool(home.enterprise_id) and _organization(record) == home.enterprise_id


def names_no_organization(record: Mapping[str, Any]) -> bool:
    """Return whether a record names no organisation, so that the organisation's workspaces are needed to decide."""
    return not _organization(record)


def ids_of(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of a user, the one to store first: the organisation's, if there is one.

    "When it is provided, we strongly recommend using this Enterprise user id over the root level user id field."
    https://docs.slack.dev/reference/objects/user-object
    """
    named = (_enterprise_user(record).get("id"), record.get("id"))
    return tuple(dict.fromkeys(each for each in named if isinstance(each, str) and is_person(each)))


def may_be_of(user_id: str, record: Mapping[str, Any], home: Home) -> bool:
    """Return whether a record with another id than the requested one may be that user's: `W…` for `U…`, or reverse.

    Slack accepts either id of a user in an Enterprise Grid organisation.
    """
    ids = ids_of(record)
    return is_of_organization(record, home) and bool(ids) and all(each[:1] != user_id[:1] for each in ids)


def is_admin(record: Mapping[str, Any], home: Home) -> bool:
    """Return whether a user is an admin here; being one in another workspace or organisation does not count."""
    if not is_colleague(record, replace(home, rule=ColleagueRule.WORKSPACE)):
        return False
    if home.is_organization:
        return _has_admin_flag(_enterprise_user(record))
    elsewhere = _team(record) not in ("", home.team_id, home.enterprise_id)
    return not elsewhere and _has_admin_flag(record)


def _has_admin_flag(facts: Mapping[str, Any]) -> bool:
    return any(facts.get(flag) is True for flag in ADMIN_FLAGS)


def _enterprise_user(record: Mapping[str, Any]) -> Mapping[str, Any]:
    found = record.get("enterprise_user")
    return found if isinstance(found, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _team(record: Mapping[str, Any]) -> str:
    return _text(record.get("team_id"))


def _organization(record: Mapping[str, Any]) -> str:
    team = _team(record)  # may be the organisation's id
    return _text(_enterprise_user(record).get("enterprise_id")) or (team if team.startswith("E") else "")


def _teams(record: Mapping[str, Any]) -> list[str]:
    listed = _enterprise_user(record).get("teams")
    return [each for each in listed if isinstance(each, str) and each] if isinstance(listed, list) else []


def _is_whole_list(record: Mapping[str, Any]) -> bool:
    teams = _teams(record)
    return bool(teams) and len(teams) == len(_enterprise_user(record)["teams"])
