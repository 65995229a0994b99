"""A meta-trained rule as a preset, with a card that says how it was made."""

import datetime
import math

from l2l_tf import presets

MOST_ROWS = 25


def write_preset(trainer, directory, command=None):
    """Write the best rule so far as a preset, in the process that writes.

    Args:
        trainer: `Trainer`.
        directory: Path; see `presets.save_preset`.
        command: The command line that meta-trained the rule; None: a program did.

    Raises:
        ValueError: If no validation was finite so far.
        FileExistsError: If the directory exists and is no preset.
    """
    if not math.isfinite(trainer.best_score):
        raise ValueError(
            "A rule is kept after a validation with a finite score; `fit` and `validate` do one. "
            f"Received: best_score={trainer.best_score} after {len(trainer.validations)} of them"
        )
    if trainer.spread.writes:
        extra = {"meta_training": trainer.describe()}
        presets.save_preset(directory, trainer.best_rule(), card(trainer, command), extra)


def card(trainer, command=None):
    """Text of the card, Markdown; arguments as for `write_preset`."""
    finals = " | ".join(f"final loss of task {i}" for i in range(len(trainer.validation_tasks)))
    made = f"Command: `{command}`" if command else "Made in Python, by `l2l_tf.meta.Trainer.fit`"
    described = trainer.describe()
    settings = trainer.settings
    return f"""# A meta-trained `{described["rule"]["name"]}`

- {made}
- Rule: `{trainer.rule!r}`
- Meta-trained on: {_listed(described["tasks"])}
- Validated on (other seeds, never trained on): {_listed(described["validation_tasks"])}
- Estimator: `{trainer.estimator!r}`
- Settings: `{settings!r}`
- Seed: {settings.seed}
- Meta-steps: {trainer.meta_step} of {settings.meta_steps}, the best at {
        trainer.best_step
    }; skipped as not finite: {trainer.skipped}
- Seconds in meta-steps: {trainer.seconds:.0f}
- Written: {datetime.date.today().isoformat()}

Validation along the run (score: mean over optimizees of the log of the mean loss, weighted as
the meta-loss is):

| meta-step | score | {finals} |
|---|---|{"---|" * len(trainer.validation_tasks)}
{_rows(trainer.validations)}
"""


def _listed(texts):
    return ", ".join(f"`{text}`" for text in texts)


def _rows(validations):
    return "\n".join(
        f"| {v['meta_step']} | {v['score']:.4f} | "
        + " | ".join(f"{x:.4g}" for name, x in v.items() if name.startswith("final_loss"))
        + " |"
        for v in _thinned(validations)
    )


def _thinned(history):
    stride = -(-len(history) // MOST_ROWS)
    return [h for i, h in enumerate(history) if i % stride == 0 or i == len(history) - 1]
