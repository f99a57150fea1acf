"""Tracking: what is derived from the mirror about every pull request."""
