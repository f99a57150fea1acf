"""What operators do. Each act is written to the audit log in its transaction, with whoever did it."""
