"""Aids to meta-training the general default; what they showed stands in README.md."""
