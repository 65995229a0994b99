"""Every task of the middle suite builds, takes steps and is told apart; on pictures of noise."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import data
from l2l_tf.evaluation import baselines, learned, suite
from l2l_tf.evaluation.contenders import Contender
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.runner import Runner
from l2l_tf.evaluation.suite import control, middle_report, models, pretraining, sources, texts
from l2l_tf.evaluation.suite.moving_targets import ValueLearning
from l2l_tf.rules import SGD
from l2l_tf.tasks import as_seed

HALVES = suite.SUITES["middle"].halves
ENTRIES = [entry for half in HALVES.values() for entry in half]
SHAPES = {"mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}

KERNELS = ("kernel", "recurrent_kernel", "lora_kernel_a", "lora_kernel_b")
NAMES = (*KERNELS, "embeddings", "bias", "gamma", "beta")


def noise(name, split):
    """Pictures as `data.load` gives them: not more than 192, whatever is asked for."""
    count = min(int(re.search(r"\d+", split)[0]), 192)
    generator = np.random.default_rng(len(split))
    pixels = generator.integers(0, 256, (count, *SHAPES[name])).astype("uint8")
    return pixels, generator.integers(0, 10, count)


def play(name, split):
    """A play in which twenty people talk in words of the language reference."""
    words = texts.words_of(sources.manual())[:60_000]
    lines = [" ".join(words[i : i + 8]) for i in range(0, len(words), 8)]
    names = [f"PERSON {chr(65 + i % 20)}" for i in range(len(lines))]
    return "\n".join(f"{who}.\n{said}\n" for who, said in zip(names, lines, strict=True))


@pytest.fixture
def stand_ins(monkeypatch):
    """Data sets that need no preparation; nothing of them is kept."""
    kept = (sources.images, pretraining.trunk_weights, middle_report._shakespeare)
    monkeypatch.setattr(data, "load", noise)
    monkeypatch.setattr(data, "load_text", play)
    for function in kept:
        function.cache_clear()
    yield
    for function in kept:
        function.cache_clear()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
@pytest.mark.quick("library_skip_gram", "mountain_car_values", "fashion_mlp_factors")
@pytest.mark.usefixtures("stand_ins")
def test_a_small_step_down_the_gradient_lowers_the_loss_on_its_batch(entry):
    task = entry.make()
    params, state = task.init(as_seed(0))
    batch = task.batch(as_seed(0), 0)
    with tf.GradientTape() as tape:
        tape.watch(params)
        before, moved_state, _ = task.loss(params, state, batch)
    gradients = tape.gradient(before, params)
    assert all(g is not None for g in gradients)
    assert [v.shape for v in moved_state] == [v.shape for v in state]
    dense = [tf.convert_to_tensor(g) for g in gradients]
    size = sum(float(tf.reduce_sum(g**2)) for g in dense)
    assert np.isfinite(size) and size > 0
    # A step that lowers the loss by a part in a hundred thousand, were the loss a plane.
    rate = 1e-5 * float(before) / size
    after = task.loss([p - rate * g for p, g in zip(params, dense, strict=True)], state, batch)[0]
    assert float(before) * 0.99998 < float(after) < float(before)
    assert np.isfinite(float(task.evaluate(params, state, task.full_batch("test"))[0]))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
@pytest.mark.quick("library_skip_gram", "manual_gpt", "fashion_mlp_factors")
@pytest.mark.usefixtures("stand_ins")
def test_tasks_are_of_middle_size_and_name_their_variables(entry):
    task = entry.make()
    shapes = [tuple(v.shape) for v in task.model.trainable_variables]
    assert 4e4 < sum(np.prod(shape) for shape in shapes) < 5e6
    assert 300 <= entry.steps <= 1500
    paths = task.variable_paths
    assert len(set(paths)) == len(paths) == len(shapes)
    for path, shape in zip(paths, shapes, strict=True):
        layer, name = path.split("/")[-2:]
        if layer.startswith("embedding"):
            assert name == "embeddings" and len(shape) == 2
        if layer in ("query", "key", "value") and name == "kernel":
            assert "attention" in path and shape[0] == shape[1] * shape[2]
        if layer == "attention_output" and name == "kernel":
            assert shape[2] == shape[0] * shape[1]
        assert name in NAMES


def test_the_halves_share_no_task_and_have_ten_each():
    names = {half: {entry.name for entry in entries} for half, entries in HALVES.items()}
    assert all(len(names[half]) == len(HALVES[half]) >= 10 for half in HALVES)
    assert not names["development"] & names["report"]
    for half in HALVES:
        assert suite.entries(half, suite="middle") == list(HALVES[half])
    with pytest.raises(ValueError, match="Received: suite='large'"):
        suite.entries("report", suite="large")


def variables_of(task, contender=None):
    """The variables that a run of a task trains, and its optimizer."""
    made = []

    def make(rate, total_steps):
        made.append((contender or learned(SGD(0.01), "sgd")).make(rate, total_steps))
        return made[-1]

    Runner(Problem(task, jit_compile=False), Contender("kept", make), 1).run("report", 0, 0.01)
    return made[0]._trainable_variables, made[0]


def test_runs_show_optimizers_the_paths_of_the_models_variables():
    task = values_task()
    variables, _ = variables_of(task)
    assert [v.path for v in variables] == task.variable_paths
    assert re.fullmatch(r"sequential\w*/dense\w*/kernel", variables[0].path)
    # No name of a scope is left behind for what is made next.
    assert keras.Variable(0.0, name="free").path == "free"


def test_muon_leaves_embeddings_to_adam():
    (entry,) = [e for e in ENTRIES if e.name == "library_skip_gram"]
    variables, muon = variables_of(entry.make(), baselines.get("muon_cosine"))
    by_adam = [v is not None for v in muon.adam_velocities]
    assert [tuple(v.shape) for v in variables] == [(4000, 64), (64, 4000), (4000,)]
    assert by_adam == [True, False, True]


def values_task(follow=0.25):
    return ValueLearning(
        "values",
        lambda: models.mlp(2, [8], 1, "tanh"),
        lambda: control.transitions("mountain_car", 64, 32),
        16,
        follow,
    )


def test_targets_follow_the_weights_and_have_no_gradient():
    task = values_task()
    params, state = task.init(as_seed(0))
    for own, average in zip(params, state, strict=True):
        np.testing.assert_array_equal(own, average)
    moved = [p + 1.0 for p in params]
    states, rewards, following, _ = batch = task.batch(as_seed(0), 0)
    with tf.GradientTape() as tape:
        tape.watch([moved, state])
        loss, after, _ = task.loss(moved, state, batch)
    assert all(g is None for g in tape.gradient(loss, state))
    for own, average in zip(params, after, strict=True):
        np.testing.assert_allclose(average, own + 0.25, rtol=1e-6)
    model = task.build()
    model.set_weights([p.numpy() for p in params])
    targets = rewards[:, None] + control.DISCOUNT * model(following)
    model.set_weights([p.numpy() for p in moved])
    expected = tf.reduce_mean((model(states) - targets) ** 2)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    assert "follow=0.25" in repr(task) != repr(values_task(0.5))


def test_value_learning_is_reported_against_true_values():
    task = values_task()
    params, state = task.init(as_seed(0))
    silent = [tf.zeros_like(p) for p in params]
    held_out = task.full_batch("test")
    loss, _ = task.evaluate(silent, state, held_out)
    assert float(loss) == pytest.approx(float(np.mean(held_out[3].numpy() ** 2)), rel=1e-5)


@pytest.mark.parametrize("problem", sorted(control.PROBLEMS))
def test_values_solve_bellmans_equation(problem):
    start, step, reward, _ = control.PROBLEMS[problem]
    states = start(np.random.default_rng(0), 200)
    expected = reward(states) + control.DISCOUNT * control.values(problem, step(states))
    found = control.values(problem, states)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.std() > 0.5
    if problem == "mountain_car":
        # Without some that have arrived, nothing says what it is worth to have arrived.
        assert 0.02 < np.mean(found == 0) < 0.2


def test_small_factors_start_at_the_trained_net_and_train_nothing_else():
    rows = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    net = models.mlp(6, [8, 8], 3)
    before = net(rows)
    pretraining.with_small_factors(net, 2)
    np.testing.assert_allclose(net(rows), before, atol=1e-6)
    shapes = [tuple(v.shape) for v in net.trainable_variables]
    assert shapes == [(6, 2), (2, 8), (8, 2), (2, 8), (8, 3), (3,)]


def test_skip_grams_are_neighbours():
    text = " ".join(str(i) for i in range(400))
    splits = texts.skip_grams(text, 401, reach=2)
    codes = texts.numbered(texts.words_of(text), 401)
    place = {code: i for i, code in enumerate(codes)}
    found = {
        place[left] - place[right]
        for pairs in splits.values()
        for left, right in zip(*pairs, strict=True)
    }
    assert found == {-2, -1, 1, 2}
    edge = int(0.9 * len(codes))
    assert all(place[word] < edge for side in splits["train"] for word in side)


def test_lines_predict_the_next_line():
    text = "\n".join(f"line {i} has {i + 1}" for i in range(100))
    ours, theirs = texts.neighbouring_lines(text, 5, 300)["train"]
    number = {row[1]: row[3] for row in ours}
    # "line i has i + 1" is followed by "line i + 1 has …".
    assert all(number[row[1]] == after[1] for row, after in zip(ours, theirs, strict=True))
    assert ours.shape == (89, 5) and not ours[:, 4].any()


def test_no_line_is_left_without_words():
    text = "\n".join(f"once{i} seen{i} only{i}" if i % 5 == 0 else "a b c d" for i in range(100))
    for side in texts.neighbouring_lines(text, 4, 5)["train"]:
        assert side.all()


def test_pieces_of_modules_and_names_come_with_what_they_are_from():
    rows, labels = texts.pieces_of_modules("odd", 16, 500, 5)["train"]
    assert rows.shape[1] == 16 and set(labels) == set(range(5))
    line, before, name = texts.names_of_docstrings(24, 10)["train"]
    assert (before[:, 1:] == name[:, :-1]).all() and (before[:, 0] == 1).all()
    assert len(line) > 1000 and line.max() < texts.LETTERS
    assert not set(texts.modules("even")) & set(texts.modules("odd"))


@pytest.mark.usefixtures("stand_ins")
def test_digits_on_pictures_are_labelled_where_they_are():
    rows, labels = sources.digits_on_pictures()["train"]
    assert rows.shape == (192, 28, 28, 3) and labels.shape == (192, 28, 28)
    assert 0 <= rows.min() and rows.max() <= 1
    digits, classes = sources.images("mnist", 28, standard=False)["train"]
    assert ((labels == classes[:, None, None] + 1) == (digits[..., 0] > 0.5)).all()


def test_letters_have_the_same_codes_in_every_text():
    (one, _), (other, _) = (
        sources.letters_after(text * 60, 4)["train"] for text in ("abc", "bcdé")
    )
    assert set(np.unique(one)) & set(np.unique(other)) == {ord("b") - 32, ord("c") - 32}
    assert other.max() == sources.ASCII - 1
