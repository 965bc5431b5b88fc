"""How we hear and appear in Slack."""
