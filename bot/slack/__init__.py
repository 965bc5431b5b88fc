"""The Slack edge: client, errors, Socket Mode, blocks and views."""
