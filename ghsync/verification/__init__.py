"""Verification: whether the mirror is what its inbox and its change feed say."""
