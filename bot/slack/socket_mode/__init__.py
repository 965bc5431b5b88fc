"""Slack's Socket Mode: one connection, and the pool that keeps enough of them open."""
