"""What axe-core finds wrong with a page for people who cannot see well, cannot hold a mouse, or listen to it.

axe runs inside the page: open it in a context with `**OPEN_TO_AXE`.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

# The page's policy stays as it is for everybody else; these two let a test's own script in.
OPEN_TO_AXE: dict[str, Any] = {"java_script_enabled": True, "bypass_csp": True}


async def violations(page: Page, *, of_colors: bool = False) -> list[str]:
    """Return every rule of axe-core (WCAG 2.2 A and AA, and its best practices) that is broken, and where.

    `of_colors` asks only the rules about colors: what else there is does not change with the color scheme.
    """
    options: dict[str, Any] = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
    if of_colors:
        options = {"resultTypes": ["violations"], "runOnly": ["cat.color"]}
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found = await page.evaluate("async options => (await axe.run(options)).violations", options)
    return [
        f"{broken['id']}: {broken['help']}: {node['target']} {node['html'][:200]}"
        for broken in found
        for node in broken["nodes"]
    ]
