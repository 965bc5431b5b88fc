"""What Slack refuses, told apart by a table of its limits."""

from sandbox.slack.validation.surfaces import (
    Refused,
    block_faults,
    check_blocks,
    check_message,
    check_options,
    check_submission,
    check_view,
    walk,
)

__all__ = [
    "Refused",
    "block_faults",
    "check_blocks",
    "check_message",
    "check_options",
    "check_submission",
    "check_view",
    "walk",
]
