"""An Enterprise Grid workspace: two workspaces of one organisation, and everybody who may turn up in its channels."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.slack.people import FakeMembership, FakeOrganisation, FakeUser
from sandbox.slack.workspace import SISTER_TEAM, SlackWorkspace

PARTNER_TEAM = "T0PARTNER"
OTHER_TEAM = "T0ELSEWHERE"


@dataclass(frozen=True)
class GridPeople:
    """One of each kind. What their records and payloads say of a workspace differs from one to the next.

    `home` is of the workspace alone, and their record names none; `both` is of both, and everything names the sister;
    `sister` is of the sister alone. `wanda` acts as `W…` while user groups list her `U…`, and her record names the
    organisation; `ursula` acts as `U…` while user groups list her `W…`. Strangers: `partner` (Slack Connect), `other`
    (another organisation's), `guest`, `gone` (deactivated) and `robot` (another app's bot).
    """

    home: FakeUser
    both: FakeUser
    sister: FakeUser
    wanda: FakeUser
    ursula: FakeUser
    guest: FakeUser
    partner: FakeUser
    other: FakeUser
    gone: FakeUser
    robot: FakeUser

    @property
    def everybody(self) -> dict[str, FakeUser]:
        """Everybody, by kind."""
        return dict(vars(self))


def seed_grid(workspace: SlackWorkspace) -> GridPeople:
    """Let the workspace join an organisation, with one person of each kind.

    The shapes of their records: https://docs.slack.dev/reference/objects/user-object,
    https://github.com/looker/lookerbot/issues/184, https://github.com/abdolence/slack-morphism-rust/pull/215.
    User groups: https://github.com/app-sre/qontract-reconcile/pull/5520.
    """
    ours = workspace.join_organisation()
    home, sister = workspace.team_id, SISTER_TEAM
    guest, gone, robot = workspace.user("grid-guest", guest=True), workspace.user("gone"), workspace.user("robot")
    gone.deleted, robot.bot = True, True
    return GridPeople(
        home=workspace.user("hanna"),
        both=_colleague(workspace, ours, "bea", teams=[sister, home], says=sister, record_team=sister),
        sister=_colleague(workspace, ours, "silas", teams=[sister], says=sister, record_team=sister),
        wanda=_colleague(workspace, ours, "wanda", acts_as="W", teams=[home], says=ours.id, record_team=ours.id),
        ursula=_colleague(workspace, ours, "ursula", acts_as="U", teams=[home], says=home, record_team=home),
        guest=guest,
        partner=workspace.user("partner", team_id=PARTNER_TEAM),
        other=_stranger(workspace),
        gone=gone,
        robot=robot,
    )


def _colleague(
    workspace: SlackWorkspace,
    ours: FakeOrganisation,
    handle: str,
    *,
    teams: list[str],
    says: str,
    record_team: str,
    acts_as: str = "",
) -> FakeUser:
    """A person of the organisation; `acts_as` is the letter of the id that is not the one in user groups."""
    user = workspace.user(handle, team_id=says, prefix=acts_as or "U")
    if acts_as:
        user.listed_as = workspace.new_id("U" if acts_as == "W" else "W")
    grid_id = next((each for each in sorted(user.ids) if each.startswith("W")), user.id)
    user.team_id = says
    user.grid = FakeMembership(grid_id, ours.id, ours.name, teams, record_team)
    return user


def _stranger(workspace: SlackWorkspace) -> FakeUser:
    user = workspace.user("olga", team_id=OTHER_TEAM, admin=True)
    user.grid = FakeMembership(user.id, "E0OTHER", "Another Group", [OTHER_TEAM], OTHER_TEAM, admin=True)
    return user
