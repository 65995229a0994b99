"""What the optimizers and the meta-training cost."""
