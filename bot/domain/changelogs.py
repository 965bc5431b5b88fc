"""Split changelogs: the start for a card, and the whole in pieces for a thread."""

from __future__ import annotations

from bot.i18n import Text, joined

START = 300  # characters of a changelog on a card
PIECE = 2500  # characters in one message
PIECES = 5  # messages in a thread; a longer changelog is shown page by page


def pieces(changelog: str) -> tuple[str | Text, ...]:
    """Split the whole changelog into pieces between lines; empty if a card shows all of it.

    The last piece ends with a note if the changelog is longer than `PIECES` pieces.
    """
    text = changelog.strip()
    if len(text) <= START:
        return ()
    found: list[str | Text] = []
    piece = ""
    for line in (part for whole in text.splitlines() for part in _short(whole)):
        if piece and len(piece) + len(line) + 1 > PIECE:
            found.append(piece)
            piece = ""
        piece = f"{piece}\n{line}" if piece else line
    found.append(piece)
    if len(found) > PIECES:
        rest = Text("… Read the rest under *What's new* in the card's ⋯ menu.")
        found = [*found[: PIECES - 1], joined("\n", (found[PIECES - 1], rest))]
    return tuple(found)


def _short(line: str) -> list[str]:
    return [line[at : at + PIECE] for at in range(0, len(line), PIECE)] or [""]
