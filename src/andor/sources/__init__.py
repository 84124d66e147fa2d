"""Sources: data sets and pretrained models, fetched once, verified, never executed."""
