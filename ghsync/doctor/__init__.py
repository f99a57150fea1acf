"""What `ghsync doctor` looks at: one finding a check, and what is to be done where it is not well."""
