"""Mutated deliveries, rightly signed, for a real `ghsync serve`: `make fuzz`."""
