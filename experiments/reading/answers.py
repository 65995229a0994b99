"""What a run says, in numbers: whether its steps shrank, and where they went."""

import warnings

import numpy as np

# What may lie orders of magnitude apart: its mean is geometric.
SIZES = ("loss", "step", "relative", "gradient", "written", "write", "read_gain", "secant_gain")
RECORDS = 24
# Where the loss moved by less than this factor, how steps follow it cannot be told.
LEAST_RANGE = 2.0
# Of the first loss: from there on a run converges.
FALLEN = 0.9
HALF = 0.5


def mean(name, values):
    """Of some steps' values of one measure: of sizes the geometric one.

    NaN where nothing was measured, and where a size was not finite; steps of size 0 count in no
    geometric mean, and are 0 where there is no other.
    """
    values = np.asarray(values, "float64")
    if name not in SIZES:
        there = values[np.isfinite(values)]
        return float(there.mean()) if there.size else np.nan
    if not np.isfinite(values).all():
        return np.nan
    positive = values[values > 0]
    return float(np.exp(np.log(positive).mean())) if positive.size else 0.0


def edges(steps, count=RECORDS):
    """Steps at which records end, increasing ints from 1 to `steps`, ever further apart."""
    return sorted({round(edge) for edge in np.geomspace(1, steps, count)})


def curve(name, values):
    """A mean for each record, over the steps since the record before; a list."""
    ends = edges(len(values))
    begins = [0, *ends[:-1]]
    return [mean(name, values[a:b]) for a, b in zip(begins, ends, strict=True)]


def tenth(values):
    """The steps around a tenth of the run, from a twentieth to three."""
    return values[len(values) // 20 : max(3 * len(values) // 20, 1)]


def end(values):
    """The last tenth of the run."""
    return values[-max(len(values) // 10, 1) :]


def slope(losses, steps):
    """Of log(step) by log(loss), least squares over records, and their correlation.

    Records count from where a tenth of the loss is gone: what is warmed up before follows no loss.
    Gradient descent on a quadratic with least value 0 has ½; steps of one size have 0.

    Returns:
        `(slope, correlation)`; NaN where the loss moved by less than a factor of two, or
        something was not finite.
    """
    losses, steps = (np.asarray(values, "float64") for values in (losses, steps))
    if not (np.isfinite(losses) & np.isfinite(steps)).all():
        return np.nan, np.nan
    gone = np.logical_or.accumulate(losses < FALLEN * losses[0])
    there = gone & (losses > 0) & (steps > 0)
    x, y = np.log(losses[there]), np.log(steps[there])
    if len(x) < 3 or np.ptp(x) < np.log(LEAST_RANGE):
        return np.nan, np.nan
    return float(np.polyfit(x, y, 1)[0]), correlation(x, y)


def correlation(x, y):
    """Pearson's, over what is finite in both; NaN where one of them does not move."""
    x, y = (np.asarray(values, "float64") for values in (x, y))
    there = np.isfinite(x) & np.isfinite(y)
    if there.sum() < 3 or np.ptp(x[there]) == 0 or np.ptp(y[there]) == 0:
        return np.nan
    return float(np.corrcoef(x[there], y[there])[0, 1])


def summarized(measured):
    """One run in short.

    Args:
        measured: Dict name → `[steps]`, as `Reader.run` gives it.

    Returns:
        `{"ends": list, "curves": {name: list}, "answers": {name: float}}`. Answers are, of every
        measure, its mean around a tenth of the run and over the last tenth (`NAME_tenth`,
        `NAME_end`), of cosines the mean over the second half (`NAME_half`), of averaging cells the
        `correlation` with the logarithm of the loss over records; and `ratio`, `relative_ratio`,
        `loss_ratio`: the end over the tenth; `slope` and `correlation` of the step by the loss.
    """
    curves = {name: curve(name, values) for name, values in measured.items()}
    answers = {}
    for name, values in measured.items():
        answers[f"{name}_tenth"] = mean(name, tenth(values))
        answers[f"{name}_end"] = mean(name, end(values))
        if name.startswith(("cos_", "read_cosine", "follows", "secant")):
            answers[f"{name}_half"] = mean(name, values[len(values) // 2 :])
    for name, of in (("ratio", "step"), ("relative_ratio", "relative"), ("loss_ratio", "loss")):
        answers[name] = _ratio(answers[f"{of}_end"], answers[f"{of}_tenth"])
    answers["slope"], answers["correlation"] = slope(curves["loss"], curves["step"])
    logarithms = np.log(np.maximum(curves["loss"], 1e-45))
    for name in curves:
        if name.startswith("average_"):
            answers[f"{name}_correlation"] = correlation(curves[name], logarithms)
    return {"ends": edges(len(measured["loss"])), "curves": curves, "answers": answers}


def _ratio(value, other):
    return value / other if other > 0 else np.nan


def together(runs):
    """Several seeds' runs as one: median curves, and of steps and loss the range; all answers.

    Args:
        runs: List of what `summarized` returns.

    Returns:
        `{"ends": list, "curves": {name: list}, "low": …, "high": …, "answers": {name: list over
        seeds}}`; a record's place is the step at which it ends.
    """
    stacked = {
        name: np.array([run["curves"][name] for run in runs], "float64")
        for name in runs[0]["curves"]
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # Records that are NaN in all seeds.
        # A size that is not finite is a run that diverged, a cosine one that there was none.
        curves = {
            name: (np.median if name in SIZES else np.nanmedian)(of, axis=0)
            for name, of in stacked.items()
        }
        low, high = (
            {name: extreme(stacked[name], axis=0) for name in ("loss", "relative")}
            for extreme in (np.min, np.max)
        )
    answers = {name: [run["answers"][name] for run in runs] for name in runs[0]["answers"]}
    ends = runs[0]["ends"]
    return {"ends": ends, "curves": curves, "low": low, "high": high, "answers": answers}


def shrank(ratios):
    """What the steps did from a tenth of the run to its end, in a word, by every seed's ratio."""
    ratios = np.asarray(ratios, "float64")
    if not np.isfinite(ratios).all():
        return "diverged"
    if (ratios < HALF).all():
        return "shrink"
    if (ratios > 1 / HALF).all():
        return "grow"
    if ((ratios >= HALF) & (ratios <= 1 / HALF)).all():
        return "stay"
    return "differ by seed"
