"""From a request of Slack's to a handler and back: parse, authorise, call, respond; knows no feature."""
