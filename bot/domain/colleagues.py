"""Who is a colleague, and under which of their ids: read from Slack's own record of a user, never from a request.

In an Enterprise Grid organisation the team ids of a request may be another workspace's or the organisation's, and a
record may have no `team_id`: only `enterprise_user` says which workspaces a user is of.
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
    """Whose people may use the bot without a grant: those of its workspace, or of the whole organisation."""

    WORKSPACE = "workspace"
    ORGANIZATION = "organization"


class Home(Struct, frozen=True):
    """Where the bot is installed: `team_id` is the workspace's, or the organisation's where it is installed for all
    of it.

    `enterprise_id` is empty outside an organisation. `added_to`: of an organisation's installation, its workspaces
    that the app was added to, as far as they are known.
    """

    team_id: str
    enterprise_id: str = ""
    rule: ColleagueRule = ColleagueRule.WORKSPACE
    added_to: frozenset[str] = frozenset()

    @property
    def is_organization(self) -> bool:
        """Whether there is no home workspace: the app is installed for the organisation."""
        return bool(self.enterprise_id) and self.team_id == self.enterprise_id

    @property
    def whole(self) -> bool:
        """Whether everybody of the organisation is a colleague."""
        return self.is_organization or (bool(self.enterprise_id) and self.rule is ColleagueRule.ORGANIZATION)


def is_colleague(record: Mapping[str, Any], home: Home) -> bool | None:
    """Return whether a user is of the workspace, or by the rule of the organisation; None where no record says."""
    team, organization, teams = _team(record), _organization(record), _teams(record)
    if home.team_id == team or home.team_id in teams:
        return True
    if is_of_organization(record, home) and home.whole:
        return True
    if organization and organization != home.enterprise_id:
        return False
    if organization:  # ours: only the whole list of its workspaces says that they are not of this one
        return False if _is_whole_list(record) else None
    return False if team or _is_whole_list(record) else None


def is_of_organization(record: Mapping[str, Any], home: Home) -> bool:
    """Return whether a user is of our organisation, in whichever of its workspaces."""
    if names_no_organization(record):
        return not home.added_to.isdisjoint((_team(record), *_teams(record)))
    return bool(home.enterprise_id) and _organization(record) == home.enterprise_id


def names_no_organization(record: Mapping[str, Any]) -> bool:
    """Return whether a record has workspaces at most: those of the organisation have to be known to judge it."""
    return not _organization(record)


def ids_of(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of a user, the one to store first: that of the organisation, where there is one.

    "When it is provided, we strongly recommend using this Enterprise user id over the root level user id field."
    https://docs.slack.dev/reference/objects/user-object
    """
    named = (_enterprise_user(record).get("id"), record.get("id"))
    return tuple(dict.fromkeys(each for each in named if isinstance(each, str) and is_person(each)))


def may_be_of(user_id: str, record: Mapping[str, Any], home: Home) -> bool:
    """Return whether a record that has not the id it was asked for may be that user's: `W…` for `U…`, or the reverse.

    Slack takes either id of a user in an Enterprise Grid organisation.
    """
    ids = ids_of(record)
    return is_of_organization(record, home) and bool(ids) and all(each[:1] != user_id[:1] for each in ids)


def is_admin(record: Mapping[str, Any], home: Home) -> bool:
    """Return whether Slack calls a user an admin here; what they are in another workspace or organisation makes them
    none.
    """
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
    team = _team(record)  # which may be the organisation's id
    return _text(_enterprise_user(record).get("enterprise_id")) or (team if team.startswith("E") else "")


def _teams(record: Mapping[str, Any]) -> list[str]:
    listed = _enterprise_user(record).get("teams")
    return [each for each in listed if isinstance(each, str) and each] if isinstance(listed, list) else []


def _is_whole_list(record: Mapping[str, Any]) -> bool:
    teams = _teams(record)
    return bool(teams) and len(teams) == len(_enterprise_user(record)["teams"])
