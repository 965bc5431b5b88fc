"""What axe-core finds wrong with a page for people who cannot see well, cannot hold a mouse, or listen to it.

axe runs inside the page: open it in a context with `**OPEN_TO_AXE`.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

# The page's policy stays as it is for everybody else; these two let a test's own script in.
OPEN_TO_AXE: dict[str, Any] = {"java_script_enabled": True, "bypass_csp": True}


async def violations(page: Page, *, within: str | None = None, except_rules: tuple[str, ...] = ()) -> list[str]:
    """Return every rule of axe-core (WCAG 2.2 A and AA, and its best practices) that is broken, and where.

    `within` is a CSS selector to look in; `except_rules` are ids of https://dequeuniversity.com/rules/axe/4.12.
    """
    options = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
    options["rules"] |= {rule: {"enabled": False} for rule in except_rules}  # type: ignore[index,operator]
    found = await Axe().run(page, context=within, options=options)
    return [
        f"{broken['id']}: {broken['help']}: {node['target']} {node['html'][:200]}"
        for broken in found.response["violations"]
        for node in broken["nodes"]
    ]
