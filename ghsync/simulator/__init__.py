"""A simulated GitHub: its state, what can be done to it, and the deliveries it would send for that."""
