"""The outside world, pretended: Slack, Applivery and a page to watch them in; imports nothing of the bot."""
