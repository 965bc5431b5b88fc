"""users.* and usergroups.*: who there is. https://docs.slack.dev/reference/methods/users.info"""

from __future__ import annotations

from sandbox.slack.people import FakeUser, FakeUserGroup
from sandbox.slack.server_state import Answer, ApiState, CallArguments, method, page
from sandbox.slack.validation import SlackApiError


def _wire(desk: ApiState, args: CallArguments, user: FakeUser) -> Answer:
    with_email = "users:read.email" in desk.workspace.scopes
    return user.wire(home_team=desk.workspace.team_id, email=with_email, locale=bool(args.flag("include_locale")))


@method("users.info", "users:read")
def info(desk: ApiState, args: CallArguments) -> Answer:
    """One user."""
    user_id = args.needed("user", "user_not_found")
    slackbot = desk.workspace.slackbot
    user = slackbot if user_id == slackbot.id else desk.workspace.person(user_id)
    if user is None:
        raise SlackApiError("user_not_found")
    wire = _wire(desk, args, user)
    if desk.workspace.shown_ids == "own" and user.grid:
        wire |= {"id": user.id, "enterprise_user": {**user.grid.wire(), "id": user.id}}
    elif desk.workspace.shown_ids == "asked":
        wire["id"] = user_id
    return {"user": wire}


@method("users.list", "users:read")
def list_(desk: ApiState, args: CallArguments) -> Answer:
    """All users of a workspace, bots included; an organisation's other people are not of it.

    Those of other organisations who are in a shared channel are listed too, with the rights they have at home:
    https://docs.slack.dev/apis/slack-connect#users
    """
    workspace = desk.workspace
    asked = args.text("team_id") if workspace.org_install else workspace.team_id
    ours = workspace.organisation.id if workspace.organisation else ""
    everybody = workspace.users.values()
    here = [each for each in everybody if not each.grid or each.grid.enterprise_id != ours or asked in each.grid.teams]
    users, cursor = page(args, here, 1000, 1000)
    members = [_wire(desk, args, user) for user in users]
    return {"members": members, "cache_ts": int(workspace.clock()), "response_metadata": {"next_cursor": cursor}}


@method("users.lookupByEmail", "users:read.email")
def lookup_by_email(desk: ApiState, args: CallArguments) -> Answer:
    """The user with this address."""
    email = args.needed("email", "users_not_found").lower()
    for user in desk.workspace.users.values():
        if user.email and user.email.lower() == email and not user.deleted:
            return {"user": _wire(desk, args, user)}
    raise SlackApiError("users_not_found")


def _groups_asked_for(desk: ApiState, args: CallArguments) -> dict[str, FakeUserGroup]:
    """The groups of the workspace that was asked about; a workspace's own token need not name it."""
    home, asked = desk.workspace.team_id, args.text("team_id")
    where = asked if desk.workspace.org_install else home
    return {key: group for key, group in desk.workspace.usergroups.items() if (group.team_id or home) == where}


@method("usergroups.list", "usergroups:read")
def usergroups(desk: ApiState, args: CallArguments) -> Answer:
    """All user groups; their users only when asked for."""
    groups = [group.wire(team_id=desk.workspace.team_id) for group in _groups_asked_for(desk, args).values()]
    if not args.flag("include_users"):
        for group in groups:
            group.pop("users")
    return {"usergroups": groups}


@method("usergroups.users.list", "usergroups:read")
def usergroup_users(desk: ApiState, args: CallArguments) -> Answer:
    """The ids of a group's users."""
    group = _groups_asked_for(desk, args).get(args.needed("usergroup"))
    if group is None:
        raise SlackApiError("no_such_subteam")
    return {"users": list(group.users)}
