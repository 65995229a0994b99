"""Meta-training: what turns tasks into the weights of a rule."""
