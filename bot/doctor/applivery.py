"""Checks of Applivery: its hosts, our credential, and each permission in use, by requests without effects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
from msgspec import Struct

from bot.applivery.client import AppliveryClient, AppliveryHosts
from bot.doctor import database, service
from bot.doctor.context import CheckContext, unreached
from bot.doctor.results import CheckResult, broken, skipped, warning, well
from bot.domain.model import App, Workspace
from bot.exceptions import AppliveryError, FeatureNotInPlan, Forbidden, InvalidCredentials, NotFound, WorkspaceNotFound
from bot.observability.causes import cause

HOSTS, CREDENTIAL, PERMISSION = "Applivery host", "Applivery token", "Applivery permission"
AFTER_CREDENTIAL = (PERMISSION, database.POLLING, service.WEBHOOK)
RAISE = "Give the Service Account a role with this permission: Applivery → Workspace Settings → Service Accounts."
NAMED = 5
LOOK_BACK_DAYS = (1, 7, 30)


async def hosts(case: CheckContext) -> list[CheckResult]:
    """Check that each host answers, one by one, as not all hosts of a private tenant are documented."""
    hosts, tenant = case.applivery.hosts, case.settings.applivery_tenant
    usual = AppliveryHosts.of_tenant()
    found = [
        await _reached(
            case, hosts.api, usual.api, "APPLIVERY_API_URL", "everything", blocks=(CREDENTIAL, *AFTER_CREDENTIAL)
        ),
        await _reached(case, hosts.download, usual.download, "APPLIVERY_DOWNLOAD_URL", "links"),
        await _reached(case, hosts.upload, usual.upload, "APPLIVERY_UPLOAD_URL", "uploads", bad=warning),
        await _reached(
            case, hosts.dashboard, usual.dashboard, "APPLIVERY_DASHBOARD_URL", "links to the dashboard", bad=warning
        ),
    ]
    return [*found, await _store(case, AppliveryHosts.store(tenant))] if tenant else found


async def _reached(
    case: CheckContext,
    address: str,
    usual: str,
    setting: str,
    needed_for: str,
    *,
    bad: Callable[..., CheckResult] = broken,
    blocks: tuple[str, ...] = (),
) -> CheckResult:
    error = await _unanswered(case, address)
    if error is None:
        return well(HOSTS, f"{address} answers ({_set_by(case, setting)}).")
    text = f"can't reach {address} ({cause(error)}). Used for: {needed_for}."
    if address != usual and "DNS" in cause(error) and await _unanswered(case, usual) is None:
        fix = f"{_fix_for(case, setting)}. {usual} answers: set {setting} to it if your tenant uses it"
        return bad(HOSTS, text, f"Check {fix}.", blocks=blocks)
    return bad(HOSTS, text, unreached(error, _fix_for(case, setting)), blocks=blocks)


async def _store(case: CheckContext, address: str) -> CheckResult:
    """Check the host of the tenant's stores, which the bot doesn't use, to detect a misspelt tenant."""
    error = await _unanswered(case, address)
    if error is None:
        return well(HOSTS, f"{address} answers (stores only; the bot doesn't use it).")
    return skipped(HOSTS, f"can't reach {address} ({cause(error)}). Stores only; the bot doesn't use it.")


async def _unanswered(case: CheckContext, address: str) -> Exception | None:
    """Return why a host does not answer; None for any response."""
    try:
        async with case.session.get(address, allow_redirects=False):
            return None
    except (aiohttp.ClientError, TimeoutError) as error:
        return error


def _set_by(case: CheckContext, setting: str) -> str:
    """Return which setting an address comes from, and which one overrides it."""
    if getattr(case.settings, setting.lower()) is not None:
        return f"{setting} is set"
    return f"{'APPLIVERY_TENANT is set; ' if case.settings.applivery_tenant else ''}{setting} overrides it"


def _fix_for(case: CheckContext, setting: str) -> str:
    if getattr(case.settings, setting.lower()) is not None:
        return setting
    return f"{'APPLIVERY_TENANT' if case.settings.applivery_tenant else 'whether to set APPLIVERY_TENANT'} or {setting}"


async def credential(case: CheckContext) -> list[CheckResult]:
    """Check the token and its workspaces."""
    slug = case.settings.applivery_organization
    try:
        name = await case.applivery.organization()
    except WorkspaceNotFound as problem:
        return [_not_seen(problem, slug, await _workspaces(case))]
    except AppliveryError as problem:
        return [_no_entry(problem)]
    seen = await _workspaces(case)
    if len(seen) < 2:
        return [well(CREDENTIAL, f"workspace {_named(seen[0]) if seen else name}.")]
    return [well(CREDENTIAL, f"workspace {name}. The token sees {len(seen)}: {_listed(seen)}.")]


async def _workspaces(case: CheckContext) -> list[Workspace]:
    """Return the workspaces of the token; empty if it may not list them."""
    try:
        return await case.applivery.workspaces()
    except AppliveryError:
        return []


def _named(workspace: Workspace) -> str:
    return workspace.slug if workspace.name == workspace.slug else f"{workspace.name} ({workspace.slug})"


def _listed(seen: list[Workspace]) -> str:
    more = f" and {len(seen) - NAMED} more" if len(seen) > NAMED else ""
    return f"{', '.join(map(_named, seen[:NAMED]))}{more}"


def _not_seen(problem: AppliveryError, slug: str, seen: list[Workspace]) -> CheckResult:
    text = f"no workspace “{slug}” for this token ({cause(problem)})."
    fix = "Set APPLIVERY_ORGANIZATION to the workspace's slug, as in its dashboard address."
    if len(seen) == 1:
        text = f"{text} It sees only {_named(seen[0])}."
        fix = f"Set APPLIVERY_ORGANIZATION={seen[0].slug}."
    elif seen:
        fix = f"Set APPLIVERY_ORGANIZATION to one that the token sees: {_listed(seen)}."
    return broken(CREDENTIAL, text, fix, blocks=AFTER_CREDENTIAL)


def _no_entry(problem: AppliveryError) -> CheckResult:
    text, fix = f"{problem.sentence} ({cause(problem)})", str(problem.step_for(admin=True))
    if isinstance(problem, InvalidCredentials | Forbidden):
        fix = "Set APPLIVERY_TOKEN to the token of a Service Account (Workspace Settings → Service Accounts)."
    return broken(CREDENTIAL, text, fix, blocks=AFTER_CREDENTIAL)


class RequiredPermission(Struct, frozen=True):
    """A permission in use: Applivery's name, what it allows, what uses it, and a request to check it."""

    name: str
    act: str
    used_for: str
    probe: Callable[[CheckContext, App], Awaitable[str]]
    needed: bool = True
    blocks: tuple[str, ...] = ()


