"""The paths of Applivery's API; ids are validated here, so that typed text cannot change a path."""

from __future__ import annotations

import re

from bot.exceptions import InvalidId
from bot.i18n import gettext_noop

# The vendor's patterns, https://docs.applivery.com/en/api/ (build downloads, path parameters), with added maximum
# lengths. `fullmatch`, because `$` would accept a trailing line break.
_ID_OR_SLUG = re.compile(r"[a-fA-F0-9]{24}|[a-zA-Z0-9\-]{3,128}")
_HEX_ID = re.compile(r"[a-fA-F0-9]{24}")
_FILE_ID = re.compile(r"[a-zA-Z0-9]{8,64}")  # only an example is documented: 24 letters and digits

NO_FILE_ID = gettext_noop("“{typed}” isn't an attachment id (letters and digits).")
NO_WORKSPACE = gettext_noop("“{typed}” isn't an Applivery workspace. Use its slug or id.")
NO_APP = gettext_noop("“{typed}” isn't an app. Use its slug or id.")
NO_BUILD_ID = gettext_noop("“{typed}” isn't a build id (24 characters, 0–9 and a–f).")


ORGANIZATIONS = "/v1/organizations"


def is_id_or_slug(text: str) -> bool:
    """Return whether `text` could name an app or workspace in a path; makes no request."""
    return _ID_OR_SLUG.fullmatch(text) is not None


def checked_file_id(file_id: str) -> str:
    """Return `file_id` when it is a valid attachment id, else raise InvalidId."""
    return _checked(_FILE_ID, file_id, NO_FILE_ID)


def organization(organization: str) -> str:
    """Return the path of a workspace, or raise InvalidId."""
    return f"{ORGANIZATIONS}/{_checked(_ID_OR_SLUG, organization, NO_WORKSPACE)}"


def app(organization_path: str, id_or_slug: str) -> str:
    """Return the path of an app below a workspace's path, or raise InvalidId."""
    return f"{organization_path}/apps/{_checked(_ID_OR_SLUG, id_or_slug, NO_APP)}"


def build(app_path: str, build_id: str) -> str:
    """Return the path of a build below an app's path, or raise InvalidId."""
    return f"{app_path}/builds/{_checked(_HEX_ID, build_id, NO_BUILD_ID)}"


def _checked(pattern: re.Pattern[str], typed: str, otherwise: str) -> str:
    if not pattern.fullmatch(typed):
        raise InvalidId(otherwise, typed)
    return typed
