"""Two nets against each other: how sturdy optimizers are where the loss is another's move."""
