"""auth.*, apps.*, team.* and bots.*: who we are and how we connect. https://docs.slack.dev/reference/methods/auth.test"""

from __future__ import annotations

from urllib.parse import urlencode

from sandbox.slack.server_state import Answer, ApiState, CallArguments, method
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
    return {
        "url": f"https://{workspace.team_domain}.slack.com/",
        "team": workspace.team_name,
        "user": workspace.users[workspace.bot_user_id].handle,
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user_id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
        **({"enterprise_id": workspace.organisation.id} if workspace.organisation else {}),
    }


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
