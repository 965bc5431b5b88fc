"""All tests; what holds for each of them is set here, before anything else of ours is imported."""

import os
import sys

import hypothesis

# The tests start some hundred processes: what one compiles is there for the next, which then starts in half the time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# In CI the same examples every time; elsewhere new ones, and few of them for `make unit`. How many a rule is tried with
# is said here alone. How long one takes tells of the machine, not of the bot.
_SLOW = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("dev", deadline=None, max_examples=60, suppress_health_check=_SLOW)
hypothesis.settings.register_profile("quick", hypothesis.settings.get_profile("dev"), max_examples=8)
hypothesis.settings.register_profile("thorough", hypothesis.settings.get_profile("dev"), max_examples=1000)
hypothesis.settings.register_profile(
    "ci", hypothesis.settings.get_profile("dev"), derandomize=True, database=None, print_blob=True
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")
