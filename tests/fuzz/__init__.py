"""The fuzz: everything this bot can be asked, asked wrongly, for as long as one likes: `python -m tests.fuzz`."""
