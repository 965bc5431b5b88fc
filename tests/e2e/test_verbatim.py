"""Whatever the bot shows of what Applivery says, it shows as it is: looked for in everything it ever says."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from bot.i18n.verbatim import CLOSE, OPEN
from tests.conftest import Environment
from tests.support import shown
from tests.support.everything import everything
from tests.support.seeing import every_message

# Everything that Slack formats, replaces, links or pings, and what looks like it but is another character
AWKWARD = "Qñz_a_ *b* ~c~`d`:x:<!here>&＿"
# Where builds and apps have words of their own
WORDS = ("branch", "tag", "commitMessage", "changelog", "firstName", "lastName", "originalFileName")


def awkward(body: Any) -> Any:
    """The same answer with these words in it wherever there are any."""
    if isinstance(body, list):
        return [awkward(item) for item in body]
    if not isinstance(body, dict):
        return body
    changed = {
        key: f"{AWKWARD} {value}" if key in WORDS and isinstance(value, str) and value else awkward(value)
        for key, value in body.items()
    }
    return changed | ({"tags": [AWKWARD]} if isinstance(body.get("tags"), list) else {})


def texts(world: Environment) -> Iterator[str]:
    """Every text that somebody saw: messages with their notifications, forms, the Home tab and menus."""
    for message in every_message(world.slack):
        raw, formatted = html.unescape(message.text), shown.mrkdwn(message.text)
        yield formatted if whole(formatted) else raw
        yield from shown.texts(message.blocks)
    for view in (*world.slack.modals.views.values(), *world.slack.modals.homes.values()):
        yield from shown.texts(view.blocks)
    yield from shown.texts(list(world.slack.person.suggested.values()))


def whole(text: str) -> bool:
    """Whether what is awkward stands in a text as it is, or as far as there is room for it."""
    starts = [at for at in range(len(text)) if text.startswith("Qñz", at)]
    return all(_whole(text[at : at + len(AWKWARD)]) for at in starts)


def _whole(part: str) -> bool:
    return part == AWKWARD or ("…" in part and AWKWARD.startswith(part.partition("…")[0].rstrip()))


async def test_everything_is_shown_as_it_is(world: Environment) -> None:
    world.courier["name"] = f"{AWKWARD} Courier"
    world.applivery.reshape("GET /v1/*", awkward)
    await world.start(links_per_minute=1000, links_per_hour=1000)
    await everything(world)
    every = list(texts(world))
    changed = [text for text in every if not whole(text)]
    assert not changed, changed[:5]
    assert sum(AWKWARD in text for text in every) > 300
    assert not [text for text in every if {OPEN, CLOSE} & set(text)]
