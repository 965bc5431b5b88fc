"""The bot and what stands beside it, all alive at once and asked in turn: what else the machine does meets all."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bench.processes import BARE, BEFORE, NODE, OURS, ROOT, RunningProcess, app

FLOOR = ("bench.floor",)
BOLT_JS = ROOT / "bench/bolt_js"
INSTALLED = ROOT / "build/bolt_js"
NPM_SECONDS = 120


@asynccontextmanager
async def variants(world: int) -> AsyncIterator[dict[str, RunningProcess]]:
    """`ours`, `bare`, `floor`, where npm reaches a registry `bolt-js`, and an earlier version of ours as `before`."""
    words = {"ours": (OURS, ROOT), "bare": (BARE, ROOT), "floor": (FLOOR, ROOT)}
    if BEFORE:
        words["before"] = (OURS, BEFORE)
    if await _bolt_js():
        words["bolt-js"] = ((str(INSTALLED / "app.mjs"),), ROOT)
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(app(word, world, root)) for name, (word, root) in words.items()}


async def _bolt_js() -> bool:
    """Install bolt-js into build/ once; returns whether it is there."""
    npm = NODE.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    if not npm.exists():
        return False
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "app.mjs"):
        shutil.copy(BOLT_JS / name, INSTALLED / name)
    if not Path(INSTALLED, "node_modules/@slack/bolt").exists():
        certificates = {"NODE_EXTRA_CA_CERTS": os.environ.get("SSL_CERT_FILE", "")}
        process = await asyncio.create_subprocess_exec(
            *(str(NODE), str(npm), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"),
            cwd=INSTALLED,
            env={**os.environ, **certificates},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(NPM_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
    return Path(INSTALLED, "node_modules/@slack/bolt").exists()
