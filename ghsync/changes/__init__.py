"""Changes: the gap-free feed of what was written."""
