"""Optimizees spread over replicas: what is drawn and learned does not depend on how many."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import rules, tasks
from l2l_tf.meta.estimators import (
    EvolutionStrategies,
    Imitation,
    PersistentEvolutionStrategies,
    TruncatedBPTT,
)
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.spread import Spread, strategy_of
from l2l_tf.meta.trainer import Trainer

ESTIMATORS = {
    "bptt": lambda: TruncatedBPTT(unroll=5, num_tasks=4),
    "es": lambda: EvolutionStrategies(unroll=5, num_tasks=4),
    "pes": lambda: PersistentEvolutionStrategies(unroll=5, num_tasks=4, meta_loss_split="fresh"),
}
RULES = {
    "rnnprop": lambda: rules.RNNProp(hidden_size=4, layers=1),
    "spectral": lambda: rules.get("spectral", hidden_size=4),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_shares_of_an_estimator_draw_what_the_whole_draws_and_add_up_to_it(name):
    task, rule = tasks.get("digits_mlp(hidden=3,batch_size=4)"), RULES["rnnprop"]()
    estimator, seed = ESTIMATORS[name](), tasks.as_seed(3)

    def estimate(estimator):
        carried = estimator.begin(rule, task, seed)
        drawn = estimator.batches(task, carried, 0)
        return estimator.estimate(rule, task, carried, drawn, 0, 10)

    whole = estimate(estimator)
    parts = [estimate(estimator.share(index, 2)) for index in range(2)]
    for key, value in whole.meta_gradient.items():
        mean = np.mean([part.meta_gradient[key] for part in parts], axis=0)
        np.testing.assert_allclose(mean, value, rtol=1e-4, atol=1e-6)


def trainer(spread=None, estimator=None, task=None):
    task = task or tasks.Quadratic(dimension=3)
    return Trainer(
        RULES["rnnprop"](),
        [task],
        estimator or ESTIMATORS["bptt"](),
        [task],
        Settings(meta_steps=20, trajectories=(10,), num_validation_tasks=2, jit_compile=False),
        spread,
    )


def test_what_cannot_be_spread_is_refused():
    spread = Spread(tf.distribute.OneDeviceStrategy("CPU:0"))
    spread.replicas = 3
    with pytest.raises(ValueError, match="multiple of 3. Received: num_tasks=4"):
        trainer(spread)
    with pytest.raises(ValueError, match="Received: Imitation"):
        trainer(spread, Imitation(unroll=5, num_tasks=3))

    class FromPython(tasks.Quadratic):
        in_graph = False

    with pytest.raises(ValueError, match="Received: FromPython"):
        trainer(spread, TruncatedBPTT(unroll=5, num_tasks=3), FromPython(dimension=3))
    with pytest.raises(ValueError, match="Received: strategy='tpu'"):
        strategy_of("tpu")


def test_one_replica_of_a_strategy_is_this_process_alone(tmp_path):
    alone, spread = trainer(), trainer(Spread(tf.distribute.OneDeviceStrategy("CPU:0")))
    for _ in range(3):
        ours, theirs = alone.step(), spread.step()
        assert ours == pytest.approx(theirs, rel=1e-5)
    assert alone.validate()["score"] == pytest.approx(spread.validate()["score"], rel=1e-5)
    spread.save(tmp_path)
    again = trainer(Spread(tf.distribute.OneDeviceStrategy("CPU:0")))
    assert again.restore(tmp_path)
    again.step(), spread.step()
    for name, value in again.variables.items():
        np.testing.assert_array_equal(value, spread.variables[name])


def test_processes_agree_on_what_each_of_them_computed():
    for spread in (Spread(), Spread(tf.distribute.OneDeviceStrategy("CPU:0"))):
        assert spread.agreed([1.5, float("inf")]) == [1.5, float("inf")]
        assert spread.anywhere(True) and not spread.anywhere(False)
        spread.check_alike("meta_step", 3)
