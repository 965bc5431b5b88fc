"""What ends or stops next, as it is found and kept until it is posted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.model import Build, Role


class ForecastKind(StrEnum):
    """What ends or stops."""

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
    """What is looked at, as it is named when it could not be."""

    BUILDS = "builds"
    RETENTION = "retention"
    PEOPLE = "people"
    DOWNLOADS = "downloads"
    CHANNELS = "channels"
    ROLES = "roles"
    APPS = "apps"


class ForecastItem(Struct, frozen=True):
    """One thing that ends at `at` (aware; None: it is so already, or from the next build on).

    `build` stands for the builds concerned: the newest, or the first to go. `others` counts the rest. `people` are
    those whose latest recorded download one of them is, or who are concerned in another way; None: unknown. `number` is
    that of a subscription in `channel_id`, or of a scheduled report. `reason` is the word for why something is paused,
    a plan's item (empty: downloads) or a scope, or the message id of what may stop installs on a `platform` in some
    `regions` (ISO 3166; none: everywhere), of which `is_year` says that only its year is known. `used` of `limit` are
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
    """A part that could not be looked at, of some apps, with the error's kind (exceptions.kind_of).

    Without one there were too many (`number`), or Applivery has no answer to it.
    """

    part: ForecastPart
    apps: tuple[str, ...] = ()
    error: str = ""
    number: int = 0


class Forecast(Struct, frozen=True):
    """What ends until `until` (aware), of the app called `app_name` (empty: of all), the earliest first.

    `late` is when a scheduled one was due that is posted late. `language` is the one its readers have, `key` the name
    under which it is kept for the buttons to its other pages.
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
        """Whether there is nothing to say: nothing ends, and each part could be looked at."""
        return not self.items and not any(each.error for each in self.unchecked)

    def of_apps(self, permitted: Collection[str], role: Role) -> Forecast:
        """Return the same with what may be seen with the role for these apps (ids), and this role for all."""
        kept = (
            item
            for item in self.items
            if (item.app_id in permitted if item.app_id else role >= _ROLES.get(item.kind, Role.RELEASER))
        )
        return replace(self, items=tuple(kept))


# What is about no single app: the role for all apps that it takes.
_ROLES = {
    ForecastKind.PLATFORM: Role.NONE,
    ForecastKind.REPORT_PAUSED: Role.NONE,
    ForecastKind.ROLES_LEFT: Role.ADMIN,
    ForecastKind.SCOPE: Role.ADMIN,
}
