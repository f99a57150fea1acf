"""What GraphQL answers, read into the same payloads that hooks and REST bring."""
