"""auth.*, apps.*, team.* and bots.*: who we are and how we connect. https://docs.slack.dev/reference/methods/auth.test"""

from __future__ import annotations

from urllib.parse import urlencode

from sandbox.slack.server_state import Answer, ApiState, CallArguments, method, page
from sandbox.slack.validation import SlackApiError


@method("api.test", token="none")  # noqa: S106 -- a kind, not a secret
def api_test(desk: ApiState, args: CallArguments) -> Answer:
    """Say back what was said."""
    if args.text("error"):
        raise SlackApiError(args.needed("error"))
    return {"args": args.given}


@method("auth.test")
def auth_test(desk: ApiState, args: CallArguments) -> Answer:
    """Who the token belongs to."""
    workspace = desk.workspace
    about: Answer = {
        "url": f"https://{workspace.team_domain}.slack.com/",
        "team": workspace.team_name,
        "user": workspace.users[workspace.bot_user_id].handle,
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user_id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
        **({"enterprise_id": workspace.organisation.id} if workspace.organisation else {}),
    }
    return about | _org_identity(desk)


def _org_identity(desk: ApiState) -> Answer:
    """What differs for an organisation's token: the id of the organisation stands in both places.

    As seen in https://github.com/lobu-ai/lobu/pull/3047
    """
    if (installed := desk.workspace.org_install) is None:
        return {}
    return {
        "url": f"https://{installed.domain}.enterprise.slack.com/",
        "team": installed.name,
        "team_id": installed.id,
        "is_enterprise_install": True,
    }


@method("auth.teams.list")
def auth_teams_list(desk: ApiState, args: CallArguments) -> Answer:
    """The workspaces this token reaches. https://docs.slack.dev/reference/methods/auth.teams.list"""
    workspace = desk.workspace
    reached = {workspace.team_id: workspace.team_name}
    if installed := workspace.org_install:
        reached = {team_id: installed.teams[team_id].title() for team_id in installed.added_to or ()}
    teams, cursor = page(args, [{"id": key, "name": name} for key, name in reached.items()], 100, 1000)
    return {"teams": teams, "response_metadata": {"next_cursor": cursor}}


@method("apps.connections.open", token="app")  # noqa: S106 -- a kind, not a secret
def connections_open(desk: ApiState, args: CallArguments) -> Answer:
    """A websocket address with a ticket for one handshake."""
    query = urlencode({"ticket": desk.sockets.ticket(), "app_id": desk.workspace.app_id})
    return {"url": f"{desk.base_url.replace('http', 'ws', 1)}/link/?{query}"}


@method("team.info", "team:read")
def team_info(desk: ApiState, args: CallArguments) -> Answer:
    """The workspace."""
    workspace = desk.workspace
    url = f"https://{workspace.team_domain}.slack.com/"
    team = {"id": workspace.team_id, "name": workspace.team_name, "domain": workspace.team_domain, "url": url}
    if workspace.organisation:
        team |= {"enterprise_id": workspace.organisation.id, "enterprise_name": workspace.organisation.name}
    return {"team": {**team, "email_domain": "", "icon": {"image_default": True}}}


@method("bots.info", "users:read")
def bots_info(desk: ApiState, args: CallArguments) -> Answer:
    """The bot."""
    workspace = desk.workspace
    if args.text("bot") not in (None, workspace.bot_id):
        raise SlackApiError("bot_not_found")
    own = workspace.users[workspace.bot_user_id]
    bot = {"id": workspace.bot_id, "deleted": False, "name": own.handle, "updated": 0, "icons": {}}
    return {"bot": {**bot, "app_id": workspace.app_id, "user_id": own.id}}
