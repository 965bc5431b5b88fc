"""Logging, redaction and metrics."""
