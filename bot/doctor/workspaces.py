"""What the app is installed for: a workspace, or an organisation and the workspaces it was added to."""

from __future__ import annotations

from bot.db import installations
from bot.doctor import database
from bot.doctor.context import CheckContext
from bot.doctor.results import CheckResult, broken, skipped, warning, well
from bot.domain.colleagues import ColleagueRule, Home
from bot.exceptions import SlackError
from bot.observability.causes import cause
from bot.slack.client import BotIdentity
from bot.slack.workspaces import GrantedWorkspace

WORKSPACES, COLLEAGUES = "workspaces", "colleagues"
# https://docs.slack.dev/enterprise/organization-ready-apps
ADD = "An org admin adds the app: Organization settings → Integrations → Installed apps → the app → Add to workspaces."


async def installed_for(case: CheckContext, found: BotIdentity) -> tuple[str, list[CheckResult]]:
    """Return what the token is for, and what is wrong with the workspaces of an organisation."""
    if not found.is_org_install:
        return f"in {found.team}", []
    what = f"is installed for the organisation {found.team}"
    try:
        listed = await case.poster.workspaces.listed()
    except SlackError as problem:
        return what, [skipped(WORKSPACES, f"Slack doesn't list them ({cause(problem)}).")]
    return f"{what} ({_count(listed)})", await _wrong(case, listed)


def colleagues(case: CheckContext, found: BotIdentity) -> list[CheckResult]:
    """Say whose people may use the bot, where there is an organisation or one was meant."""
    rule = ColleagueRule(case.settings.access_org)
    if not found.enterprise_id:
        text = "ACCESS_ORG=organization has no effect: this workspace isn't in an Enterprise Grid organisation."
        return [] if rule is ColleagueRule.WORKSPACE else [warning(COLLEAGUES, text, "Remove ACCESS_ORG.")]
    home = Home(found.team_id, found.enterprise_id, rule)
    if home.whole:
        why = "it's installed for the organisation" if home.is_organization else "ACCESS_ORG=organization"
        return [well(COLLEAGUES, f"everybody in the organisation {found.enterprise_id} ({why}).")]
    text = f"members of {found.team} ({found.team_id}), not of the whole organisation {found.enterprise_id}"
    return [well(COLLEAGUES, f"{text} (ACCESS_ORG=workspace).")]


async def _wrong(case: CheckContext, listed: list[GrantedWorkspace]) -> list[CheckResult]:
    if not listed:
        return [broken(WORKSPACES, "the app isn't in any workspace yet, so no one can use it.", ADD)]
    store = await database.readable(case)
    if store is None:
        return []
    removed = await store.run(installations.list_removed, [workspace.id for workspace in listed], case.clock())
    if not removed:
        return []
    names = ", ".join(workspace.name or workspace.id for workspace in removed)
    text = f"the app was removed from {names}. Its announcements there are paused."
    return [warning(WORKSPACES, text, f"If that was intended, ignore this. {ADD}")]


def _count(listed: list[GrantedWorkspace]) -> str:
    return f"{len(listed)} workspace{'' if len(listed) == 1 else 's'}"
