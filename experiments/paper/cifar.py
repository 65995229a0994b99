"""Section 3.3: a conv net with batch normalization on CIFAR-10, two LSTMs by kind of parameter.

And on subsets of its labels, where an LSTM that never saw these labels is compared too.
"""

import dataclasses
import statistics

from experiments.redraw import from_records
from experiments.tables import comparison, number, verdict
from l2l_tf import evaluation, presets, tasks
from l2l_tf.evaluation import Record, baselines
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.runner import Runner, recorded_steps
from l2l_tf.evaluation.tuning import search

TITLE = "CIFAR-10 (section 3.3)"
LEARNED = ("lstm-cifar10", "lstm-cifar10-sub", "rnnprop-general", "mixture-general")
# A step takes as long as a whole run elsewhere: the paper's own baselines, at 7 rates.
BASELINES = ("sgd", "nesterov", "rmsprop", "adam")
# Learning rates per decade around those, where rates are to be finer.
FINER = 4
# Losses along a run.
RECORDS = 10
# Name → task, title. `lstm-cifar10-sub` is meta-trained on the labels 5 to 9 alone.
CASES = {
    "cifar10": ("cifar10_conv", "All ten labels"),
    "cifar5": ("cifar10_conv(labels=[0,1,2,3,4])", "CIFAR-5: labels 0 to 4"),
    "cifar2": ("cifar10_conv(labels=[0,1])", "CIFAR-2: labels 0 and 1"),
}


def run(experiment):
    """The section as Markdown; its plots and records are written beside it."""
    plan = experiment.plan
    text = [
        experiment.missing(*LEARNED),
        f"{plan.conv_steps} steps at batches of 128, one seed for each of the rates{finely(plan)}; "
        f"losses on the first {plan.conv_rows} rows of each split.\n",
    ]
    for case, (task, title) in CASES.items():
        results = results_of(experiment, case, task)
        text.append(f"### {title} (`{task}`)\n\n{seeds_of(results)} seeds.\n")
        results.to_csv(experiment.output / f"{case}.csv")
        results.plot(experiment.output / f"{case}.png")
        said = [verdict(results, name) for name in LEARNED]
        text += [comparison(results), *said, on_batches(results)]
        text.append(f"\n![{title}]({case}.png)\n")
    text.append(without_centring(experiment))
    return "\n".join(text)


def results_of(experiment, case, task):
    """`Results` of one of `CASES`: tuned and run, or, of a plan with more to do, as recorded.

    What the plan has more of, `more_seeds` and `finer_rates`, is run beside the records of all
    labels; the subsets' stay.
    """
    path = experiment.output / f"{case}.csv"
    contenders = [*experiment.learned(*LEARNED), *map(baselines.get, BASELINES)]
    if experiment.plan.beside_recorded and "labels" in task:
        return from_records(path)
    if experiment.plan.beside_recorded:
        return beside_recorded(experiment, path, contenders)
    return experiment.pieces.results(case, task, contenders, **_settings(experiment.plan))


def beside_recorded(experiment, path, contenders):
    """`Results` of a CSV of records and of what the plan runs besides."""
    recorded, of = from_records(path), {contender.name: contender for contender in contenders}
    seeds = sorted({record.seed for record in recorded.records} | {*experiment.plan.more_seeds})
    contestants, records = [], []
    for contestant in recorded.contestants:
        contender = of[contestant.optimizer]
        if experiment.plan.finer_rates and contender.tuned:
            contestant = finer(experiment, contestant, contender)
        contestants.append(contestant)
        known = [
            record
            for record in recorded.records
            if (record.optimizer, record.learning_rate)
            == (contestant.optimizer, contestant.learning_rate)
        ]
        missing = [seed for seed in seeds if seed not in {record.seed for record in known}]
        records += [*known, *runs(experiment, contestant, contender, missing)]
    return dataclasses.replace(recorded, contestants=contestants, records=records)


