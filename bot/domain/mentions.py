"""Whom a subscription is to mention: one user group, by its handle, Slack's own mark for it or its id."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.domain import lookup, references
from bot.domain.spelling import bare
from bot.exceptions import NotFoundByName, UserInputError
from bot.i18n import Text, gettext_noop
from bot.i18n.verbatim import code

# https://docs.slack.dev/messaging/formatting-message-text#mentioning-groups
_PERSON = re.compile(r"<@[^>]*>|[UW][A-Z0-9]{8,}")
_EVERYONE = re.compile(r"<!(?:here|channel|everyone)(?:\|[^>]*)?>|@?(?:here|channel|everyone)", re.IGNORECASE)
_INSTEAD = gettext_noop("Name a user group, e.g. `mention:@mobile-qa`; who is in it can choose to be.")


def group(typed: str, handles: Mapping[str, str]) -> str:
    """Return the id of the user group that was typed; `handles` has the handle (without @) of each there is.

    Raises UserInputError for a person or for `@everyone`, and NotFoundByName with the closest handles.
    """
    if _EVERYONE.fullmatch(typed):
        raise UserInputError(Text("I do not mention everyone at once."), Text(_INSTEAD))
    if _PERSON.fullmatch(typed):
        raise UserInputError(Text("I do not mention single people."), Text(_INSTEAD))
    marked = references.group_and_handle(typed)
    wanted = marked[0] if marked else typed.removeprefix("@")
    for group_id, handle in handles.items():
        if wanted == group_id or bare(wanted) == bare(handle):
            return group_id
    shown = (marked[1] if marked else wanted) or wanted
    near = [f"@{handle}" for handle in lookup.closest(shown, handles.values())]
    raise NotFoundByName(Text("user group"), shown, near, otherwise=_there(handles))


def _there(handles: Mapping[str, str]) -> Text:
    if not handles:
        return Text("There is none in this workspace.")
    names = ", ".join(code(f"@{handle}") for handle in sorted(handles.values())[:8])
    if len(handles) > 8:
        more = Text("{names} and {number} more", names=names, number=len(handles) - 8)
        return Text("There are {names}.", names=more)
    return Text("There are {names}.", names=names)