async def permissions(case: CheckContext) -> list[CheckResult]:
    """Check each permission; apps are first, since the others are checked with an app."""
    try:
        apps = await case.applivery.apps()
    except AppliveryError as problem:
        return [_lacking(LISTING, problem), *_unasked()]
    if not apps:
        text = "the token sees no apps. Either the workspace has none, or the Service Account has no access."
        return [warning(PERMISSION, text, "Check the Service Account's access in Applivery's dashboard."), *_unasked()]
    listed = well(PERMISSION, f"can list apps ({len(apps)}{await _role(case.applivery, apps[0])}).")
    return [listed, *[await _probed(permission, case, apps[0]) for permission in PERMISSIONS], MINTING]


async def _role(applivery: AppliveryClient, app: App) -> str:
    try:
        role = await applivery.role(app.id)
    except AppliveryError:
        role = None
    return f", role {role}" if role else ""


async def _builds(case: CheckContext, app: App) -> str:
    page = await case.applivery.builds(app, limit=1)
    return "" if page.items else f" ({app.slug} has none yet)"


async def _downloads(case: CheckContext, app: App) -> str:
    # The response is not paginated and may have 60 MB, and an empty one proves nothing: use a short time with
    # downloads.
    now = case.clock()
    for days in LOOK_BACK_DAYS:
        rows = await case.applivery.downloads_by_user(app.id, since=now - timedelta(days=days), until=now)
        if rows:
            found = sum(len(row.downloads) or row.total or 0 for row in rows)
            return f" ({found} in {days} day{'' if days == 1 else 's'})"
    return f" (none in {LOOK_BACK_DAYS[-1]} days)"


async def _notifications(case: CheckContext, _: App) -> str:
    await case.applivery.notifications()
    return ""


async def _apps(case: CheckContext, _: App) -> str:
    return f" ({len(await case.applivery.apps())})"


LISTING = RequiredPermission(
    "mad.application.management.list", "list apps", "every command", _apps, blocks=(database.POLLING,)
)
PERMISSIONS = (
    # Applivery does not document the name of this permission
    RequiredPermission("", "list builds", "commands and every announcement", _builds, blocks=(database.POLLING,)),
    RequiredPermission("mad.download.management.list", "read the download log", "downloads and reports", _downloads),
    RequiredPermission(
        "base.organization.notification.list", "list webhooks", "checking the webhook", _notifications, needed=False
    ),
)

# Requesting a download token creates one: a GET with an effect is no check.
MINTING = skipped(
    PERMISSION,
    "creating links isn't tested, because a test would create one.",
    "Try `get` in Slack. A refusal names the role that the Service Account needs.",
)


def _unasked() -> list[CheckResult]:
    return [skipped(PERMISSION, f"can't test “{permission.act}” without an app.") for permission in PERMISSIONS] + [
        MINTING
    ]


async def _probed(permission: RequiredPermission, case: CheckContext, app: App) -> CheckResult:
    try:
        return well(PERMISSION, f"can {permission.act}{await permission.probe(case, app)}.")
    except AppliveryError as problem:
        return _lacking(permission, problem)


def _lacking(lacked: RequiredPermission, problem: AppliveryError) -> CheckResult:
    """Return the result for a refusal, which may be 401, 403 or 404: Applivery does not document it."""
    bad, used_for = (broken if lacked.needed else warning), f"Used for: {lacked.used_for}."
    text = f"can't {lacked.act} ({cause(problem)})"
    if isinstance(problem, InvalidCredentials | Forbidden | NotFound):
        needs = f"the permission “{lacked.name}”" if lacked.name else f"a role that may {lacked.act}"
        return bad(PERMISSION, f"{text}: the Service Account needs {needs}. {used_for}", RAISE, blocks=lacked.blocks)
    if isinstance(problem, FeatureNotInPlan):
        text = f"{text}: your Applivery plan doesn't include it. {used_for}"
        return warning(PERMISSION, text, str(problem.step_for(admin=True)), blocks=lacked.blocks)
    return bad(
        PERMISSION, f"{text}. {problem.sentence} {used_for}", str(problem.step_for(admin=True)), blocks=lacked.blocks
    )
