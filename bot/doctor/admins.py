"""Who can approve requests, grant roles and read the bot's health."""

from __future__ import annotations

from bot.db import access
from bot.doctor import database
from bot.doctor.context import CheckContext
from bot.doctor.results import CheckResult, broken, skipped, warning, well
from bot.domain.model import Role
from bot.exceptions import SlackError
from bot.observability.causes import cause
from bot.services.access import NOT_THERE

ADMINS = "admins"
NAMED = 5
COPY_ID = "your Slack member ID (Slack: your profile → ⋮ → Copy member ID)"


async def admins(case: CheckContext) -> list[CheckResult]:
    """Check that there is an admin, since otherwise no one gets access requests; list the admins."""
    granted = await _granted(case)
    chosen = dict.fromkeys([*case.settings.access_admins, *granted])
    strangers: list[str] = []
    names: list[str] = []
    for user_id in chosen:
        name = await _name(case, user_id)
        (names if name else strangers).append(name or user_id)
    results = []
    if strangers:
        text = f"{_listed(strangers)} can't use Slack here (unknown or deactivated)."
        results.append(warning(ADMINS, text, "Correct ACCESS_ADMINS, or revoke the role in Slack."))
    if names:
        return [well(ADMINS, f"{_listed(names)}. {await _place(case)} admins are admins too."), *results]
    return [await _workspace_admins(case), *results]


async def _workspace_admins(case: CheckContext) -> CheckResult:
    try:
        found = await case.poster.workspace_admins()
        names = [name for user_id in found[:NAMED] if (name := await _name(case, user_id))]
    except SlackError as problem:
        whose = (await _place(case)).lower()
        text = f"only Slack's {whose} admins, and Slack doesn't share who they are ({cause(problem)})."
        return skipped(ADMINS, text, f"Set ACCESS_ADMINS to {COPY_ID}.")
    if not names:
        text = "none. Access requests reach no one, and no role can be granted."
        return broken(ADMINS, text, f"Set ACCESS_ADMINS to {COPY_ID}.")
    listed = _listed(names, len(found))
    whose = f"the {(await _place(case)).lower()}'s admins"
    return well(ADMINS, f"{whose}: {listed}. To add others, set ACCESS_ADMINS to their member IDs.")


async def _place(case: CheckContext) -> str:
    """Return whether the admins of the workspace or of the organisation are admins of the bot."""
    try:
        return "Organisation" if (await case.poster.identity()).is_org_install else "Workspace"
    except SlackError:
        return "Workspace"


async def _granted(case: CheckContext) -> list[str]:
    """Return the users and groups with the role admin for all apps."""
    store = await database.readable(case)
    if store is None:
        return []
    try:
        team_id = (await case.poster.identity()).team_id
    except SlackError:
        return []
    grants = await store.run(access.list_grants, team_id)
    return [
        grant.grantee
        for grant in grants
        if grant.role is Role.ADMIN and grant.app_id is None and not grant.grantee.startswith("S")
    ]


async def _name(case: CheckContext, user_id: str) -> str | None:
    """Return a user's name, or the id if Slack does not return it; None for a user who can't use this workspace."""
    try:
        facts = await case.poster.user(user_id)
    except SlackError as problem:
        return None if problem.code in NOT_THERE else user_id
    if facts.get("deleted") is True:
        return None
    return str(facts.get("real_name") or facts.get("name") or user_id)


def _listed(names: list[str], total: int = 0) -> str:
    """Return the first names, and how many more there are of `total`, or of the names if these are more."""
    more = max(total, len(names)) - NAMED
    listed = ", ".join(names[:NAMED])
    return f"{listed} and {more} more" if more > 0 else listed
