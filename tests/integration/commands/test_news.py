"""*What's new*: the whole changelog, and what came since the build the asker has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Environment
from tests.support.handing import Clock, mints, ready, seen, start_with_page
from tests.support.seeing import labels, old_card, press


@pytest.fixture
def world(database: str, world: Environment) -> Environment:
    """On each kind of database."""
    world.database = database
    return world


def build(world: Environment, minor: int, **about: Any) -> Any:
    """Courier 2.4.<minor>."""
    return ready(
        world, **{"version": f"2.4.{minor}", "number": str(100 + minor), "changelog": f"note {minor}", **about}
    )


async def test_the_whole_changelog_comes_to_the_asker_alone(world: Environment) -> None:
    await world.start()
    lines = [f"{number}. Fix the crash when <{number}> & *more* happens" for number in range(150)]
    build(world, 0, changelog="\n".join(lines))
    answer = await world.ask("news courier", user=world.bruno)
    assert answer.ephemeral_to == world.bruno.id
    assert answer.text.startswith("What's new in Courier 2.4.0 (100) for iOS: Fix")
    for number in range(150):
        assert f"Fix the crash when &lt;{number}&gt; &amp; more happens" in seen(answer)
    assert labels(answer) == ["Get build", "Open in Applivery"]
    assert mints(world) == 0


async def test_one_endless_line_is_shown_whole_and_a_book_page_by_page(world: Environment) -> None:
    await world.start()
    build(world, 0, changelog="&" * 1500 + "END")
    assert "END" in seen(await world.ask("news courier"))
    lines = [f"{number} {'word ' * 20}".strip() for number in range(900)]
    build(world, 1, changelog="\n".join(lines))
    book = await world.ask("news courier")
    read = []
    while True:
        assert len(str(book.blocks)) < 16_000
        read += [line[1:] for line in seen(book).splitlines() if line.startswith(">")]
        if "More" not in labels(book):
            break
        book = await (await press(world.slack, book, "More", user=world.ana)).answer()
    assert read == lines, "nothing is lost between the pages"


async def test_the_button_on_a_card_says_the_same(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    build(world, 0)
    await world.look()
    [card] = world.slack.messages(world.releases)
    before = card.blocks
    answer = await (await press(world.slack, card, "What's new", user=world.bruno)).answer()
    assert answer.ephemeral_to == world.bruno.id
    assert ">note 0" in seen(answer)
    assert card.blocks == before


async def test_news_starts_at_asker_build_and_tells_what_followed(world: Environment) -> None:
    Clock(world)
    await world.start()
    build(world, 0)
    await world.ask("get courier", user=world.bruno)
    for minor in (1, 2, 3):
        build(world, minor)
    answer = await world.ask("news courier", user=world.bruno)
    text = seen(answer)
    assert "Since 2.4.0 (100) iOS · release/2.4, which you got <!date^" in text
    at = [text.index(f"note {minor}") for minor in (3, 2, 1)]
    assert at == sorted(at), "newest first"
    assert "note 0" not in text, "that one they have"
    assert "since 2.4.0 (100)" in answer.text
    other = seen(await world.ask("news courier"))
    assert "which you got" not in other, "Ana has none"
    assert "note 2" not in other


async def test_news_base_is_newest_other_build_of_asker(world: Environment) -> None:
    """The requested build itself does not count."""
    await world.start()
    for minor in (0, 1, 2):
        build(world, minor)
    for typed in ("get courier #101", "get courier #100", "get courier #102"):
        await world.ask(typed)
    text = seen(await world.ask("news courier"))
    assert "Since 2.4.1" in text
    assert "note 1" not in text


async def test_a_link_that_was_not_given_counts_for_nothing(world: Environment) -> None:
    await world.start(links_per_minute=1)
    build(world, 0)
    build(world, 1)
    await world.ask("get courier #101")
    assert "too many links" in (await world.ask("get courier #100")).text
    assert "which you got" not in seen(await world.ask("news courier"))


async def test_a_claim_page_counts_as_got(world: Environment) -> None:
    await start_with_page(world)
    build(world, 0)
    await world.ask("get courier")
    build(world, 1)
    assert "Since 2.4.0" in seen(await world.ask("news courier"))


async def test_other_platforms_and_other_branches_are_no_news(world: Environment) -> None:
    await world.start()
    build(world, 0)
    await world.ask("get courier")
    build(world, 1, os="android")
    build(world, 2, branch="feature/cart")
    build(world, 3, status="error")
    build(world, 4, branch="release/2.5")
    build(world, 5, branch="release/2.6")
    text = seen(await world.ask("news courier"))
    assert [minor for minor in range(6) if f"note {minor}" in text] == [4, 5]
    android = seen(await world.ask("news courier #101"))
    assert "which you got" not in android


async def test_many_builds_between_are_on_the_next_page(world: Environment) -> None:
    await world.start()
    build(world, 0)
    await world.ask("get courier")
    for minor in range(1, 17):
        build(world, minor)
    answer = await world.ask("news courier")
    first = seen(answer)
    rest = seen(await (await press(world.slack, answer, "More", user=world.ana)).answer())
    assert "(1 of 2)" in first
    assert "(2 of 2)" in rest
    assert all(f"note {minor}" in f"{first}\n{rest}" for minor in range(1, 17))


async def test_a_build_had_long_ago_is_still_what_it_is_since(world: Environment) -> None:
    await world.start()
    build(world, 0)
    await world.ask("get courier 2.4.0")
    for minor in range(1, 130):
        build(world, minor)
    assert "Since 2.4.0" in seen(await world.ask("news courier"))


async def test_where_nothing_was_written_it_says_so_with_what_is_known(world: Environment) -> None:
    await world.start()
    build(world, 0, changelog="")
    await world.ask("get courier")
    build(world, 1, changelog="", commit_message="Sort by street")
    build(world, 2, changelog=" ", commit="abcdef1234567", commit_message="Fix login\n\nIt crashed <twice>.")
    answer = await world.ask("news courier")
    assert answer.text.startswith("What's new in Courier 2.4.2")
    assert "No changelog" in answer.text
    text = seen(answer)
    assert "No changelog." in text
    assert "Fix login It crashed &lt;twice&gt;." in text
    assert "release/2.4" in text
    assert "Sort by street" in text


async def test_a_recalled_build_says_so_and_has_no_link_here(world: Environment) -> None:
    await world.start()
    build(world, 0)
    await world.ask("get courier")
    build(world, 1)
    build(world, 2)
    await world.ask("recall courier #101 bad")
    text = seen(await world.ask("news courier"))
    assert "⛔ recalled: bad" in text
    await world.ask("recall courier #102 worse")
    answer = await world.ask("news courier #102")
    assert "⛔ recalled: worse" in seen(answer)
    assert "Get build" not in labels(answer)


async def test_news_reads_one_list_page_and_none_without_a_build(world: Environment) -> None:
    await world.start()
    build(world, 0)
    found = build(world, 1)
    card = old_card(world.slack, world.releases, "news.v1", f"{world.courier.id}/{found.id}")
    await world.bot.dispatcher.services.apps.apps()

    async def asked() -> list[str]:
        before = len(world.applivery.requests)
        turn = await world.slack.click(card, "news.v1", user=world.ana)
        await turn.answer()
        return [request.path for request in world.applivery.requests[before:]]

    assert len(await asked()) == 1
    await world.ask("get courier #100")
    assert len(await asked()) == 2


async def test_a_button_that_says_nothing_is_answered(world: Environment) -> None:
    await world.start()
    card = old_card(world.slack, world.releases, "news.v1", "x")
    turn = await world.slack.click(card, "news.v1", user=world.ana)
    assert "out of date" in (await turn.answer()).text
