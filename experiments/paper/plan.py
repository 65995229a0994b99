"""How much is run: everything, or a quick look."""

import dataclasses
import pathlib

from l2l_tf import evaluation, presets
from l2l_tf.evaluation import baselines

# Where `experiments.paper.train` leaves what is not shipped.
RUNS = "runs/paper"


@dataclasses.dataclass(frozen=True)
class Plan:
    """Sizes of the experiments.

    Attributes:
        grid: Learning rates of a main comparison's baselines.
        coarse_grid: Those where many comparisons are made, or long ones.
        baselines: Names of the hand-crafted optimizers.
        seeds: Reported runs of a main comparison.
        grid_seeds: Runs per learning rate.
        few_seeds: Reported runs where many comparisons are made, or long ones.
        horizons: Lengths of the longer runs.
        datasets: Data sets of the transfer matrix.
        transfer_rows: Rows of the transfer matrix that are measured, where the others and Adam's
            stay as they were recorded; none: all are measured.
        conv_steps: Steps of a run of the conv net.
        conv_rows: Rows of a split that its reports look at.
        conv_seeds: Reported runs of the conv net.
        more_seeds: Seeds that the conv net is run on with all labels, at the recorded rates and
            beside the recorded runs, in place of all of them anew.
        finer_rates: Whether the conv net's baselines get the best of quarter-decades around the
            recorded rates, likewise.
        art_steps: Steps of a run of neural art.
        art_seeds: Photographs that neural art is reported on.
        choice_meta_steps: Meta-steps of each of the trainings that compare the method's choices.
        search_draws: Meta-learning rates of a random search.
        search_meta_steps: Meta-steps of each; 0: as many as the search asks for.
        accuracy_steps: Steps of the runs towards tiny losses.
        functions: Quadratics per run.
    """

    grid: evaluation.Grid = evaluation.Grid()
    coarse_grid: evaluation.Grid = evaluation.Grid(1e-3, 1.0, 2, extend=4)
    baselines: tuple = baselines.DEFAULT
    seeds: int = 5
    grid_seeds: int = 2
    few_seeds: int = 2
    horizons: tuple = (1000, 10_000)
    datasets: tuple = ("mnist", "fashion_mnist")
    transfer_rows: tuple = ()
    conv_steps: int = 200
    conv_rows: int = 1000
    conv_seeds: int = 3
    more_seeds: tuple = ()
    finer_rates: bool = False
    art_steps: int = 128
    art_seeds: int = 4
    choice_meta_steps: int = 1000
    search_draws: int = 10
    search_meta_steps: int = 0
    accuracy_steps: int = 4000
    functions: int = 128

    @property
    def beside_recorded(self):
        """Whether the conv net's records stay and more is run beside them."""
        return bool(self.more_seeds or self.finer_rates)


FULL = Plan()
QUICK = Plan(
    grid=evaluation.Grid(1e-2, 1.0, 1, extend=0),
    coarse_grid=evaluation.Grid(1e-2, 1.0, 1, extend=0),
    baselines=("momentum", "adam"),
    seeds=2,
    grid_seeds=1,
    few_seeds=1,
    horizons=(300,),
    datasets=("mnist",),
    conv_steps=3,
    conv_rows=200,
    conv_seeds=1,
    art_steps=4,
    art_seeds=1,
    choice_meta_steps=30,
    search_draws=2,
    search_meta_steps=4,
    accuracy_steps=200,
    functions=16,
)


@dataclasses.dataclass
class Experiment:
    """What a section is given.

    Attributes:
        plan: `Plan`.
        pieces: `Pieces`: what was computed before is not computed again.
        output: Directory for tables and plots.
        runs: Directory with the runs of `experiments.paper.train`.
    """

    plan: Plan
    pieces: object
    output: pathlib.Path
    runs: pathlib.Path

    def preset(self, name):
        """Name or path of a preset, shipped or trained; None if there is none."""
        trained = self.runs / name / "preset"
        if trained.is_dir():
            return trained
        return name if name in presets.list_presets() else None

    def learned(self, *names):
        """Contenders of the presets that there are."""
        found = {name: self.preset(name) for name in names}
        return [evaluation.learned(where, name) for name, where in found.items() if where]

    def missing(self, *names):
        """A sentence that names the presets that there are not; empty if all are there."""
        absent = [name for name in names if not self.preset(name)]
        if not absent:
            return ""
        command = f"python -m experiments.paper.train --only={','.join(absent)}"
        return f"Not compared, because not meta-trained here: {', '.join(absent)} (`{command}`).\n"
