"""How ghsync is released: what it needs at run time is listed and judged, and a commit is made a version."""
