"""Random search of the meta-learning rate: what is drawn, what came of it, what is kept."""

import dataclasses
import json
import math
import pathlib

import numpy as np

from l2l_tf import presets
from l2l_tf.core.checks import check_integer, check_number
from l2l_tf.core.files import write_csv
from l2l_tf.meta import checkpoint


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one draw.

    Attributes:
        draw: Its number, from 0.
        meta_learning_rate: Its rate.
        score: Best validation score; infinite if none was finite.
        best_meta_step: Meta-steps until that validation.
        meta_steps: Meta-steps in all.
        final_losses: Final loss of each validation task at the best validation; tuple.
        skipped: Meta-steps whose meta-gradient was not finite.
        seconds: Spent in meta-steps.
    """

    draw: int
    meta_learning_rate: float
    score: float
    best_meta_step: int
    meta_steps: int
    final_losses: tuple
    skipped: int
    seconds: float


def meta_learning_rate(seed, draw, min_rate, max_rate):
    """The rate of a draw, log-uniform, to three digits.

    It depends on nothing but the arguments, so that more draws leave the first as they are.

    Args:
        seed: Seed of the search, an integer of at least 0.
        draw: Number of the draw, from 0.
        min_rate: Least rate, above 0.
        max_rate: Greatest rate, above `min_rate`.

    Returns:
        Float.

    Raises:
        ValueError: If a number is out of its range.
    """
    check_integer("draw", draw, min=0)
    check_number("min_rate", min_rate, above=0)
    check_number("max_rate", max_rate, above=min_rate)
    generator = np.random.default_rng([seed, draw])
    return float(f"{math.exp(generator.uniform(math.log(min_rate), math.log(max_rate))):.3g}")


def directory_of(output_dir, draw):
    """Where the run of a draw is."""
    return pathlib.Path(output_dir) / f"draw-{draw:02d}"


def outcome_of(output_dir, draw):
    """`Outcome` of a draw from the newest checkpoint of its run; None if there is none."""
    found = checkpoint.newest_checkpoint(directory_of(output_dir, draw) / "checkpoints")
    if found is None:
        return None
    meta_step, _, info = found
    score = math.inf if info["best_score"] is None else info["best_score"]
    at_best = next((h for h in info["history"] if h["meta_step"] == info["best_step"]), {})
    return Outcome(
        draw,
        info["describe"]["settings"]["meta_learning_rate"],
        score,
        info["best_step"],
        meta_step,
        tuple(
            math.inf if v is None else v for k, v in at_best.items() if k.startswith("final_loss")
        ),
        info["skipped"],
        info["seconds"],
    )


def keep(output_dir, outcomes, command):
    """Write what came out so far: `search.csv`, and the best draw's preset as `preset/`.

    The preset is the draw's, its card followed by the search.

    Args:
        output_dir: Directory of the search.
        outcomes: List of `Outcome`.
        command: The command line, for the card.

    Returns:
        The best `Outcome`; None if no draw had a finite validation.
    """
    output_dir = pathlib.Path(output_dir)
    columns = [field.name for field in dataclasses.fields(Outcome)]
    write_csv(output_dir / "search.csv", [_row(outcome) for outcome in outcomes], columns)
    best = min(outcomes, key=lambda o: o.score, default=None)
    if best is None or best.score == math.inf:
        return None
    source = directory_of(output_dir, best.draw) / "preset"
    config = json.loads((source / "config.json").read_text())
    presets.save_preset(
        output_dir / "preset",
        presets.load_preset(source),
        f"{presets.load_card(source)}\n{_about(outcomes, best, command)}",
        extra={"meta_training": config["meta_training"]},
    )
    return best


def table(outcomes):
    """The draws as a Markdown table, the best first."""
    lines = [
        "| draw | meta-learning rate | best score | at meta-step | of | skipped | final losses |",
        "|---|---|---|---|---|---|---|",
    ]
    for o in sorted(outcomes, key=lambda o: o.score):
        losses = ", ".join(f"{v:.4g}" for v in o.final_losses)
        lines.append(
            f"| {o.draw} | {o.meta_learning_rate:g} | {o.score:.4f} | {o.best_meta_step} | "
            f"{o.meta_steps} | {o.skipped} | {losses} |"
        )
    return "\n".join(lines)


def _about(outcomes, best, command):
    return f"""## Meta-learning rate

By random search, {len(outcomes)} log-uniform draws, the lowest validation score chosen: draw {
        best.draw
    }, {best.meta_learning_rate:g}. Command: `{command}`

{table(outcomes)}
"""


def _row(outcome):
    losses = " ".join(map(str, outcome.final_losses))
    return {**dataclasses.asdict(outcome), "final_losses": losses}
