"""References to people, user groups and channels in what was typed."""

from __future__ import annotations

import re

from bot.exceptions import UserInputError
from bot.i18n import Text

# Slack writes references so in a command whose text it escapes, and a user may type the same by hand: only what all
# members can see is accepted, for all else Slack is asked.
# https://docs.slack.dev/interactivity/implementing-slash-commands#escaping_users_warning
_PERSON = re.compile(r"<@([UW][A-Za-z0-9_]+)(?:\|[^>]*)?>")
_PERSON_ID = re.compile(r"([UW][A-Z0-9_]{3,})")
_GROUP = re.compile(r"<!subteam\^(S[A-Za-z0-9_]+)(?:\|@?([^>]*))?>")
_CHANNEL = re.compile(r"<#([CG][A-Za-z0-9_]+)(?:\|[^>]*)?>")


def person(typed: str) -> str | None:
    """Return the id of the person that was meant; None when it is no reference to one."""
    return _found(_PERSON, typed)


def required_person(typed: str) -> str:
    """Return the id of the person that was meant, by a reference or by a bare id. Raises UserInputError."""
    found = person(typed) or _found(_PERSON_ID, typed)
    if found is None:
        step = Text("Type @ and pick the person from Slack's list.")
        raise UserInputError(Text("I couldn't find “{who}”.", who=typed[:60]), step)
    return found


def around_mention(text: str, user_id: str) -> tuple[str, str]:
    """Return what stands before the first mention of this user, or of any one when `user_id` is empty, and what after
    it, without further mentions of them; a text without one stands after it.
    """
    who = re.escape(user_id) or r"[UW]\w+"
    before, *after = re.split(rf"<@{who}(?:\|[^>]*)?>", text)
    return (before, " ".join(after)) if after else ("", before)


def group(typed: str) -> str | None:
    """Return the id of the user group that was meant; None when it is no reference to one."""
    return _found(_GROUP, typed)


def group_and_handle(typed: str) -> tuple[str, str] | None:
    """Return the id of the user group that was meant, and its handle, which is empty when Slack did not write it."""
    match = _GROUP.fullmatch(typed)
    return (match[1], match[2] or "") if match else None


def channel(typed: str) -> str | None:
    """Return the id of the channel that was meant, which is not checked yet: see `ChannelService.look_up_for`."""
    return _found(_CHANNEL, typed)


def place(typed: str) -> str:
    """Return a user group or channel as Slack writes it, without its name. Raises UserInputError."""
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
