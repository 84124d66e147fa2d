"""Sampled games: sparse interactions from values on a list of coalitions, with a proof."""
