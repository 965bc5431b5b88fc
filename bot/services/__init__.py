"""Use cases without Slack's or HTTP's types: links, reports, access, uploads, the list of apps, webhooks."""
