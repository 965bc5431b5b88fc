"""Negotiate the language of a response by `Accept-Language`."""

from __future__ import annotations

import re

from bot import i18n

_WEIGHT = re.compile(r"q=([01](?:\.\d{0,3})?)", re.IGNORECASE | re.ASCII)
MOST = 20  # tags to read; browsers send a handful


def wanted(accept: str, otherwise: str) -> str:
    """Return the supported language that an `Accept-Language` prefers; `otherwise` if it has none, or accepts any.

    https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4
    """
    liked = sorted(map(_liked, accept.split(",")[:MOST]), key=lambda pair: pair[0], reverse=True)
    for weight, tag in liked:
        if weight > 0 and tag == "*":
            return otherwise
        if weight > 0 and (spoken := i18n.locale_of(tag)):
            return spoken
    return otherwise


def _liked(part: str) -> tuple[float, str]:
    """Return the weight of a tag; 0 if it is invalid."""
    tag, *parameters = (text.strip() for text in part.split(";"))
    if not parameters:
        return 1.0, tag
    weight = _WEIGHT.fullmatch(parameters[0])
    return float(weight[1]) if weight else 0.0, tag
