"""What operators do. Each act is in the audit log, with who did it: in its transaction, or before one that is long."""
