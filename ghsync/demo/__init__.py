"""The demo: the real parts and a simulated GitHub on one machine, and the scenes that are played on them."""
