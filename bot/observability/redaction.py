"""Remove credentials from text before it is logged."""

from __future__ import annotations

import re
from typing import Any

# Credentials that are recognised by their format, from any logger.
_SECRETS = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+"  # Slack tokens
    r"|(?<=[Bb]earer )\S+"
    r"|(?<=/download/)[^/\s?\"'<>]+"  # Applivery download tokens
    r"|(?<=/webhooks/applivery/)[^/\s?\"'<>]+"
    r"|(?<=/b/)[\w-]{16,}"  # claim tickets
    r"|(?<=/services/)[\w/]+|(?<=/commands/)[\w/]+|(?<=/actions/)[\w/]+"  # Slack's response addresses
    r"|(?<=ticket=)[^&\s\"'<>]+"  # Socket Mode
    r"|(?<=://)[^/\s:@]*:[^/\s]+(?=@)"  # user:password in a database address
    r"|(?<=password=)[^&\s\"'<>]+"
    r"|(?<=[Ss]ignature=)[^&\s\"'<>]+"  # signed download URLs
)


HIDDEN = "[redacted]"


class Redactor:
    """Removes secrets from text: by format, and the exact values that were added."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def learn(self, *secrets: str | None) -> None:
        """Redact these exact values too, except very short ones, which would redact words."""
        self._known.update(secret for secret in secrets if secret and len(secret) >= 6)

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in self._known:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return _SECRETS.sub(HIDDEN, text)

    def value(self, value: Any) -> Any:
        """Return any loggable value without secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.value(inner) for inner in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))


redactor = Redactor()
