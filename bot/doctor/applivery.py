"""What is asked of Applivery: its hosts, our credential, and each permission we use, by harmless questions only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from bot.applivery.client import AppliveryClient
from bot.doctor import database, service
from bot.doctor.context import CheckContext, unreached
from bot.doctor.results import CheckResult, broken, skipped, warning, well
from bot.domain.model import App
from bot.exceptions import AppliveryError, FeatureNotInPlan, Forbidden, InvalidCredentials, NotFound, WorkspaceNotFound
from bot.observability.causes import cause

HOSTS, CREDENTIAL, PERMISSION = "Applivery host", "Applivery token", "Applivery permission"
AFTER_CREDENTIAL = (PERMISSION, database.POLLING, service.WEBHOOK)
RAISE = "Give the Service Account a role that has it: Applivery → Workspace Settings → Service Accounts."


async def hosts(case: CheckContext) -> list[CheckResult]:
    """Whether each host answers anything at all."""
    hosts = case.applivery.hosts
    return [
        await _reached(case, hosts.api, "APPLIVERY_API_URL", "everything", blocks=(CREDENTIAL, *AFTER_CREDENTIAL)),
        await _reached(case, hosts.download, "APPLIVERY_DOWNLOAD_URL", "links"),
        await _reached(case, hosts.upload, "APPLIVERY_UPLOAD_URL", "uploads", bad=warning),
        await _reached(case, hosts.dashboard, "APPLIVERY_DASHBOARD_URL", "links to the dashboard", bad=warning),
    ]


async def _reached(
    case: CheckContext,
    address: str,
    setting: str,
    needed_for: str,
    *,
    bad: Callable[..., CheckResult] = broken,
    blocks: tuple[str, ...] = (),
) -> CheckResult:
    try:
        async with case.session.get(address, allow_redirects=False):
            return well(HOSTS, f"{address} answers.")
    except (aiohttp.ClientError, TimeoutError) as error:
        text = f"{address} is not reached ({cause(error)}); it is needed for: {needed_for}."
        return bad(HOSTS, text, unreached(error, f"APPLIVERY_TENANT or {setting}"), blocks=blocks)


async def credential(case: CheckContext) -> list[CheckResult]:
    """The token and the workspace; what Applivery says we are in it."""
    slug = case.settings.applivery_organization
    try:
        name = await case.applivery.organization()
    except AppliveryError as problem:
        return [_no_entry(problem, slug)]
    return [well(CREDENTIAL, f"the workspace is {name}.")]


def _no_entry(problem: AppliveryError, slug: str) -> CheckResult:
    text, fix = f"{problem.sentence} ({cause(problem)})", str(problem.next_step)
    if isinstance(problem, WorkspaceNotFound):
        text = f"there is no workspace {slug}, or this token does not see it ({cause(problem)})."
        fix = "Set APPLIVERY_ORGANIZATION to the workspace's slug or id, as its dashboard address has it."
    elif isinstance(problem, InvalidCredentials | Forbidden):
        fix = "Set APPLIVERY_TOKEN to the token of a Service Account (Workspace Settings → Service Accounts)."
    return broken(CREDENTIAL, text, fix, blocks=AFTER_CREDENTIAL)


@dataclass(frozen=True, slots=True)
class RequiredPermission:
    """One that we use: Applivery's name (where it is documented), what we need it for, and how to find out."""

    name: str
    needed_for: str
    probe: Callable[[CheckContext, App], Awaitable[str]]
    needed: bool = True
    blocks: tuple[str, ...] = ()


async def permissions(case: CheckContext) -> list[CheckResult]:
    """Each permission; apps come first, since the others are asked for one."""
    try:
        apps = await case.applivery.apps()
    except AppliveryError as problem:
        return [_lacking(LISTING, problem), *_unasked()]
    if not apps:
        text = "no app is seen: there is none, or this credential may see none."
        return [warning(PERMISSION, text, "Check in Applivery's dashboard what the Service Account sees."), *_unasked()]
    listed = well(PERMISSION, f"lists apps ({len(apps)}; {await _role(case.applivery, apps[0])}).")
    return [listed, *[await _probed(permission, case, apps[0]) for permission in PERMISSIONS], MINTING]


async def _role(applivery: AppliveryClient, app: App) -> str:
    try:
        role = await applivery.role(app.id)
    except AppliveryError:
        role = None
    return f"role {role}" if role else "Applivery does not say which role this is"


async def _builds(case: CheckContext, app: App) -> str:
    page = await case.applivery.builds(app, limit=1)
    return "lists builds" if page.items else f"lists builds ({app.slug} has none yet)"


async def _downloads(case: CheckContext, app: App) -> str:
    # The answer is not paged and may weigh 60 MB: one second of the log is enough to know.
    now = case.clock()
    await case.applivery.downloads_by_user(app.id, since=now - timedelta(seconds=1), until=now)
    return "reads the download log"


async def _notifications(case: CheckContext, _: App) -> str:
    await case.applivery.notifications()
    return "lists the workspace's webhooks"


async def _apps(case: CheckContext, _: App) -> str:
    return f"lists apps ({len(await case.applivery.apps())})"


LISTING = RequiredPermission(
    "mad.application.management.list", "every command: it finds apps by name", _apps, blocks=(database.POLLING,)
)
PERMISSIONS = (
    RequiredPermission(
        "to list builds (its name is not documented)",
        "get, builds, status and every announcement",
        _builds,
        blocks=(database.POLLING,),
    ),
    RequiredPermission("mad.download.management.list", "downloads and download digests", _downloads),
    RequiredPermission(
        "base.organization.notification.list", "knowing whether the webhook is set", _notifications, needed=False
    ),
)

# Asking for a download token makes one: a GET with an effect is no question.
MINTING = skipped(
    PERMISSION,
    "making links cannot be tried without making one.",
    "Type `get` for any build in Slack: a refusal there names the role that is needed.",
)


def _unasked() -> list[CheckResult]:
    return [
        skipped(PERMISSION, f"{permission.name}: without an app there is nothing to ask.") for permission in PERMISSIONS
    ] + [MINTING]


async def _probed(permission: RequiredPermission, case: CheckContext, app: App) -> CheckResult:
    try:
        return well(PERMISSION, f"{await permission.probe(case, app)}.")
    except AppliveryError as problem:
        return _lacking(permission, problem)


def _lacking(lacked: RequiredPermission, problem: AppliveryError) -> CheckResult:
    """What a refusal means; Applivery does not document whether it says 401, 403 or 404 to a missing permission."""
    bad, needed_for = (broken if lacked.needed else warning), f"it is needed for: {lacked.needed_for}."
    if isinstance(problem, InvalidCredentials | Forbidden | NotFound):
        text = f"{lacked.name} is missing ({cause(problem)}); {needed_for}"
        return bad(PERMISSION, text, RAISE, blocks=lacked.blocks)
    if isinstance(problem, FeatureNotInPlan):
        text = f"your plan does not include what is needed for: {lacked.needed_for} ({cause(problem)})."
        return warning(PERMISSION, text, str(problem.next_step), blocks=lacked.blocks)
    text = f"{lacked.name} could not be asked: {problem.sentence} ({cause(problem)}); {needed_for}"
    return bad(PERMISSION, text, str(problem.next_step), blocks=lacked.blocks)
