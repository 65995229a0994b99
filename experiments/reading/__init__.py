"""What shipped optimizers do along a run: sizes and directions of steps, states, memories."""
