"""Payloads and answers that are made from GitHub's own schemas, and what becomes of them."""
