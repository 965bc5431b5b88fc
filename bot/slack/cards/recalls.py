"""Cards about builds that are taken back: the form that asks why, what it does, and the way back; pure."""

from __future__ import annotations

from bot.domain.model import Build, Recall
from bot.slack import blocks
from bot.slack.blocks import Form, Message
from bot.slack.cards.builds import build_value, facts, state, title, unrecall_button
from bot.slack.wording import inline, when

REASON = 300  # characters, which every card shows whole


def ask(build: Build, reason: str = "") -> Form:
    """Why this build is to be taken back."""
    body = (blocks.section(f"*{title(build)}*", fields=facts(build)), _why(reason), _what_it_does())
    return Form("recall.v1", "Recall a build", body, submit="Recall", memory=build_value(build))


def ask_which() -> Form:
    """Which build is to be taken back, and why."""
    body = (
        blocks.pick("App", "recall.app", hint="Type to find an app"),
        blocks.pick("Build", "recall.build", hint="Choose a build"),
        _why(),
        _what_it_does(),
    )
    return Form("recall.v1", "Recall a build", body, submit="Recall")


def _why(reason: str = "") -> blocks.Block:
    return blocks.line_input("Reason", "recall.reason", hint="crash on login", value=reason, optional=False)


def _what_it_does() -> blocks.Block:
    return blocks.context("All its cards will say so, nobody gets it any more, and `unrecall` takes it back.")


def recalled(build: Build, recall: Recall, cards: int, *, pages: bool) -> Message:
    """What taking it back has done, and what it cannot do; `pages`: links lead to claim pages, which are closed."""
    turned = {0: "No channel has a card of it", 1: "One card turns red and says why"}
    done = turned.get(cards, f"{cards} cards turn red and say why")
    closed = ", and claim pages that nobody has used yet are closed" if pages else ""
    lines = (
        f"{done}. Nobody gets it any more{closed}.",
        "Links that Applivery has handed out already cannot be taken back, nor can what is installed.",
    )
    text = f"{title(build)}: {state(build, recall)}."
    body = (blocks.section(f"*{title(build)}*\n{state(build, recall)}\n{lines[0]}"), blocks.context(lines[1]))
    return Message(" ".join((text, *lines)), (*body, _way_back(build)))


def recalled_before(build: Build, recall: Recall) -> Message:
    """Somebody else was first: who, when and why."""
    text = f"<@{recall.by}> recalled {title(build)} {when(recall.at)}: {inline(recall.reason, REASON)}"
    return Message(text, (blocks.section(f"⛔ {text}"), _way_back(build)))


def unrecalled(build: Build, recall: Recall, cards: int) -> Message:
    """It can be had again; what its recall had been."""
    shown = {0: "No channel has a card of it.", 1: "Its card says so."}.get(cards, f"Its {cards} cards say so.")
    text = f"✅ {title(build)} can be had again. {shown}"
    was = f"<@{recall.by}> had recalled it {when(recall.at)}: {inline(recall.reason, REASON)}"
    return Message(f"{text} {was}", (blocks.section(text), blocks.context(was)))


def not_recalled(build: Build) -> Message:
    """There is nothing to take back."""
    return Message(f"{title(build)} is not recalled.")


def _way_back(build: Build) -> blocks.Block:
    return blocks.actions(unrecall_button(build))
