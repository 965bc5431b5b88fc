"""Door 2, a clock ticks: each file has one step."""
