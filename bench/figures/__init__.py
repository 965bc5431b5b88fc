"""One file = one figure, found by being in this folder: each has `async def rows() -> list[Row]`."""
