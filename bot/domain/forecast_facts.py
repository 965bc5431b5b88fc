"""Types of a forecast: what ends or stops next."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.model import Build, Role


class ForecastKind(StrEnum):
    """The kind of thing that ends or stops."""

    PROFILE = "profile"  # the provisioning profile or certificate of a build
    PENDING_DELETION = "pending_deletion"  # a build goes to the stage before deletion
    DELETION = "deletion"  # Applivery may delete a build
    LIMIT = "limit"  # the plan's limit of downloads is reached at this pace
    LIMIT_REACHED = "limit_reached"  # one of the plan's limits is reached
    PAUSED = "paused"  # a subscription
    NO_LISTENERS = "no_listeners"  # a subscription in a channel without people
    WILL_PAUSE = "will_pause"  # a subscription, at the next build
    NO_MATCH = "no_match"  # a subscription whose filters let no recent build through
    REPORT_PAUSED = "report_paused"  # a scheduled report
    ROLES_LEFT = "roles_left"  # roles of people who have left
    SCOPE = "scope"  # a Slack permission that something in use needs
    PLATFORM = "platform"  # a change of a platform


class ForecastPart(StrEnum):
    """A part of the forecast, by the name that is shown if it could not be checked."""

    BUILDS = "builds"
    RETENTION = "retention"
    PEOPLE = "people"
    DOWNLOADS = "downloads"
    CHANNELS = "channels"
    ROLES = "roles"
    APPS = "apps"


class ForecastItem(Struct, frozen=True):
    """A thing that ends at `at` (aware; None: it has ended, or does with the next build).

    `build` represents the affected builds: the newest, or the first to be deleted; `others` counts the rest. `people`
    is how many are affected, such as those for whom one of the builds is the latest download; None: unknown. `number`
    is that of a subscription in `channel_id`, or of a scheduled report. `reason` is why something is paused, an item of
    the plan (empty: downloads) or a scope, or the message id of what may stop installs on a `platform` in some
    `regions` (ISO 3166; none: everywhere); `is_year` is whether only the year of that is known. `used` of `limit` are
    used up.
    """

    kind: ForecastKind
    at: datetime | None = None
    app_id: str = ""
    app_name: str = ""
    build: Build | None = None
    others: int = 0
    people: int | None = None
    channel_id: str = ""
    number: int = 0
    reason: str = ""
    limit: int = 0
    used: int | None = None
    url: str = ""
    is_year: bool = False
    platform: str = ""
    regions: tuple[str, ...] = ()


class Unchecked(Struct, frozen=True):
    """A part that could not be checked for some apps, with the kind of the error (exceptions.kind_of).

    Without an error there were too many (`number`), or Applivery does not provide the data.
    """

    part: ForecastPart
    apps: tuple[str, ...] = ()
    error: str = ""
    number: int = 0


class Forecast(Struct, frozen=True):
    """The things that end until `until` (aware), for the app `app_name` (empty: all apps), the earliest first.

    `late` is when a scheduled forecast was due, if it is posted late. `language` is that of its readers, `key` the one
    under which it is stored for its page buttons.
    """

    until: datetime
    made_at: datetime
    app_name: str = ""
    items: tuple[ForecastItem, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    language: str = ""
    late: datetime | None = None
    key: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing ends and every part could be checked."""
        return not self.items and not any(each.error for each in self.unchecked)

    def of_apps(self, permitted: Collection[str], role: Role) -> Forecast:
        """Return the part that is visible with a role for these apps (ids) and this role for all apps."""
        kept = (
            item
            for item in self.items
            if (item.app_id in permitted if item.app_id else role >= _ROLES.get(item.kind, Role.RELEASER))
        )
        return replace(self, items=tuple(kept))


# Kinds that are not about a single app: the role for all apps that they require.
_ROLES = {
    ForecastKind.PLATFORM: Role.NONE,
    ForecastKind.REPORT_PAUSED: Role.NONE,
    ForecastKind.ROLES_LEFT: Role.ADMIN,
    ForecastKind.SCOPE: Role.ADMIN,
}
