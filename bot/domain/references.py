"""Parse references to people, user groups and channels in typed text."""

from __future__ import annotations

import re

from bot.exceptions import UserInputError
from bot.i18n import Text

# Slack's markup for references in commands, which a user may also type by hand: so it is accepted only for what all
# members can see, and everything else is looked up in Slack.
# https://docs.slack.dev/interactivity/implementing-slash-commands#escaping_users_warning
_PERSON = re.compile(r"<@([UW][A-Za-z0-9_]+)(?:\|[^>]*)?>")
_PERSON_ID = re.compile(r"([UW][A-Z0-9_]{3,})")
_GROUP = re.compile(r"<!subteam\^(S[A-Za-z0-9_]+)(?:\|@?([^>]*))?>")
_CHANNEL = re.compile(r"<#([CG][A-Za-z0-9_]+)(?:\|[^>]*)?>")


def person(typed: str) -> str | None:
    """Return the id of the referenced person; None if it is not a reference to a person."""
    return _found(_PERSON, typed)


def required_person(typed: str) -> str:
    """Return the id of the person, from a reference or a bare id. Raises UserInputError."""
    found = person(typed) or _found(_PERSON_ID, typed)
    if found is None:
        step = Text("Type @ and pick the person from Slack's list.")
        raise UserInputError(Text("I couldn't find “{who}”.", who=typed[:60]), step)
    return found


def around_mention(text: str, user_id: str) -> tuple[str, str]:
    """Return the text before and after the first mention of this user (or any, if `user_id` is empty).

    Further mentions of them are removed; a text without a mention is returned as the text after it.
    """
    who = re.escape(user_id) or r"[UW]\w+"
    before, *after = re.split(rf"<@{who}(?:\|[^>]*)?>", text)
    return (before, " ".join(after)) if after else ("", before)


def group(typed: str) -> str | None:
    """Return the id of the referenced user group; None if it is not a reference to a group."""
    return _found(_GROUP, typed)


def group_and_handle(typed: str) -> tuple[str, str] | None:
    """Return the id of the referenced user group and its handle, which is empty if Slack did not include it."""
    match = _GROUP.fullmatch(typed)
    return (match[1], match[2] or "") if match else None


def channel(typed: str) -> str | None:
    """Return the id of the referenced channel, which is not checked yet: see `ChannelService.look_up_for`."""
    return _found(_CHANNEL, typed)


def place(typed: str) -> str:
    """Return a user group or channel in Slack's markup, without its name. Raises UserInputError."""
    if found := group(typed):
        return f"<!subteam^{found}>"
    if found := channel(typed):
        return f"<#{found}>"
    raise UserInputError(
        Text("I couldn't find “{typed}”.", typed=typed[:60]),
        Text("Pick a user group or channel from Slack's list."),
    )


def _found(what: re.Pattern[str], typed: str) -> str | None:
    match = what.fullmatch(typed)
    return match[1] if match else None
