"""The paper's experiments, and those that a review of it asked for."""
