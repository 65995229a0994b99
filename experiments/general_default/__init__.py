"""Aids to meta-training the general default; what they showed stands in experiments/general.md."""
