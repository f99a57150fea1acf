"""ghsync mirrors GitHub into PostgreSQL."""
