"""Attacks on the receiver from outside, and how deliveries fare beside them."""
