"""`LearnedOptimizer`: a Keras optimizer whose update rule was learned."""

import os
from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from l2l_tf import presets, rules
from l2l_tf.optimizer.backends import BACKEND
from l2l_tf.optimizer.resolution import resolve, restore
from l2l_tf.optimizer.rule_optimizer import RuleOptimizer


@keras.saving.register_keras_serializable(package="l2l_tf")
class LearnedOptimizer(RuleOptimizer):
    """A Keras optimizer whose updates come from an `UpdateRule`, learned or hand-crafted.

    ```python
    model.compile(optimizer=LearnedOptimizer(), loss="sparse_categorical_crossentropy")
    model.fit(x, y)
    ```

    The rule's state lives in slot variables of every trainable variable; its
    meta-parameters, which training never changes, are saved with it but are not among
    `variables`. A step whose gradients hold NaN or Inf changes nothing but `iterations`
    and `skipped_steps`; with `nonfinite="raise"` training ends there. Embedding gradients
    (`IndexedSlices`) are made dense: the state of every row advances.

    Args:
        learning_rate: Float, int, schedule or callable. Multiplies a learned rule's update
            (None: 1). A rule that has a `learning_rate` of its own gets this one instead
            (None: keeps its own): `LearnedOptimizer(0.01, rule="adam")` is Adam(0.01).
        preset: Name of a preset or path of a preset directory; None takes the shipped
            default if `rule` is None too.
        rule: An `UpdateRule`, or a text for a rule or a preset as `presets.resolve` takes it:
            "adam(beta_1=0.8)", "lstm" (a learned one has the weights that are shipped for it),
            "rule:lstm(hidden_size=8)" (untrained), "lstm-digits".
        total_steps: Length of the training run in updates, for rules that anneal to it.
            None: `fit` tells it, where it is likely to be kept (see `RunLength`), or
            `begin_run`; a second `fit` goes on where the first ended.
        state_dtype: Dtype of the slots; None means float64 for float64 variables, else
            float32.
        weight_decay: As in Keras: variables are multiplied by
            `1 − learning_rate · weight_decay` before each update.
        learning_rate_multipliers: Dict regular expression → factor, such as
            `{"embedding": 0.1}`: the learning rate of a variable in whose path the expression is
            found is multiplied by the factor. The first that is found counts.
        jit_compile: Whether XLA compiles the optimizer's step where the program around it is
            not compiled. None: where that pays, in large models and in runs of thousands of
            steps, but not in a model that was compiled with `jit_compile=False`. Where Keras
            compiles the model (`jit_compile=True`, or "auto"), the step is compiled with it,
            whatever is given here.
        nonfinite: What happens at a step whose gradients hold NaN or Inf. "skip": it is skipped
            and counted, and a warning says if such steps are many. "raise": it is skipped, and
            training ends with a `FloatingPointError`: before the next batch of `fit` or
            `train_on_batch`, at once in eager loops, at the next `watch_skips()` in traced
            ones; `fit` also ends if an epoch's loss is not finite. A loss scale finds its size
            by steps that overflow, so under one it takes 40 skipped steps in a row.
        name: Name of the optimizer.
        **kwargs: `clipnorm`, `clipvalue`, `global_clipnorm`, `use_ema`, `ema_momentum`,
            `ema_overwrite_frequency`, `loss_scale_factor`, `gradient_accumulation_steps`
            as in `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If preset and rule are both given, a name is unknown, or an argument
            is out of range.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule | Callable | None = None,
        preset: str | os.PathLike | None = None,
        rule: str | rules.UpdateRule | None = None,
        total_steps: int | None = None,
        state_dtype: str | None = None,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        learning_rate_multipliers: Mapping[str, float] | None = None,
        jit_compile: bool | None = None,
        nonfinite: str = "skip",
        name: str = "learned_optimizer",
        **kwargs,
    ):
        if isinstance(learning_rate, str | os.PathLike | rules.UpdateRule):
            keyword = "rule" if isinstance(learning_rate, rules.UpdateRule) else "preset"
            raise ValueError(
                "The first argument is the learning rate; a preset or a rule is given by its name: "
                f"LearnedOptimizer({keyword}=…). Received: learning_rate={learning_rate!r}"
            )
        preset, rule = resolve(preset, rule)
        super().__init__(
            rule,
            learning_rate=learning_rate,
            total_steps=total_steps,
            state_dtype=state_dtype,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            learning_rate_multipliers=learning_rate_multipliers,
            jit_compile=jit_compile,
            nonfinite=nonfinite,
            name=name,
            **kwargs,
        )
        self._preset = preset

    @property
    def preset(self) -> str | None:
        """Name of the preset that the rule came from, or None."""
        return self._preset

    @classmethod
    def from_preset(cls, preset: str | os.PathLike, **overrides) -> "LearnedOptimizer":
        """An optimizer from a preset's name or directory, with constructor arguments."""
        return cls(preset=preset, **overrides)

    def save_to_preset(self, directory: str | os.PathLike, card: str | None = None) -> None:
        """Write the rule and its weights as a preset directory.

        Args:
            directory: Path; see `presets.save_preset`.
            card: Text of its model card; by default that of the preset it came from.
        """
        self.check_weights()
        if card is None and self._preset is not None:
            try:
                card = presets.load_card(self._preset)
            except (ValueError, OSError):
                card = None
        if card is None:
            card = f"# {type(self._rule).__name__}\n\n`{self._rule!r}`\n"
        presets.save_preset(directory, self.rule, card)

    def follow(self, meta_params: Mapping) -> None:
        """Go on with other meta-parameters of the same rule, such as those of one in training.

        Slots stay, and nothing is traced again.

        Args:
            meta_params: Mapping name → array, tensor or variable, as the rule has them.
        """
        for name, variable in self._meta_params.items():
            variable.assign(meta_params[name])

    def apply(self, grads: list, trainable_variables: list | None = None) -> None:
        """Update variables; see `keras.optimizers.Optimizer.apply`.

        Raises:
            ValueError: If the rule's weights were never loaded.
        """
        self.check_weights()
        super().apply(grads, trainable_variables)

    def get_config(self) -> dict:
        """Configuration: the preset's name and the rule's description, no weights.

        A rule at the optimizer's learning rate is described without one of its own.
        """
        config = super().get_config()
        described = rules.serialize(self._rule)
        if self._rule.takes_learning_rate:
            described["config"].pop("learning_rate")
        config.update(
            preset=self._preset,
            rule=described,
            total_steps=self.total_steps,
            state_dtype=self.state_dtype,
            learning_rate_multipliers=dict(self.learning_rate_multipliers),
            jit_compile=self.jit_compile,
            nonfinite=self.nonfinite,
        )
        return config

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> "LearnedOptimizer":
        """An optimizer from `get_config()`.

        The weights come from the preset if it is there and still holds the same rule;
        otherwise they are awaited from the file that is being loaded. A rule that is described
        with a learning rate of its own keeps it, and the optimizer's multiplies its updates, as
        it was before that took its place.
        """
        config = dict(config)
        preset, described = config.pop("preset", None), config.pop("rule", None)
        if not isinstance(described, dict):
            config.update(preset=preset, rule=described)
            return super().from_config(config, custom_objects)
        rule, pending = restore(preset, described)
        optimizer = super().from_config({**config, "rule": rule}, custom_objects)
        optimizer._preset = preset
        optimizer._weights_pending = pending
        return optimizer

    def check_weights(self) -> None:
        """Raise a `ValueError` if the rule's weights were never loaded."""
        if self._weights_pending and self.built and self._meta_params:
            before = self._rule.meta_params
            with BACKEND.outside():  # `apply` is mostly traced, and by then it is known.
                self._weights_pending = all(
                    np.array_equal(v.numpy(), before[k]) for k, v in self._meta_params.items()
                )
        if self._weights_pending:
            raise ValueError(
                "This optimizer was made from a configuration alone and its rule's weights "
                "were never loaded: load them, or use LearnedOptimizer.from_preset. "
                f"Received: rule={self._rule!r}, preset={self._preset!r}"
            )
