"""The mirror: one file per noun of GitHub."""
