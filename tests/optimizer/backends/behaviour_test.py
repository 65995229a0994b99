"""What holds on every backend; `make test` runs it on TensorFlow, `make test-backends` on all."""

import copy
import os
import pathlib
import pickle
import runpy
import subprocess
import sys
from importlib.util import find_spec

import keras
import numpy as np
import pytest
from helpers.backend_fits import BATCH, BROKEN, LABELS, ROWS, inner, model_of
from keras import ops

from l2l_tf import LearnedOptimizer, rules

BACKEND = keras.config.backend()
on_jax = pytest.mark.skipif(BACKEND != "jax", reason="for JAX alone")
on_torch = pytest.mark.skipif(BACKEND != "torch", reason="for PyTorch alone")


class LossTimesGradient(rules.SGD):
    """A rule whose step is the gradient times the loss."""

    def coordinate_update(self, gradient, state, variable, context):
        return -ops.cast(context.loss, gradient.dtype) * gradient, state


class OneOverLength(rules.SGD):
    """A rule whose step is one over the length of the run."""

    def coordinate_update(self, gradient, state, variable, context):
        share = ops.cast(1.0 / context.total_steps, gradient.dtype)
        return share * ops.ones_like(gradient), state


def moved(model, rows=ROWS, epochs=1, batch=BATCH, **arguments):
    """What `fit` adds to the weights, flat."""
    before = model.get_weights()
    model.fit(rows, LABELS, batch, epochs, verbose=0, shuffle=False, **arguments)
    return np.concatenate(
        [(a - b).ravel() for a, b in zip(model.get_weights(), before, strict=True)]
    )


def loss_of(model, rows, labels):
    return float(model.evaluate(rows, labels, len(rows), verbose=0))


@pytest.mark.parametrize("policy, tolerance", [("float32", 1e-5), ("mixed_float16", 2e-2)])
def test_a_rule_is_told_the_loss(policy, tolerance):
    one = model_of(LearnedOptimizer(rule=LossTimesGradient()), ROWS, policy)
    loss = loss_of(one, ROWS, LABELS)
    plain = model_of(LearnedOptimizer(1.0, rule=rules.SGD()), ROWS, policy)
    expected = loss * moved(plain, batch=len(ROWS))
    np.testing.assert_allclose(
        moved(one, batch=len(ROWS)), expected, rtol=tolerance, atol=tolerance * 0.1
    )


