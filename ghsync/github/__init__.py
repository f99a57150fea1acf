"""GitHub's API: one client, and a budget, tokens and ETags that all processes share through the database."""
