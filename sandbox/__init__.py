"""A fake Slack, a fake Applivery and a page that shows them; imports nothing of the bot."""
