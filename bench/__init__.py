"""Speed and size of the bot, next to a bare Bolt app that does the same, and others: `make bench`."""
