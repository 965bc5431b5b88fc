"""The pretended Applivery: its API, upload, download and dashboard hosts behind one loopback port."""

from sandbox.applivery.models import PretendedApp, PretendedBuild, PretendedDownload, Request, Token
from sandbox.applivery.server import PretendedApplivery

__all__ = ["PretendedApp", "PretendedApplivery", "PretendedBuild", "PretendedDownload", "Request", "Token"]
