"""`LearnedOptimizer`: update rules as a Keras optimizer."""

from l2l_tf.optimizer import keras_extensions
from l2l_tf.optimizer.learned import LearnedOptimizer
from l2l_tf.optimizer.run_length import RunLength
from l2l_tf.optimizer.summaries import OptimizerSummaries

__all__ = ["LearnedOptimizer", "OptimizerSummaries", "RunLength"]

keras_extensions.install()
