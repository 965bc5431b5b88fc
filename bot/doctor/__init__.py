"""What is wrong and what to do about it: one check per function, each a line in the report."""
