"""`python -m bot` is `applivery-bot`."""

from bot.cli import main

main()
