"""Names of tasks, and their arguments as text: `digits_mlp(hidden=20,activation=relu)`."""

from l2l_tf.core.registry import Registry

TASKS = Registry("task")
register_task, names, get = TASKS.register, TASKS.names, TASKS.from_spec
