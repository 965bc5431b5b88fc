"""Facts to messages: one file for each message, modal or tab; pure."""
