"""The frame round the bot: make, locks, imports, image, compose, CI."""
