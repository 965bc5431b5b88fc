"""Speed and size of the bot, next to a bare Bolt app that only acknowledges: `make bench`."""
