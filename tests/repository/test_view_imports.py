"""How many of our modules a view needs to be imported: what it loads is what a reader has to know of."""

from __future__ import annotations

import json
import sys

from tests.repository.shell import ROOT, run

MOST, MEDIAN = 50, 35  # modules; 95 before, when they were larger

COUNT = """
import importlib, json, pkgutil, sys
import bot.slack.views as views

def ours():
    return [name for name in sys.modules if name.partition(".")[0] == "bot"]

loaded = {}
for view in [module.name for module in pkgutil.iter_modules(views.__path__)]:
    for name in ours():
        del sys.modules[name]
    importlib.import_module(f"bot.slack.views.{view}")
    loaded[view] = len(ours())
print(json.dumps(loaded))
"""


def test_a_view_loads_few_modules() -> None:
    done = run(sys.executable, "-c", COUNT, cwd=ROOT)
    assert done.code == 0, done.said
    loaded = json.loads(done.said.splitlines()[-1])
    assert {view: number for view, number in loaded.items() if number > MOST} == {}
    assert sorted(loaded.values())[len(loaded) // 2] <= MEDIAN, loaded
