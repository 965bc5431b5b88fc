"""The fake Applivery: its API, upload, download and dashboard hosts behind one loopback port."""

from sandbox.applivery.models import DownloadToken, FakeApp, FakeBuild, FakeDownload, RecordedRequest
from sandbox.applivery.server import FakeApplivery

__all__ = ["DownloadToken", "FakeApp", "FakeApplivery", "FakeBuild", "FakeDownload", "RecordedRequest"]
