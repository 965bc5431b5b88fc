"""A changelog, cut where it must be: its start for a card, and the whole in pieces for a thread."""

from __future__ import annotations

from bot.i18n import Text, joined

START = 300  # characters of it on a card
PIECE = 2500  # characters in one message
PIECES = 5  # messages in a thread; what is longer is read page by page


def pieces(changelog: str) -> tuple[str | Text, ...]:
    """Split the whole changelog into readable pieces, between lines; empty when a card shows all of it.

    The last piece ends with a note when there is more than `PIECES` hold.
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
