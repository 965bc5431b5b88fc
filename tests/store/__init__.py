"""The store's tests: the same ones on SQLite and on PostgreSQL."""
