"""What an optimizer costs: operations, memory, time, and when it pays back."""

from l2l_tf.evaluation.cost.flops import flops
from l2l_tf.evaluation.cost.measured import measured
from l2l_tf.evaluation.cost.pay_back import PayBack, over_tasks, pay_back
from l2l_tf.evaluation.cost.report import CostReport
from l2l_tf.evaluation.cost.run import cost_report
from l2l_tf.evaluation.cost.train_step import TrainStep, state_bytes

__all__ = [
    "CostReport",
    "PayBack",
    "TrainStep",
    "cost_report",
    "flops",
    "measured",
    "over_tasks",
    "pay_back",
    "state_bytes",
]
