"""How quality and cost scale with the size of what is optimised."""
