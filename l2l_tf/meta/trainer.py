"""The meta-trainer: drives an estimator over tasks, validates, checkpoints, resumes.

It knows nothing of which estimator it drives.
"""

import dataclasses
import math
import os
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from l2l_tf import presets, rules
from l2l_tf.core.scalars import unkept
from l2l_tf.meta import loop, programs, refresh, state
from l2l_tf.meta.arguments import object_of, tasks_of
from l2l_tf.meta.callbacks import checked
from l2l_tf.meta.card import write_preset
from l2l_tf.meta.curriculum import trajectory_at
from l2l_tf.meta.estimators import ESTIMATORS, Estimator
from l2l_tf.meta.meta_optimizer import MetaOptimizer
from l2l_tf.meta.settings import RESTARTED, Settings
from l2l_tf.meta.spread import Spread
from l2l_tf.rules import UpdateRule
from l2l_tf.tasks import Task, as_seed, fold_in

# Streams of seeds: tasks that are trained on and those that validate never meet.
_TRAIN, _VALIDATE = 1, 2


class Trainer:
    """Meta-trains one rule on several tasks in turn.

    ```python
    trainer = meta.Trainer("rnnprop", ["digits_mlp"], "pes", trajectories=(40,))
    history = trainer.fit(200, callbacks=[keras.callbacks.EarlyStopping(patience=5)])
    trainer.save_preset("runs/mine/preset")
    optimizer = LearnedOptimizer(preset="runs/mine/preset")
    ```

    Args:
        rule: `UpdateRule` with its initial meta-parameters, or a text: a rule such as
            "lstm(hidden_size=8)", which begins untrained, or a preset, which begins as it is.
        tasks: Non-empty list of `Task`s to train on, augmented as wished, or of texts.
        estimator: `Estimator` of the meta-gradient, or a text such as "pes(sigma=0.02)".
        validation_tasks: List of tasks to validate on, without augmentation, or of texts;
            None: the tasks trained on, with other seeds.
        settings: `Settings`; None: the defaults.
        spread: `Spread` of the optimizees over replicas; None: this process alone.
        partner: With `meta_optimizer="dual"` the second rule, a text or an `UpdateRule`, which is
            trained on the same tasks with other seeds; None: the same rule again. A trainer that
            is itself a partner gets the other `Trainer` here.
        **changes: Fields of `Settings` that replace those of `settings`.

    Raises:
        ValueError: If a trajectory is no multiple of the estimator's unroll, the rule
            has no meta-parameters, an argument is of another class, a text or a setting is not
            allowed, or the optimizees cannot be spread so.
    """

    def __init__(
        self,
        rule: UpdateRule | str,
        tasks: Sequence[Task | str],
        estimator: Estimator | str = "bptt",
        validation_tasks: Sequence[Task | str] | None = None,
        settings: Settings | None = None,
        spread: Spread | None = None,
        partner: "UpdateRule | str | Trainer | None" = None,
        **changes,
    ):
        rule = presets.resolve(rule, untrained=True).rule
        estimator = object_of("estimator", estimator, Estimator, ESTIMATORS.from_spec)
        settings = Settings.given("settings", settings, **changes)
        self.tasks = tasks_of("tasks", tasks)
        self.validation_tasks = self.tasks
        if validation_tasks is not None:
            self.validation_tasks = tasks_of("validation_tasks", validation_tasks)
        if not self.tasks:
            raise ValueError(f"A task or more is needed to train on. Received: tasks={tasks!r}")
        if not rule.meta_params:
            raise ValueError(f"A rule without meta-parameters cannot learn. Received: {rule!r}")
        for length in settings.trajectories:
            if length % estimator.unroll:
                raise ValueError(
                    f"Every trajectory is a multiple of unroll={estimator.unroll}. "
                    f"Received: trajectory={length}"
                )
        self.spread = Spread() if spread is None else object_of("spread", spread, Spread)
        self.spread.check(estimator, self.tasks)
        self.rule = rule
        self.estimator = estimator
        self.settings = settings
        self.variables = {
            name: tf.Variable(value, name=name) for name, value in rule.meta_params.items()
        }
        self.averages = self.variables
        if settings.ema_decay:
            self.averages = {name: tf.Variable(v) for name, v in self.variables.items()}
        self._partner = self._trainer_of(partner)
        self._takes_along = not isinstance(partner, Trainer)
        self._set_out()
        self._steps, self._advances = (
            [self._step_program(task, learns) for task in self.tasks] for learns in (True, False)
        )
        self._begins = [programs.begin(self.spread, estimator, rule, task) for task in self.tasks]
        self._validations = [
            programs.validation(estimator, rule, task, self.averages, settings, self._jit(task))
            for task in self.validation_tasks
        ]

    def _jit(self, task):
        return self.settings.jit_compile and task.jit_compile

    def _step_program(self, task, learns):
        """Traced where it is first needed."""
        jit = self._jit(task)
        return programs.step(
            self.spread, self.estimator, self.rule, task, self.variables, jit, learns
        )

    def _trainer_of(self, partner):
        """The trainer of the second rule, which knows this one as its partner."""
        if self.settings.meta_optimizer != "dual":
            if partner is not None:
                raise ValueError(
                    "A partner needs meta_optimizer='dual'. "
                    f"Received: meta_optimizer={self.settings.meta_optimizer!r}"
                )
            return None
        if isinstance(partner, Trainer):
            return partner
        return Trainer(
            self.rule if partner is None else partner,
            self.tasks,
            self.estimator,
            self.validation_tasks,
            self.settings.replaced(seed=(self.settings.seed + 1) % 2**31),
            self.spread,
            partner=self,
        )

    def _set_out(self):
        """Be where a run begins."""
        for variables in (self.variables, self.averages):
            for name, variable in variables.items():
                variable.assign(self.rule.meta_params[name])
        self.stop_training = False
        self.meta_step = self.skipped = self.failures = self.best_step = 0
        self.best_score = math.inf
        self.seconds = 0.0
        self.validations = []
        # Of the last validation: per task the losses along its runs, means over optimizees.
        self.validation_curves = []
        self.best = {name: v.numpy() for name, v in self.averages.items()}
        self.runs = [None] * len(self.tasks)
        self._meta_optimizer = self._new_meta_optimizer()

    def _new_meta_optimizer(self):
        leader = {"self": self, "dual": self.partner}.get(self.settings.meta_optimizer)
        return MetaOptimizer(self.settings, list(self.variables.values()), leader)

    def restart(self, rule: UpdateRule | None = None, **changes) -> None:
        """Begin a run anew, for which nothing is traced again.

        Args:
            rule: The same rule with other meta-parameters to begin with; None: the same ones.
            **changes: Settings that change, each one of `RESTARTED`.

        Raises:
            ValueError: If the rule is another one, or another setting is to change.
        """
        if set(changes) - set(RESTARTED):
            raise ValueError(f"A new run may change {RESTARTED}. Received: {changes}")
        if rule is not None:
            self.rule = self.rule.bind(rule.meta_params)
        self.settings = self.settings.replaced(**changes)
        if self.settings.meta_optimizer == "dual":
            self._partner = self._partner or self._trainer_of(None)
        self._set_out()
        if self.follower:
            seed = (self.settings.seed + 1) % 2**31
            self.follower.restart(**{**changes, "meta_optimizer": "dual", "seed": seed})

    @property
    def optimizer(self) -> keras.optimizers.Optimizer:
        """The Keras optimizer of the meta-parameters."""
        return self._meta_optimizer.keras

    @property
    def partner(self) -> "Trainer | None":
        """With `meta_optimizer="dual"` the trainer of the second rule."""
        return self._partner if self.settings.meta_optimizer == "dual" else None

    @property
    def follower(self) -> "Trainer | None":
        """The partner, where this trainer takes it along."""
        return self.partner if self._takes_along else None

    def fit(
        self,
        meta_steps: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.Callback | None = (),
        verbose: int = 1,
    ) -> keras.callbacks.History:
        """Meta-train to the end, or until a callback sets `stop_training`.

        To callbacks, which may be Keras's own, a meta-step is a batch, and what lies between two
        validations an epoch, which ends with `loss` (mean meta-loss), `val_loss` (the
        validation's score) and the other values that `step` and `validate` return. A callback's
        `model` is this trainer. See `meta.callbacks`.

        Args:
            meta_steps: Meta-steps in all, along which the learning rate decays; None: those of
                the settings. A run that has begun keeps to its number.
            callbacks: Sequence of callbacks, or one alone.
            verbose: 0: silent, but for what `callbacks` say; 1: with a `ProgressBar`, a line per
                validation and a bar on a terminal.

        Returns:
            A `keras.callbacks.History` of this call: `history` is a dict name → list of one value
            per epoch, `epoch` their numbers.

        Raises:
            ValueError: If `meta_steps` is not positive, or differs from that of a run that has
                begun, or a callback needs a Keras model (`ModelCheckpoint`).
        """
        callbacks = checked(callbacks)
        if meta_steps is not None and meta_steps != self.settings.meta_steps:
            if self.meta_step:
                raise ValueError(
                    "What goes on for longer is a new run, Trainer(trainer.best_rule(), …): this "
                    f"one, at meta-step {self.meta_step}, is one of {self.settings.meta_steps}, "
                    f"along which its rates decay. Received: meta_steps={meta_steps}"
                )
            for trainer in filter(None, (self, self.follower)):
                trainer.settings = trainer.settings.replaced(meta_steps=meta_steps)
                trainer._meta_optimizer = trainer._new_meta_optimizer()
        return loop.fit(self, callbacks, verbose)

    def get_weights(self) -> list[np.ndarray]:
        """The meta-parameters that are validated, as arrays."""
        return [v.numpy() for v in self.averages.values()]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Put arrays as `get_weights` gives them in place of the meta-parameters."""
        for variables in (self.variables, self.averages):
            for variable, value in zip(variables.values(), weights, strict=True):
                variable.assign(value)

    def fresh(self, index: int, seed: tf.Tensor) -> Any:
        """Carried state of a fresh trajectory of the task of that index."""
        return self._begins[index](seed)

    def step(self) -> dict[str, float]:
        """One meta-update: one unroll of one task. A partner takes one, too, with the new weights.

        Returns:
            Dict of floats: the estimator's summaries, `skipped` (1.0 if the meta-gradient was not
            finite and was not applied), and `refreshed` (0.0 if there was none to be applied).
        """
        summaries = self._step()
        if self.follower:
            partner = self.follower.step()
            summaries["partner_meta_loss"] = partner["meta_loss"]
        return summaries

    def _step(self):
        started = time.perf_counter()
        index = self.meta_step % len(self.tasks)
        run = self.runs[index]
        if run is None or run["start"] >= run["trajectory"]:
            seed = fold_in(fold_in(as_seed(self.settings.seed), _TRAIN), self.meta_step)
            length = trajectory_at(self.settings, self.estimator.unroll, self.meta_step)
            run = {"carried": self.fresh(index, seed), "start": 0, "trajectory": length}
            run |= {"waited": 0, "stuck": False}
        learns = refresh.due(self.settings, run["start"] // self.estimator.unroll, run)
        gradient, summaries, finite, carried = (self._steps if learns else self._advances)[index](
            run["carried"], *(tf.constant(unkept(run[k], "int32")) for k in ("start", "trajectory"))
        )
        summaries = {k: float(v) for k, v in summaries.items()}
        if bool(finite):
            if learns:
                gradients = [gradient[name] for name in self.variables]
                self._meta_optimizer.step(gradients, summaries["meta_loss"])
                self._average()
            run = dict(run, carried=carried, start=run["start"] + self.estimator.unroll)
            run |= refresh.noted(summaries, run, learns)
            self.runs[index] = run
        else:
            self.skipped += 1
            self.runs[index] = None
        summaries["skipped"] = 0.0 if bool(finite) else 1.0
        summaries["refreshed"] = float(learns)
        self.meta_step += 1
        self.seconds += time.perf_counter() - started
        return summaries

    def _average(self):
        if self.averages is self.variables:
            return
        decay = min(self.settings.ema_decay, (1 + self.meta_step) / (10 + self.meta_step))
        kept, new = unkept(decay, "float32"), unkept(1.0 - decay, "float32")
        for name, average in self.averages.items():
            average.assign(kept * average + new * self.variables[name])

    def validate(self) -> dict[str, float]:
        """Score the meta-parameters on validation tasks, and keep them if they are the best.

        Losses are measured where the estimator measures the meta-loss.

        Returns:
            Dict of floats: `score`, and `final_loss_{i}` per validation task.
        """
        seed = fold_in(as_seed(self.settings.seed), _VALIDATE)
        values = {"partner_score": self.follower.validate()["score"]} if self.follower else {}
        scores = []
        self.validation_curves = []
        for index, validate in enumerate(self._validations):
            score, curve = validate(fold_in(seed, index))
            scores.append(float(score))
            self.validation_curves.append(curve.numpy())
            values[f"final_loss_{index}"] = float(curve[-1])
        values["score"] = float(np.mean(scores))
        # Machines round differently, and all of them have to decide alike.
        values = dict(zip(values, self.spread.agreed(list(values.values())), strict=True))
        if values["score"] < self.best_score:
            self.best_score, self.best_step, self.failures = values["score"], self.meta_step, 0
            self.best = {name: v.numpy() for name, v in self.averages.items()}
        else:
            self.failures += 1
        self.validations.append({"meta_step": self.meta_step, **values})
        return values

    @property
    def validation_due(self) -> bool:
        """Whether a validation follows the last meta-step."""
        return self.meta_step % self.settings.validate_every == 0 or self.finished

    @property
    def finished(self) -> bool:
        """Whether all meta-steps are done, or patience has run out."""
        patience = self.settings.patience
        return self.meta_step >= self.settings.meta_steps or 0 < patience <= self.failures

    def best_rule(self) -> UpdateRule:
        """The rule with the meta-parameters of the best validation so far."""
        return self.rule.bind(self.best)

    def save_preset(self, directory: str | os.PathLike) -> None:
        """Write the best rule so far as a preset, as `l2l-train` does.

        Its card has the rule, the tasks, the estimator and the settings, the seed, how many
        meta-steps there were, and the validations along the run. `LearnedOptimizer(preset=…)`
        and every command take the directory.

        Args:
            directory: Path; a preset that is there is replaced.

        Raises:
            ValueError: If no validation was finite so far.
            FileExistsError: If the directory exists and is no preset.
        """
        write_preset(self, directory)

    def describe(self) -> dict:
        """The run as plain data; a checkpoint resumes only the run that wrote it."""
        return {
            "rule": rules.serialize(self.rule),
            "tasks": [repr(task) for task in self.tasks],
            "validation_tasks": [repr(task) for task in self.validation_tasks],
            "estimator": {
                "name": type(self.estimator).__name__,
                "config": self.estimator.get_config(),
            },
            "settings": state.plain(dataclasses.asdict(self.settings)),
            **({"replicas": self.spread.replicas} if self.spread.replicas > 1 else {}),
            **({"partner": rules.serialize(self.partner.rule)} if self.follower else {}),
        }

    def save(self, directory: str | os.PathLike) -> None:
        """Write a checkpoint; see `meta.state`."""
        state.save(self, directory)

    def restore(self, directory: str | os.PathLike) -> bool:
        """Take up the newest valid checkpoint; returns whether there was one. See `meta.state`."""
        return state.restore(self, directory)
