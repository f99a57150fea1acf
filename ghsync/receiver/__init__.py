"""The receiver: bytes in, verified deliveries out."""
