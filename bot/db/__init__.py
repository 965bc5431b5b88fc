"""What is stored: subscriptions, builds, the outbox, the audit trail."""
