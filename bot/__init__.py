"""The Slack bot for teams that ship mobile apps with Applivery."""

__version__ = "0.1.0"
