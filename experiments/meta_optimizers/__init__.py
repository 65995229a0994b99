"""What meta-gradients are given to: Adam, learned optimizers, and rules that train each other."""
