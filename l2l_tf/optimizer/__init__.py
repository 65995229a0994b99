"""`LearnedOptimizer`: update rules as a Keras optimizer."""

from l2l_tf.optimizer.learned import LearnedOptimizer

__all__ = ["LearnedOptimizer"]
