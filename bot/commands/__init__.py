"""Door 1, a person types: one file is one subcommand with its buttons and its form."""
