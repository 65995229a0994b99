"""What a meta-training run is, besides rule, tasks and estimator."""

from l2l_tf.core import renamed
from l2l_tf.core.config import (
    Configured,
    among,
    boolean,
    choice,
    integer,
    number,
    other_than,
    setting,
    several,
)
from l2l_tf.meta.meta_optimizer import check_meta_optimizer
from l2l_tf.meta.refresh import SCHEDULES

# Those that a run which is begun anew may change: what was traced knows nothing of them.
RESTARTED = (
    *("meta_steps", "meta_learning_rate", "meta_optimizer", "meta_update_scale", "clip_norm"),
    *("refresh", "refresh_gap", "validate_every", "patience", "checkpoint_every", "seed"),
)

SAMPLINGS = ("fixed", "log_uniform")


class Settings(Configured):
    """Settings of a meta-training run; `help` says what each of them means.

    Raises:
        ValueError: If one is out of range.
    """

    earlier_arguments = renamed.FIELDS

    meta_steps: int = integer(1000, min=1, help="Meta-updates in all.")
    meta_learning_rate: float = number(
        3e-3,
        min=0,
        help="Adam's learning rate, decayed to a tenth along a cosine.",
        when={"meta_optimizer": among("adam")},
    )
    meta_optimizer: str = setting(
        "adam",
        check_meta_optimizer,
        help="What meta-gradients are given to: adam; preset:NAME, a learned optimizer; self, the "
        "rule as it is in training; dual, a second one (--partner), which this one trains in turn.",
    )
    meta_update_scale: float = number(
        1.0,
        above=0,
        help="Factor of the updates of a meta-optimizer that is learned.",
        when={"meta_optimizer": other_than("adam")},
    )
    clip_norm: float = number(1.0, above=0, help="Largest global norm of a meta-gradient.")
    ema_decay: float = number(
        0.0,
        min=0,
        below=1,
        help="Decay of the exponential moving average of the meta-parameters that is validated "
        "and kept; after t meta-steps at most (1 + t) / (10 + t). 0: none.",
    )
    trajectories: tuple[int, ...] = several(
        (100,),
        integer(
            None,
            min=1,
            flag="trajectory",
            help="Length of an optimizee's run; repeated: a curriculum, in the order given.",
        ),
    )
    trajectory_sampling: str = choice(
        "fixed",
        SAMPLINGS,
        help="Whether a run has its curriculum's length, or one drawn from the unroll up to it.",
    )
    validation_trajectory: int = integer(0, help="Steps of a validation; 0: the longest.")
    validate_every: int = integer(100, min=1, help="Meta-steps between validations.")
    num_validation_tasks: int = integer(8, min=1, help="Optimizees per validation task.")
    patience: int = integer(0, help="Validations without improvement before stopping; 0: never.")
    checkpoint_every: int = integer(100, min=1, help="Meta-steps between checkpoints.")
    refresh: str = choice(
        "always",
        SCHEDULES,
        help="Which unrolls of a run have a meta-gradient: always; growing, its 1st, 2nd, 4th, 8th "
        "…; plateau, where the loss no longer falls. The others only train the optimizees.",
    )
    refresh_gap: int = integer(
        8,
        min=1,
        help="Unrolls from a meta-gradient to the next, at most (growing, plateau).",
        when={"refresh": other_than("always")},
    )
    seed: int = integer(0, max=2**31 - 1, help="Seed of everything.")
    jit_compile: bool = boolean(
        True,
        help="Compile meta-steps with XLA, for tasks that gain by it (`Task.jit_compile`). That "
        "takes seconds to minutes at the start; --nojit_compile, for short runs, does without it.",
    )
