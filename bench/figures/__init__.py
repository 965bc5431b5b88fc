"""Figures: each module in this package has `async def rows() -> list[TableRow]`."""
