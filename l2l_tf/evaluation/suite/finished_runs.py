"""Whole runs of the suite, remembered on disk: curves of reported ones, ends of tuning ones."""

from l2l_tf.evaluation.run_cache import RunCache
from l2l_tf.evaluation.runner import Measurement, recorded_steps

CACHE_FORMAT = 1


class FinishedRuns:
    """Runs of one runner, each taken from disk if it was ever finished.

    Args:
        runner: `Runner`.
        directory: Directory of the cache; None: nothing is kept.
    """

    def __init__(self, runner, directory):
        self.runner = runner
        self.cache = RunCache(runner, directory, CACHE_FORMAT)
        self.runs = self.cache.read(_measurements)

    def final_loss(self, rate, seed):
        """Train loss at the end of a tuning run; infinite after one that diverged."""
        (final,) = self._run("tuning", seed, rate, None, ("train",))
        return final.reports["train"]["loss"]

    def curve(self, rate, seed, records):
        """List of `Measurement` of a reported run, at the start and `records` steps."""
        return self._run("report", seed, rate, records, ("train", "test"))

    def _run(self, stream, seed, rate, records, splits):
        name = f"{stream}/{seed}/{'-' if rate is None else f'{rate:.6g}'}/{records or 'end'}"
        if name not in self.runs:
            at = recorded_steps(self.runner.steps, records) if records else None
            self.runs[name] = self.runner.run(stream, seed, rate, at, splits)
            self.cache.write({k: [m._asdict() for m in run] for k, run in self.runs.items()})
        return self.runs[name]


def _measurements(run):
    return [Measurement(**_decoded(measurement)) for measurement in run]


def _decoded(value):
    if isinstance(value, dict):
        return {name: _decoded(entry) for name, entry in value.items()}
    return float(value) if isinstance(value, str) else value
