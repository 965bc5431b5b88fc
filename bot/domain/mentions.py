"""Find the user group that a subscription mentions, by its handle, Slack's markup or its id."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.domain import lookup, references
from bot.domain.spelling import bare
from bot.exceptions import NotFoundByName, UserInputError
from bot.i18n import Text, gettext_noop

# https://docs.slack.dev/messaging/formatting-message-text#mentioning-groups
_PERSON = re.compile(r"<@[^>]*>|[UW][A-Z0-9]{8,}")
_EVERYONE = re.compile(r"<!(?:here|channel|everyone)(?:\|[^>]*)?>|@?(?:here|channel|everyone)", re.IGNORECASE)
_INSTEAD = gettext_noop("Mention a user group instead, for example `mention:@mobile-qa`.")


def group(typed: str, handles: Mapping[str, str]) -> str:
    """Return the id of the typed user group; `handles` are the handles (without @) of all groups by id.

    Raises UserInputError for a person or for `@everyone`, and NotFoundByName with the closest handles.
    """
    if _EVERYONE.fullmatch(typed):
        raise UserInputError(Text("I can't mention everyone."), Text(_INSTEAD))
    if _PERSON.fullmatch(typed):
        raise UserInputError(Text("I can't mention individual people."), Text(_INSTEAD))
    return named(typed, handles)


def named(typed: str, handles: Mapping[str, str]) -> str:
    """Return the id of the user group of this handle, id or mark. Raises NotFoundByName with the closest handles."""
    marked = references.group_and_handle(typed)
    wanted = marked[0] if marked else typed.removeprefix("@")
    for group_id, handle in handles.items():
        if wanted == group_id or bare(wanted) == bare(handle):
            return group_id
    shown = (marked[1] if marked else wanted) or wanted
    raise NotFoundByName(
        Text("user group"),
        shown,
        [f"@{handle}" for handle in lookup.closest(shown, handles.values())],
        every=[f"@{handle}" for handle in sorted(handles.values())],
        otherwise=Text("This workspace has no user groups."),
        replaces=typed,
    )
