"""Domain types and decisions: no await, no clock, no I/O."""
