"""Fixtures of the tests of whole messages and pages."""

from tests.support.pane import pane

__all__ = ["pane"]
