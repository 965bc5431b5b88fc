"""What Slack refuses, told apart by a table of its limits."""

from sandbox.slack.validation.surfaces import (
    SlackApiError,
    block_faults,
    check_blocks,
    check_message,
    check_options,
    check_submission,
    check_view,
    walk,
)

__all__ = [
    "SlackApiError",
    "block_faults",
    "check_blocks",
    "check_message",
    "check_options",
    "check_submission",
    "check_view",
    "walk",
]