def test_under_accumulation_it_is_told_the_mean_of_the_losses():
    rule = LossTimesGradient()
    one = model_of(LearnedOptimizer(rule=rule, gradient_accumulation_steps=4), ROWS)
    loss = np.mean(
        [loss_of(one, ROWS[i : i + BATCH], LABELS[i : i + BATCH]) for i in range(0, 64, BATCH)]
    )
    plain = model_of(LearnedOptimizer(1.0, rule=rules.SGD()), ROWS)
    expected = loss * moved(plain, batch=len(ROWS))
    np.testing.assert_allclose(moved(one), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize(
    "broken, shares", [((0,), (0, 2, 1, 1)), ((1,), (2, 0, 1, 1)), ((0, 2), (0, 3, 0, 1))]
)
def test_under_accumulation_a_skipped_batch_adds_nothing(broken, shares, policy):
    """Neither to the gradients' sum, nor to the loss: those beside it count for it."""
    batches = range(0, len(ROWS), BATCH)
    whole = [b for index, b in enumerate(batches) if index not in broken]
    plain = model_of(LearnedOptimizer(1.0, rule=rules.SGD()), ROWS, policy)
    losses = [loss_of(plain, ROWS[b : b + BATCH], LABELS[b : b + BATCH]) for b in batches]
    start, sums = plain.get_weights(), 0.0
    for b in whole:
        plain.set_weights(start)
        before = np.concatenate([w.ravel() for w in start])
        plain.fit(ROWS[b : b + BATCH], LABELS[b : b + BATCH], BATCH, 1, verbose=0)
        sums += np.concatenate([w.ravel() for w in plain.get_weights()]) - before
    rows = ROWS.copy()
    rows[[BATCH * index for index in broken]] = np.nan
    one = LearnedOptimizer(rule=LossTimesGradient(), gradient_accumulation_steps=len(batches))
    model = model_of(one, rows, policy)
    tolerance = 1e-4 if policy == "float32" else 2e-2
    np.testing.assert_allclose(
        moved(model, rows),
        np.average(losses, weights=shares) * sums / len(batches),
        rtol=tolerance,
        atol=tolerance * 0.1,
    )
    assert int(inner(model).skipped_steps.numpy()) == len(broken)


def test_a_window_whose_last_batch_is_skipped_comes_with_the_next_one():
    """Its gradients do; the loss is that of the next one."""
    rows = np.where(np.arange(64)[:, None] == 20, np.float32(np.nan), ROWS)
    one = LearnedOptimizer(rule=LossTimesGradient(), gradient_accumulation_steps=2)
    model = model_of(one, rows)
    start = model.get_weights()
    model.fit(rows[: 2 * BATCH], LABELS[: 2 * BATCH], BATCH, 1, verbose=0, shuffle=False)
    for old, new in zip(start, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    late = slice(2 * BATCH, 4 * BATCH)
    loss = loss_of(model, ROWS[late], LABELS[late])
    model.fit(rows[late], LABELS[late], BATCH, 1, verbose=0, shuffle=False)
    plain = model_of(LearnedOptimizer(1.0, rule=rules.SGD()), ROWS)
    kept = np.r_[0:BATCH, late]
    plain.fit(ROWS[kept], LABELS[kept], len(kept), 1, verbose=0)
    for old, new, other in zip(start, model.get_weights(), plain.get_weights(), strict=True):
        expected = loss * 1.5 * (other - old)
        np.testing.assert_allclose(new - old, expected, rtol=1e-4, atol=1e-6)


def test_a_rule_is_told_the_length_of_every_fit():
    model = model_of(LearnedOptimizer(rule=OneOverLength()), ROWS)
    np.testing.assert_allclose(moved(model, epochs=2), 1.0, rtol=1e-5)
    # A second run is told as the last part of a longer one.
    np.testing.assert_allclose(moved(model, epochs=2), 8 / (3 * 8 + 8), rtol=1e-5)
    assert np.isnan(float(model.optimizer._run_length.numpy()))


def test_so_it_is_with_a_list_of_callbacks_that_a_user_made():
    model = model_of(LearnedOptimizer(rule=OneOverLength()), ROWS)
    callbacks = keras.callbacks.CallbackList([], model=model, add_history=True)
    np.testing.assert_allclose(moved(model, epochs=2, callbacks=callbacks), 1.0, rtol=1e-5)


class Twice(keras.Sequential):
    """A model whose every batch is two steps."""

    def train_step(self, *arguments):
        found = super().train_step(*arguments)
        if BACKEND == "jax":
            arguments = (found[1], *arguments[1:])
        return super().train_step(*arguments)


def test_a_length_is_corrected_while_batches_go_by():
    made = model_of(LearnedOptimizer(rule=OneOverLength()), ROWS)
    model = Twice([keras.Input((8,)), *made.layers])
    model.compile(made.optimizer, "sparse_categorical_crossentropy")
    # 12 batches were told; after the first it is known that they are 24 steps.
    np.testing.assert_allclose(moved(model, epochs=3), 2 / 12 + 22 / 24, rtol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_steps_that_are_not_finite_change_nothing_and_are_counted(policy):
    model = model_of(LearnedOptimizer(rule="adam"), ROWS, policy)
    model.fit(BROKEN, LABELS, BATCH, 2, verbose=0, shuffle=False)
    assert [int(inner(model).iterations), int(inner(model).skipped_steps.numpy())] == [8, 2]
    assert all(np.isfinite(w).all() for w in model.get_weights())
    before = model.get_weights()
    model.fit(BROKEN[16:32], LABELS[16:32], BATCH, 1, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_many_skipped_steps_are_warned_of():
    model = model_of(LearnedOptimizer(rule="adam"), ROWS)
    with pytest.warns(UserWarning, match="steps were skipped"):
        model.fit(np.full_like(ROWS, np.nan), LABELS, 4, 2, verbose=0)


def test_counters_are_read_while_batches_go_by():
    """In long epochs, too, where Keras calls callbacks from another thread."""
    model = model_of(LearnedOptimizer(rule="adam"), ROWS)
    model.fit(ROWS, LABELS, 2, 4, verbose=0)
    assert int(model.optimizer.iterations) == 128


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_goes_on_as_the_original(duplicate):
    model = model_of(LearnedOptimizer(rule="adam"), ROWS)
    moved(model)
    other = model_of(duplicate(model.optimizer), ROWS)
    other.set_weights(model.get_weights())
    np.testing.assert_allclose(moved(other), moved(model), rtol=1e-6, atol=1e-8)


def test_reset_starts_anew():
    model = model_of(LearnedOptimizer(rule="adam"), ROWS)
    start, first = model.get_weights(), moved(model)
    model.set_weights(start)
    model.optimizer.reset()
    np.testing.assert_allclose(moved(model), first, rtol=1e-6, atol=1e-8)


def test_weights_of_a_rule_that_are_loaded_later_count(tmp_path):
    """What was compiled before does not keep the rule as it was."""
    trained, fresh = (
        model_of(LearnedOptimizer(rule=rules.RNNProp(hidden_size=4, seed=seed)), ROWS)
        for seed in (0, 1)
    )
    moved(trained), moved(fresh)
    trained.save_weights(tmp_path / "trained.weights.h5")
    fresh.load_weights(tmp_path / "trained.weights.h5")
    np.testing.assert_allclose(moved(fresh), moved(trained), rtol=1e-6, atol=1e-8)


def test_shared_memory_of_states_is_no_matter():
    """New state that is another slot's old one is written down as it was."""

    class Shifting(rules.SGD):
        def slot_shapes(self):
            return {"last": (), "before": ()}

        def coordinate_update(self, gradient, state, variable, context):
            return -state["before"], {"last": gradient, "before": state["last"]}

    variable = keras.Variable(np.zeros(3, "float32"))
    optimizer = LearnedOptimizer(rule=Shifting())
    values = []
    for step in range(1, 5):
        optimizer.apply([ops.full((3,), float(step))], [variable])
        values.append(float(variable.numpy()[0]))
    assert values == [0.0, 0.0, -1.0, -3.0]


@pytest.mark.skipif(BACKEND == "tensorflow", reason="it is imported there")
def test_tensorflow_is_not_imported():
    code = (
        "import sys, keras, numpy as np, l2l_tf\n"
        "optimizer = l2l_tf.LearnedOptimizer()\n"
        "optimizer.build([keras.Variable(np.ones((3, 3), 'float32'))])\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(find_spec("tensorflow") is not None, reason="TensorFlow is installed")
def test_where_tensorflow_is_missing_what_needs_it_says_so_and_the_rest_works():
    def ended(*arguments):
        return subprocess.run([sys.executable, *arguments], capture_output=True, text=True)

    done = ended("-c", "import l2l_tf.export.training")
    assert done.stderr.splitlines()[-1] == (
        "ImportError: l2l_tf.export needs TensorFlow: pip install 'l2l-tf[tensorflow]'. "
        f"Received: KERAS_BACKEND={BACKEND}, without TensorFlow"
    )
    done = ended("-m", "l2l_tf.cli.evaluate")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "l2l-evaluate: TensorFlow is needed: pip install 'l2l-tf[train,plots]'. "
        "Received: an environment without it\n"
    )
    assert ended("-m", "l2l_tf.cli.evaluate", "--help").stdout.startswith("l2l-evaluate: ")
    done = ended("-m", "l2l_tf.cli.presets")
    assert done.returncode == 0 and "spectral-general" in done.stdout, done.stderr


@on_jax
def test_a_pure_step_is_told_the_loss():
    import jax

    variable = keras.Variable(np.ones(2, "float32"))
    optimizer = LearnedOptimizer(rule=LossTimesGradient())
    optimizer.build([variable])

    @jax.jit
    def step(own, values):
        loss, gradients = jax.value_and_grad(lambda v: 3.0 * v[0].sum())(values)
        return optimizer.stateless_apply(own, gradients, values, loss=loss)

    values, own = step([v.value for v in optimizer.variables], [variable.value])
    np.testing.assert_allclose(values[0], 1.0 - 6.0 * 3.0)
    np.testing.assert_array_equal(variable.numpy(), 1.0)
    # A loss counts once.
    values, _ = optimizer.stateless_apply(own, values, values)
    assert np.isnan(values[0]).all()


@on_jax
def test_a_loss_of_a_models_own_reaches_the_rule():
    class Own(keras.Sequential):
        def compute_loss_and_updates(self, *args, **kwargs):
            loss, updates = super().compute_loss_and_updates(*args, **kwargs)
            return 2.0 * loss, updates

    def moves(cls, rule):
        made = model_of(LearnedOptimizer(1.0, rule=rule), ROWS)
        model = cls([keras.Input((8,)), *made.layers])
        model.compile(made.optimizer, "sparse_categorical_crossentropy")
        return moved(model, batch=len(ROWS))

    twice = moves(Own, LossTimesGradient())
    np.testing.assert_allclose(
        twice, 2.0 * moves(keras.Sequential, LossTimesGradient()), rtol=1e-5, atol=1e-7
    )


@on_torch
def test_parameters_of_a_plain_module_are_trained():
    import torch

    from l2l_tf.optimizer.torch_modules import variables_of

    module = torch.nn.Linear(3, 1)
    variables = variables_of(module)
    optimizer = LearnedOptimizer(0.1, rule="adam")
    rows = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    losses = []
    for _ in range(60):
        loss = (module(rows) - rows.sum(1, keepdim=True)).square().mean()
        module.zero_grad()
        optimizer.scale_loss(loss).backward()
        optimizer.apply([p.grad for p in module.parameters()], variables)
        losses.append(float(loss))
    assert losses[-1] < 0.05 * losses[0]
    assert variables[0].value is module.weight


@on_torch
def test_a_plain_module_is_trained_as_the_same_model_of_keras():
    import torch

    from l2l_tf.optimizer.torch_modules import variables_of

    generator = np.random.default_rng(0)
    start = [0.3 * generator.normal(size=s).astype("float32") for s in ((8, 6), (6,), (6, 3), (3,))]
    module = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3))
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), start, strict=True):
            parameter.copy_(torch.as_tensor(value.T))
    layers = [keras.layers.Dense(6, "tanh"), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((8,)), *layers])
    model.set_weights(start)
    for net, variables in ((module, variables_of(module)), (model, model.trainable_variables)):
        optimizer = LearnedOptimizer()
        for _ in range(10):
            outputs = net(torch.as_tensor(ROWS))
            loss = torch.nn.functional.cross_entropy(outputs, torch.as_tensor(LABELS).long())
            net.zero_grad()
            optimizer.scale_loss(loss).backward()
            optimizer.apply([v.value.grad for v in variables], variables)
    for parameter, value, first in zip(
        module.parameters(), model.get_weights(), start, strict=True
    ):
        trained = parameter.detach().numpy().T
        np.testing.assert_allclose(trained, value, rtol=1e-4, atol=1e-5)
        assert np.abs(trained - first).max() > 1e-3


