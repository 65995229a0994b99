"""One rule meta-trained in four ways: by BPTT, by REINFORCE, without a loss, and less often.

The ways are truncated backpropagation; REINFORCE, a policy gradient; `lookahead`, which sees
gradients alone; and backpropagation at the 1st, 2nd, 4th, 8th … unroll of each run. The rule is
small, the tasks are random quadratics, and as many of them are trained at a time in each way, at
one meta-learning rate. Prints validation scores (mean log loss along runs; lower is better) and the
processor time of the meta-steps, without tracing. Draws meta_train_otherwise.png.

python examples/meta_train_otherwise.py
"""

import time

from matplotlib import pyplot

from l2l_tf import meta

RULE = "rnnprop(hidden_size=8,layers=1)"
TASK = "quadratic"
META_STEPS = 160
EVERY = 20
UNROLL, TRAJECTORY = 10, 200
TASKS = 16
RATE = 0.025


def trainer_of(estimator):
    return meta.Trainer(
        RULE,
        [TASK],
        estimator,
        trajectories=(TRAJECTORY,),
        meta_steps=META_STEPS,
        meta_learning_rate=RATE,
        num_validation_tasks=64,
    )


def scores_along(trainer, refresh):
    """Lists of validation scores, and of the seconds of processor time until each."""
    trainer.restart(refresh=refresh)
    for _ in range(4):  # Traces and compiles, before anything is timed.
        trainer.step()
    trainer.restart(refresh=refresh)
    scores, seconds = [trainer.validate()["score"]], [0.0]
    while not trainer.finished:
        started = time.process_time()
        for _ in range(EVERY):
            trainer.step()
        seconds.append(seconds[-1] + time.process_time() - started)
        scores.append(trainer.validate()["score"])
    return scores, seconds


bptt = trainer_of(meta.TruncatedBPTT(unroll=UNROLL, num_tasks=TASKS, log_loss=True))
reinforce = meta.Reinforce(unroll=UNROLL, num_tasks=TASKS // 4, rollouts=4, time_cost=0.05)
lookahead = meta.Lookahead(unroll=UNROLL, num_tasks=TASKS)
ways = {
    "BPTT": (bptt, "always"),
    "BPTT, ever more rarely": (bptt, "growing"),
    "REINFORCE": (trainer_of(reinforce), "always"),
    "lookahead, without a loss": (trainer_of(lookahead), "always"),
}
scores = {}
figure, (by_steps, by_time) = pyplot.subplots(
    1, 2, figsize=(10, 4), sharey=True, layout="constrained"
)
for name, (trainer, refresh) in ways.items():
    scores[name], seconds = scores_along(trainer, refresh)
    print(
        f"{name:26} score {scores[name][0]:.2f} before, {min(scores[name]):.2f} at its best, after "
        f"{META_STEPS} meta-steps in {seconds[-1]:.1f} s of processor time",
        flush=True,
    )
    by_steps.plot(range(0, META_STEPS + 1, EVERY), scores[name], "o-", ms=3, label=name)
    by_time.plot(seconds, scores[name], "o-", ms=3, label=name)
by_steps.set(xlabel="meta-steps (unrolls)", ylabel="validation score (mean log loss)")
by_time.set_xlabel("processor time of the meta-steps, s")
by_time.legend(fontsize=8)
figure.savefig("meta_train_otherwise.png", dpi=110)
