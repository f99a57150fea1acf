"""What can be done on the simulated GitHub: one module for each kind of thing.

Every function takes the world first and who does it as `by`, changes the state, and sends the deliveries that GitHub
would send, in GitHub's order. Nothing here looks at a delivery again.
"""
