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

TITLE = "CIFAR-10 (section 3.3)"
LEARNED = ("lstm-cifar10", "lstm-cifar10-sub", "rnnprop-general", "mixture-general")
# A step takes as long as a whole run elsewhere: the paper's own baselines, at 7 rates.
BASELINES = ("sgd", "nesterov", "rmsprop", "adam")
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
        f"{plan.conv_steps} steps at batches of 128, one seed for each of the "
        f"rates; losses on the first {plan.conv_rows} rows of each split.\n",
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
    """`Results` of one of `CASES`: tuned and run, or, of a plan with `more_seeds`, as recorded.

    Of all labels there are further runs then, on those seeds and at the recorded rates.
    """
    plan = experiment.plan
    if not plan.more_seeds:
        contenders = [*experiment.learned(*LEARNED), *BASELINES]
        return experiment.pieces.results(case, task, contenders, **_settings(plan))
    recorded = from_records(experiment.output / f"{case}.csv")
    if case != "cifar10":
        return recorded
    further, seeds = [], [s for s in plan.more_seeds if s not in {r.seed for r in recorded.records}]
    for contestant in recorded.contestants:
        further += runs(experiment, contestant, seeds)
    return dataclasses.replace(recorded, records=[*recorded.records, *further])


def runs(experiment, contestant, seeds):
    """`Record`s of a contestant's runs on seeds, at its learning rate."""
    plan, name, found, runner = experiment.plan, contestant.optimizer, [], None
    (contender,) = experiment.learned(name) if contestant.learned else (baselines.get(name),)
    for seed in seeds:

        def compute(seed=seed):
            nonlocal runner
            problem = Problem(tasks.get(contestant.task), 1, plan.conv_rows, None, 0)
            runner = runner or Runner(problem, contender, plan.conv_steps)
            at = recorded_steps(plan.conv_steps, RECORDS)
            curve = runner.run("report", seed, contestant.learning_rate, at)
            return [dataclasses.asdict(Record.of(contestant, seed, m)) for m in curve]

        key = [contestant.task, contender.identity, contestant.learning_rate, seed]
        key += [plan.conv_steps, plan.conv_rows, RECORDS]
        found += [Record(**of) for of in experiment.pieces.value("cifar-seed", key, compute)]
    return found


def seeds_of(results):
    """How many seeds were run."""
    return len({record.seed for record in results.records})


def without_centring(experiment):
    """What the rule `centred` around `lstm-cifar10` does: the same weights without it."""
    where = experiment.preset(LEARNED[0])
    if where is None:
        return ""
    path, task = experiment.output / "cifar10-not-centred.csv", CASES["cifar10"][0]
    if experiment.plan.more_seeds:
        results = from_records(path)
    else:
        name = f"{LEARNED[0]}-not-centred"
        contender = evaluation.learned(presets.load_preset(where).rule, name)
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
