"""Count the recipients of Applivery's notifications; names and addresses do not leave this module."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from bot.applivery import paths, schemas
from bot.applivery.coercion import first
from bot.applivery.envelope import Page, page_of
from bot.applivery.pagination import PageSizes, every_page
from bot.applivery.transport import ApiRequest, Transport
from bot.domain.model import App
from bot.exceptions import AppliveryError

NOT_COUNTED = ""
MOST = 2000  # per list; larger ones are not counted


class RecipientCounter:
    """Counts the users of an app; None where the credential cannot list them, or there are too many."""

    def __init__(self, transport: Transport, api: str, organization_path: str, app: App, sizes: PageSizes) -> None:
        self._transport = transport
        self._organization = f"{api}{organization_path}"
        self._employees = f"{api}{paths.app(organization_path, app.id)}/employees/"  # the trailing slash is required
        self._app = app
        self._sizes = sizes

    async def collaborators(self) -> int | None:
        """Return the collaborators of the workspace and of the app, each once, without service accounts.

        https://docs.applivery.com/en/api/workspace/organization-collaborators/get-organizations-organizationid-collaborators
        """

        def of_the_app(item: schemas.CollaboratorSchema) -> str | None:
            app = schemas.read(item.application, schemas.AppSchema)
            ours = first(app.id, app.bare_id, item.application) == self._app.id or first(app.slug) == self._app.slug
            return _person(item) if ours else NOT_COUNTED

        everywhere = await self._people(f"{self._organization}/collaborators/", _person)
        of_app = await self._people(f"{self._organization}/collaborators/apps", of_the_app)
        return None if everywhere is None or of_app is None else len(everywhere | of_app)

    async def employees(self) -> int | None:
        """Return the store users who were invited to the app.

        https://docs.applivery.com/en/api/app-distribution/application-employees/get-organizations-organizationid-apps-applicationid-employees
        """
        found = await self._people(self._employees, _person)
        return len(found) if found is not None else None

    async def _people(self, url: str, who: Callable[[schemas.CollaboratorSchema], str | None]) -> frozenset[str] | None:
        async def fetch(number: int, limit: int) -> Page[str]:
            return await self._page(url, number, limit, who)

        found, read = set[str](), 0
        try:
            async with aclosing(every_page(url, fetch, self._sizes, at_once=1)) as pages:
                async for page in pages:
                    found.update(page.items)
                    read += page.rows
                    if not page.has_next:
                        return frozenset(found) - {NOT_COUNTED}
                    if read >= MOST:
                        break
        except AppliveryError:
            pass  # the role cannot list people: that must not prevent an upload
        return None  # or there are too many pages: a part of the number would be wrong

    async def _page(
        self, url: str, number: int, limit: int, who: Callable[[schemas.CollaboratorSchema], str | None]
    ) -> Page[str]:
        def read(body: bytes) -> Page[str]:
            return page_of(body, schemas.CollaboratorSchema, who, page=number, limit=limit)

        ask = ApiRequest("people", url, {"page": str(number), "limit": str(limit)})
        return await self._transport.ask(ask, read)


def _person(item: schemas.CollaboratorSchema) -> str | None:
    user = schemas.read(item.user, schemas.UserSchema)
    employee = schemas.read(item.employee, schemas.UserSchema)
    if first(user.role) == "serviceAccount":
        return NOT_COUNTED
    return first(user.id, user.bare_id, item.user, employee.id, employee.bare_id, item.employee, item.id)
