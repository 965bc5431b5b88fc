"""What Alembic runs: the migrations, on the connection and in the transaction the store gives it."""

from __future__ import annotations

from alembic import context

from bot.db import schema  # noqa: F401  makes them known to the metadata
from bot.db.column_types import metadata

connection = context.config.attributes["connection"]
# render_as_batch: SQLite cannot alter most of a column in place (https://alembic.sqlalchemy.org/en/latest/batch.html).
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
