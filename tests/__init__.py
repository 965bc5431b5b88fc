"""All tests; what holds for each of them is set here, before anything else of ours is imported."""

import os
import sys

import hypothesis

# The tests start some hundred processes: what one compiles is there for the next, which then starts in half the time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# In CI the same examples every time; elsewhere new ones. How long one takes tells of the machine, not of the bot.
_SLOW = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("dev", deadline=None, suppress_health_check=_SLOW)
hypothesis.settings.register_profile(
    "ci", derandomize=True, database=None, deadline=None, max_examples=60, print_blob=True, suppress_health_check=_SLOW
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")
