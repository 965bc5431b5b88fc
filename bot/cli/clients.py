"""Applivery's clients for the command line: which of its two APIs to use, by the token that is set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.applivery import build_search, paths
from bot.applivery.app_builds import AppBuilds, by_app_token
from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.pagination import PageSizes
from bot.applivery.rate_budget import RequestBudget
from bot.domain import lookup
from bot.domain.builds import can_be_had
from bot.domain.model import App, Build
from bot.exceptions import AppliveryError, FeatureNotInPlan, Forbidden, InvalidCredentials, UserInputError
from bot.i18n import Text, english
from bot.services.app_directory import AppDirectory
from bot.settings import UploadSettings

PER_HOUR = 8000


def hosts(settings: UploadSettings) -> AppliveryHosts:
    """Return Applivery's hosts."""
    return AppliveryHosts.of_tenant(
        settings.applivery_tenant,
        api=settings.applivery_api_url,
        upload=settings.applivery_upload_url,
        dashboard=settings.applivery_dashboard_url,
    )


def dashboard(settings: UploadSettings, build: Build) -> str | None:
    """Return the build's page in the dashboard; None if the workspace is unknown, as with an app's token."""
    if settings.applivery_organization is None or not build.app.slug:
        return None
    return hosts(settings).dashboard_build_url(settings.applivery_organization, build.app, build)


@asynccontextmanager
async def app_builds(settings: UploadSettings, app: str | None) -> AsyncIterator[AppBuilds]:
    """Return the builds of the given app.

    Raises UserInputError if no token is suitable, and the errors of finding the app.
    """
    if app is None:
        if settings.applivery_app_token is None:
            raise UserInputError(
                english("No app given."),
                english("Add --app courier, or set APPLIVERY_APP_TOKEN (it belongs to one app)."),
            )
        token = settings.applivery_app_token.get_secret_value()
        async with by_app_token(hosts(settings), token) as app_builds:
            yield app_builds
        return
    async with _workspace(settings) as applivery:
        yield applivery.app_builds(await _app(applivery, app))


@asynccontextmanager
async def _workspace(settings: UploadSettings) -> AsyncIterator[AppliveryClient]:
    if settings.applivery_token is None or settings.applivery_organization is None:
        if settings.applivery_app_token is not None:
            raise UserInputError(
                english("--app needs a Service Account token, but only an App API Token is set."),
                english(
                    "Leave out --app (the token belongs to one app), or set APPLIVERY_TOKEN and APPLIVERY_ORGANIZATION."
                ),
            )
        raise UserInputError(
            english("No Applivery token set."),
            english("Set APPLIVERY_TOKEN and APPLIVERY_ORGANIZATION, or APPLIVERY_APP_TOKEN without --app."),
        )
    async with AppliveryClient(
        hosts=hosts(settings),
        organization=settings.applivery_organization,
        token=settings.applivery_token.get_secret_value(),
        budget=RequestBudget(PER_HOUR),
    ) as applivery:
        yield applivery


async def _app(applivery: AppliveryClient, typed: str) -> App:
    """Return the given app. If the token may not list apps, an id or short name is used as it is."""
    try:
        return await AppDirectory(applivery).app(typed)
    except (Forbidden, FeatureNotInPlan) as refused:
        if paths.is_id_or_slug(typed):
            return App(id=typed, slug=typed, name=typed)
        text = english("This token can't list apps.")
        raise _refused(refused, text, english("Set --app to the app's id or slug.")) from None
    except InvalidCredentials:
        # the app of the token is read later
        await applivery.app_builds(App(id=typed, slug=typed, name=typed)).newest()
        raise


async def build(app_builds: AppBuilds, which: str) -> tuple[str, str]:
    """Return the id and title of a build given by its id, `latest`, a version or `#number`.

    Raises as `lookup.build` does. Whether the credential may access a build given by its id is not checked.
    """
    by_id = lookup.BUILD_ID.fullmatch(which) is not None
    try:
        build = await app_builds.build(which.lower()) if by_id else await _named(app_builds, which)
    except (Forbidden, FeatureNotInPlan) as refused:
        if by_id:
            return which.lower(), which.lower()
        raise _refused(refused, english("This token can't list builds."), english("Use the build's id.")) from None
    return build.id, f"{build.app.name} {lookup.label(build)}"


async def _named(app_builds: AppBuilds, which: str) -> Build:
    pages = build_search.BuildPages(app_builds.page, PageSizes())
    if which.strip().casefold() == lookup.LATEST:
        builds = await build_search.latest(pages, can_be_had, build_search.anything, ())
    else:
        builds = await build_search.meant(pages, which)
    return lookup.build(which, builds, builds[0].app if builds else app_builds.app)


def _refused(refused: AppliveryError, sentence: Text, step: Text) -> AppliveryError:
    return type(refused)(sentence, step, code=refused.code, status=refused.status)
