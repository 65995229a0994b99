"""Rules that were meta-trained on one kind of net or problem, on all others."""
