"""Alembic's folder: how the tables came to be, one version after the other."""
