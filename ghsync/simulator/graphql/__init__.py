"""The GraphQL API of the simulated GitHub, over the same state as everything else."""
