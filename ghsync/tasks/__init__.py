"""Tasks, and the links between tasks and GitHub."""
