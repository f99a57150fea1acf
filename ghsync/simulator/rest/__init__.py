"""The REST API, one module for each family of addresses.

A handler takes what was asked and gives what GitHub would answer, or raises `Refused` or `Moved`. It knows nothing of
HTTP, rate limits or faults: `server` adds them.
"""
