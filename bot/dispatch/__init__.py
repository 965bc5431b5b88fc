"""Route Slack's requests to handlers: parse, authorise, call, respond; independent of features."""
