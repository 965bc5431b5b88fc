"""JSON spoiled: keys that are missing, values of the wrong type, text that breaks things."""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from tests.fuzz.words import HOSTILE

Place = tuple[Any, Any]  # what holds it, and the key or index it is held under


def places(part: Any) -> Iterator[Place]:
    """Every value inside, by what holds it."""
    inside = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, item in inside:
        yield part, key
        yield from places(item)


def spoiled(payload: Any, chance: random.Random, keep: tuple[str, ...] = ()) -> tuple[Any, list[str]]:
    """A copy in which one to three things are wrong, and what that is; what is under the names to keep stays."""
    payload, done = deepcopy(payload), []
    for _ in range(chance.choice((1, 1, 2, 3))):
        there = [(holder, key) for holder, key in places(payload) if key not in keep]
        if not there:
            break
        holder, key = chance.choice(there)
        if chance.random() < 0.25 and isinstance(holder, dict):
            del holder[key]
            done.append(f"-{key}")
        else:
            holder[key] = wrong(holder[key], chance)
            done.append(f"{key}={str(holder[key])[:40]!r}")
    return payload, done


def wrong(value: Any, chance: random.Random) -> Any:
    """Something else in place of a value."""
    return chance.choice(
        (
            None, True, 0, -1, 1e308, 2**70, [], {}, [None], [value], {"id": value}, {"value": value}, str(value),
            chance.choice(HOSTILE), chance.choice(HOSTILE), chance.choice(HOSTILE),
        )
    )  # fmt: skip