def finer(experiment, contestant, contender):
    """A contestant at the best rate of quarter-decades around its own, on seeds that tune."""
    plan = experiment.plan
    run = kept_runs(experiment, contestant.task, contender)

    def loss_of(rate, seed):
        return run("tuning", seed, rate, [plan.conv_steps], lambda m: m.reports["train"]["loss"])[0]

    step = 10 ** (1 / FINER)
    around = (contestant.learning_rate / step, contestant.learning_rate * step)
    found = search(evaluation.Grid(*around, FINER, extend=FINER), loss_of, plan.grid_seeds)
    return dataclasses.replace(contestant, learning_rate=found.rate)


def runs(experiment, contestant, contender, seeds):
    """`Record`s of a contestant's runs on seeds, at its learning rate."""
    run = kept_runs(experiment, contestant.task, contender)
    at, found = recorded_steps(experiment.plan.conv_steps, RECORDS), []
    for seed in seeds:

        def measured(measurement, seed=seed):
            return dataclasses.asdict(Record.of(contestant, seed, measurement))

        of = run("report", seed, contestant.learning_rate, at, measured)
        # What is kept goes by what was run, whatever it was called then.
        found += [Record(**{**record, "optimizer": contestant.optimizer}) for record in of]
    return found


def kept_runs(experiment, task, contender):
    """A function that runs a contender, once, and gives what is asked of each measurement."""
    plan, runner = experiment.plan, None

    def run(stream, seed, rate, at, measured):
        def compute():
            nonlocal runner
            problem = Problem(tasks.get(task), 1, plan.conv_rows, None, 0)
            runner = runner or Runner(problem, contender, plan.conv_steps)
            return [measured(m) for m in runner.run(stream, seed, rate, at)]

        key = [task, contender.identity, rate, seed, plan.conv_steps, plan.conv_rows, RECORDS]
        name = {"report": "cifar-seed", "tuning": "cifar-tuning"}[stream]
        return experiment.pieces.value(name, key, compute)

    return run


def finely(plan):
    """What is said of rates that were chosen anew."""
    if not plan.finer_rates:
        return ""
    seeds = plan.grid_seeds
    return f", and of all labels {seeds} for each of {FINER} a decade around the best of them"


def seeds_of(results):
    """How many seeds were run."""
    return len({record.seed for record in results.records})


def without_centring(experiment):
    """What the rule `centred` around `lstm-cifar10` does: the same weights without it."""
    where = experiment.preset(LEARNED[0])
    if where is None:
        return ""
    path, task = experiment.output / "cifar10-not-centred.csv", CASES["cifar10"][0]
    name = f"{LEARNED[0]}-not-centred"
    contender = evaluation.learned(presets.load_preset(where).inner, name)
    if experiment.plan.beside_recorded:
        results = beside_recorded(experiment, path, [contender])
    else:
        settings = _settings(experiment.plan)
        results = experiment.pieces.results(path.stem, task, [contender], **settings)
    results.to_csv(path)
    said = f"{seeds_of(results)} seeds.\n\n{comparison(results)}\n{on_batches(results)}"
    return f"### Without centring (`{task}`)\n\n{said}"


def _settings(plan):
    return {
        "steps": plan.conv_steps,
        "seeds": plan.conv_seeds,
        "grid": plan.coarse_grid,
        "grid_seeds": 1,
        "records": RECORDS,
        "report_rows": plan.conv_rows,
    }


def on_batches(results):
    """Losses of the last batches, which are normalized by their own statistics."""
    losses = []
    for contestant in results.contestants:
        runs = results.runs(contestant.task, contestant.optimizer).values()
        mean = statistics.mean(run[-1].batch_loss for run in runs)
        losses.append(f"{contestant.optimizer} {number(mean)}")
    return (
        "\nLosses above are with the moving statistics of batch normalization. Of the batches "
        f"since the record before the last, means over the seeds: {', '.join(losses)}.\n"
    )
