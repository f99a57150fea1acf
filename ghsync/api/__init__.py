"""What programs and people may do over HTTP, with a key."""
