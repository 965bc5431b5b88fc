"""Times as people type them: a moment ahead, a period, a schedule; pure."""
