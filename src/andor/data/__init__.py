"""Data sets as tidy tables, and the players and targets of their items."""
