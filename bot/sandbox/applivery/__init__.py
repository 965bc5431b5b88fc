"""The pretended Applivery: its API, upload, download and dashboard hosts behind one loopback port."""

from bot.sandbox.applivery.records import PretendedApp, PretendedBuild, PretendedDownload, Request, Token
from bot.sandbox.applivery.server import PretendedApplivery

__all__ = ["PretendedApp", "PretendedApplivery", "PretendedBuild", "PretendedDownload", "Request", "Token"]
