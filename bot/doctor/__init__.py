"""Checks of the installation: one function per check, each with a result and a fix in the report."""
