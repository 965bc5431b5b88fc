"""References to people, user groups and channels in what was typed."""

from __future__ import annotations

import re

# Slack writes references so in a command whose text it escapes, and a user may type the same by hand: only what all
# members can see is accepted, for all else Slack is asked.
# https://docs.slack.dev/interactivity/implementing-slash-commands#escaping_users_warning
_PERSON = re.compile(r"<@([UW][A-Za-z0-9_]+)(?:\|[^>]*)?>")
_GROUP = re.compile(r"<!subteam\^(S[A-Za-z0-9_]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#([CG][A-Za-z0-9_]+)(?:\|[^>]*)?>")


def person(typed: str) -> str | None:
    """The id of the person that was meant; None when it is no reference to one."""
    return _found(_PERSON, typed)


def group(typed: str) -> str | None:
    """The id of the user group that was meant; None when it is no reference to one."""
    return _found(_GROUP, typed)


def channel(typed: str) -> str | None:
    """The id of the channel that was meant, which is not checked yet: see `ChannelService.look_up_for`."""
    return _found(_CHANNEL, typed)


def _found(what: re.Pattern[str], typed: str) -> str | None:
    match = what.fullmatch(typed)
    return match[1] if match else None
