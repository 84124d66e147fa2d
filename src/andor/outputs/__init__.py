"""What networks say of masked inputs: masking, evaluation, the cache, rewards, and which samples are explained."""
