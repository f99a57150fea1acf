"""Faults, one at a time, while GitHub delivers: what is lost, and how soon all is well again."""
