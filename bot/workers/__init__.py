"""Background workers: each file has one `step`."""
