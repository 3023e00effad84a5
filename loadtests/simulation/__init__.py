"""The batching core in virtual time, beside clairvoyant oracles and the policies of other servers."""
