"""What we remember: subscriptions, stages, announcements, the audit; `store.Store` is the way in."""
