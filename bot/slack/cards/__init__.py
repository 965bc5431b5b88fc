"""Facts → Message: every sentence the bot says, a file per noun; pure."""
