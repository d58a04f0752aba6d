"""Ray actors and the pool that hands them shards."""