@pytest.mark.parametrize(
    "name", [pytest.param("jax_loop", marks=on_jax), pytest.param("torch_loop", marks=on_torch)]
)
def test_an_example_learns_the_digits(name):
    examples = pathlib.Path(__file__).parents[3] / "examples"
    ended = runpy.run_path(str(examples / f"{name}.py"), run_name="__main__")
    assert ended["results"]["LearnedOptimizer"][1] > 0.9
    assert set(ended["results"]) == {"LearnedOptimizer", "Adam"}


@on_torch
def test_a_compiled_model_leaves_the_rules_step_uncompiled_and_takes_the_same_steps(monkeypatch):
    import torch

    kind, weights, traced = type(LearnedOptimizer().rule), {}, []
    plain_update = kind.update

    def update(rule, *given):
        traced.append(torch.compiler.is_compiling())
        return plain_update(rule, *given)

    monkeypatch.setattr(kind, "update", update)
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input(ROWS.shape[1:]), keras.layers.Dense(3)])
        model.compile(LearnedOptimizer(), "mse", jit_compile=jit_compile)
        model.fit(ROWS, np.zeros((len(ROWS), 3)), epochs=2, shuffle=False, verbose=0)
        weights[jit_compile] = model.get_weights()
    assert traced and not any(traced)
    for compiled, plain in zip(weights[True], weights[False], strict=True):
        np.testing.assert_allclose(compiled, plain, atol=1e-5)
