"""Subcommands: one module for each, with its buttons and its form."""
