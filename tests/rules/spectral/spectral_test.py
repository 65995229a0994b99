"""The rule `spectral`: sizes by construction, directions, agreement, guard."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.stepping import controlled, trained_for, uncontrolled

from l2l_tf import cells, rules
from l2l_tf.cells import run_signals
from l2l_tf.rules.spectral import direction, groups, guard, noise, signals
from l2l_tf.rules.spectral.passes import hurry

SHAPES = [(7, 5), (5,), (), (3, 3, 2, 4), (300,), (16, 8), (1,), (7, 5), (9, 1)]


def set_by_hand(**config):
    return uncontrolled(rules.get("spectral", weight_decay=0.0, **config))


def run(rule, gradients, shape=None, losses=None, total=1000.0, **known):
    """Updates of one variable, and its last state, over a list of gradients."""
    variable = np.zeros(shape or gradients[0].shape, "float32")
    state, updates = rule.init([variable]), []
    for step, gradient in enumerate(gradients):
        loss = 1.0 if losses is None else losses[step]
        context = rules.Context(step, loss, total, **known)
        (update,), state = rule.update([gradient], state, [variable], context)
        updates.append(np.asarray(update))
    return updates, state


@pytest.mark.parametrize("sides", [(16, 16), (64, 16), (16, 64), (200, 40), (40, 200)])
def test_a_kernels_first_step_has_the_same_effect_at_any_width(sides):
    gradient = np.random.default_rng(0).normal(size=sides).astype("float32")
    rule = set_by_hand()
    (update,), _ = run(rule, [gradient])
    norm = np.linalg.norm(update, 2) * np.sqrt(sides[0] / sides[1])
    warm = 1.0 / 25.0
    assert 0.7 < norm / (rule.kernel_size * warm) < 1.3


@pytest.mark.parametrize("shape", [(150, 70), (70, 150), (128, 128), (65, 300)])
def test_blocks_keep_the_spectral_norm_within_a_factor_of_the_whole(shape):
    matrix = np.random.default_rng(1).normal(size=(1, *shape)).astype("float32")
    (found,) = np.asarray(direction.orthogonalised([matrix])[0])
    blocks = -(-min(shape) // direction.BLOCK)
    values = np.linalg.svd(found, compute_uv=False)
    assert found.shape == shape
    assert 0.6 * blocks**-0.25 < values.max() < 1.25 * blocks**0.25
    # Along the matrix: that is what makes it a direction of descent.
    assert np.vdot(found, matrix[0]) > 0.8 * np.linalg.norm(found) * np.linalg.norm(matrix)


def test_a_kernel_goes_along_an_orthogonal_matrix_and_turns_with_its_gradient():
    generator = np.random.default_rng(3)
    q, _ = np.linalg.qr(generator.normal(size=(12, 12)))
    left, _ = np.linalg.qr(generator.normal(size=(12, 5)))
    right, _ = np.linalg.qr(generator.normal(size=(5, 5)))
    gradient = (left @ np.diag(np.linspace(0.6, 1.0, 5)) @ right).astype("float32")
    mean = gradient[None]
    ones = np.ones((1, 12, 1), "float32"), np.ones((1, 1, 5), "float32")
    (found,) = np.asarray(direction.kernel_directions([mean], [ones])[0])
    values = np.linalg.svd(found, compute_uv=False)
    assert values.max() < 1.7 * values.min()
    turned = (q @ gradient).astype("float32")[None]
    (turned,) = np.asarray(direction.kernel_directions([turned], [ones])[0])
    np.testing.assert_allclose(turned, q @ found, atol=1e-4)


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_the_size_of_gradients_is_not_seen(size):
    generator = np.random.default_rng(4)
    for shape in ((6, 4), (3, 3, 2, 4), (5,)):
        gradients = [generator.normal(size=shape).astype("float32") for _ in range(4)]
        plain, _ = run(set_by_hand(), gradients)
        scaled, _ = run(set_by_hand(), [np.float32(size) * g for g in gradients])
        for a, b in zip(plain, scaled, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-6)


def test_what_never_had_a_gradient_stays_where_it_is():
    generator = np.random.default_rng(5)
    mask = generator.random((8, 6)) < 0.5
    rule = rules.get("spectral", weight_decay=1.0)
    variable = np.ones((8, 6), "float32")
    state = rule.init([variable])
    for step in range(5):
        gradient = mask * generator.normal(size=(8, 6)).astype("float32")
        context = rules.Context(step, 1.0, 10.0)
        (update,), state = rule.update([gradient], state, [variable], context)
        variable = variable + np.asarray(update)
    np.testing.assert_array_equal(variable[~mask], 1.0)
    assert (variable[mask] != 1.0).all()


@pytest.mark.parametrize("shape", [(6, 4), (6,)])
def test_the_step_size_grows_while_gradients_agree_and_shrinks_when_they_turn(shape):
    gradient = np.random.default_rng(6).normal(size=shape).astype("float32")
    _, agreeing = run(set_by_hand(), [gradient] * 40)
    _, turning = run(set_by_hand(), [(-1) ** k * gradient for k in range(40)])
    assert float(agreeing.shared["log_rate"][0]) > 0.5
    assert float(turning.shared["log_rate"][0]) < -0.1
    _, unknown = run(set_by_hand(), [(-1) ** k * gradient for k in range(40)], total=np.nan)
    assert float(unknown.shared["log_rate"][0]) < float(turning.shared["log_rate"][0])


def test_alike_variables_are_evaluated_together_and_that_changes_nothing(monkeypatch):
    rule = controlled(rules.get("spectral", hidden_size=4))
    together, state = trained_for(6, rule, SHAPES)
    monkeypatch.setattr(groups, "STACKED_COORDINATES", 1)
    apart, state_apart = trained_for(6, rule, SHAPES)
    for a, b in zip(together, apart, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    of_all = [name for name in state.shared if not name[0].isdigit()]
    assert "log_rate" in of_all and len(state.shared) < len(state_apart.shared)
    for name in of_all:
        value = state_apart.shared[name]
        if name == "side_squares":  # One group's behind the other's.
            value, state.shared[name] = np.sort(value), np.sort(state.shared[name])
        np.testing.assert_allclose(state.shared[name], value, rtol=1e-4, atol=1e-6)


def test_groups_are_of_one_shape_and_of_bounded_size(monkeypatch):
    variables = [np.zeros(s, "float32") for s in [(4, 4), (4,), (4, 4), (4, 4)]]
    layouts = [rules.layout_of(v.shape) for v in variables]
    assert groups.grouped(variables, layouts) == [[0, 2, 3], [1]]
    monkeypatch.setattr(groups, "STACKED_COORDINATES", 32)
    assert groups.grouped(variables, layouts) == [[0, 2], [1], [3]]


def test_single_numbers_are_in_one_row_filled_up_and_that_changes_nothing(monkeypatch):
    shapes = [(3,), (16,), (5, 1), (), (9,), (4, 3)]
    variables = [np.zeros(s, "float32") for s in shapes]
    layouts = [rules.layout_of(s) for s in shapes]
    assert groups.grouped(variables, layouts) == [[0, 1, 2, 3, 4], [5]]
    rule = controlled(rules.get("spectral", hidden_size=4))
    together, state = trained_for(6, rule, shapes)
    monkeypatch.setattr(groups, "FILLED_UP", ())
    apart, state_apart = trained_for(6, rule, shapes)
    assert len(state.shared) < len(state_apart.shared)
    for a, b in zip(together, apart, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("widths", [(3, 5, 9, 17, 40), (3, 3, 5)])
def test_blocks_of_many_widths_are_iterated_together_and_that_changes_nothing(widths):
    generator = np.random.default_rng(5)
    matrices = [generator.normal(size=(2, w, 70)).astype("float32") for w in widths]
    joint = direction.orthogonalised(matrices)
    for matrix, found in zip(matrices, joint, strict=True):
        own = cells.whitening(cells.gram_of(matrix), direction.POLYNOMIALS, tight=True)
        alone = cells.whitened(matrix, own)
        np.testing.assert_allclose(found, alone, rtol=1e-4, atol=1e-5)


def test_a_transposed_kernel_moves_as_its_transpose_does():
    generator = np.random.default_rng(8)
    gradient = generator.normal(size=(3, 3, 6, 4)).astype("float32")
    rule = set_by_hand()
    transposed = rule.laid_out([rules.layout_of((3, 3, 6, 4), "conv2d_transpose/kernel")])
    (update,), _ = run(transposed, [gradient])
    (plain,), _ = run(rule, [np.swapaxes(gradient, 2, 3)])
    np.testing.assert_allclose(np.swapaxes(update, 2, 3), plain, rtol=1e-4, atol=1e-7)


def test_a_layout_for_other_variables_is_refused():
    rule = set_by_hand().laid_out([rules.layout_of((3, 2))])
    with pytest.raises(ValueError, match="Received: 2 variables"):
        rule.init([np.zeros((3, 2), "float32")] * 2)


def test_the_guard_cuts_steps_while_the_loss_rises_and_lets_go_again():
    gradient = np.random.default_rng(9).normal(size=(6, 4)).astype("float32")
    noise = 0.01 * np.random.default_rng(10).normal(size=260)
    losses = np.concatenate([np.linspace(3, 1, 60), np.full(200, 6.0)]) + noise
    _, falling = run(set_by_hand(), [gradient] * 60, losses=losses)
    assert float(falling.shared["guard"]) == 0.0
    _, rising = run(set_by_hand(), [gradient] * 66, losses=losses)
    assert float(rising.shared["guard"]) < -0.5
    _, later = run(set_by_hand(), [gradient] * 260, losses=losses)
    assert float(later.shared["guard"]) > float(rising.shared["guard"])


def test_the_guard_ignores_noise():
    generator = np.random.default_rng(11)
    gradient = generator.normal(size=(6, 4)).astype("float32")
    losses = 1.0 + 0.5 * generator.random(200)
    _, state = run(set_by_hand(), [gradient] * 200, losses=losses)
    assert float(state.shared["guard"]) > guard.MIN_GUARD / 10


def test_step_sizes_grow_no_more_where_all_is_learned():
    gradient = np.random.default_rng(12).normal(size=(6, 4)).astype("float32")
    losses = np.full(60, 1e-6)
    losses[0] = 1.0
    _, learned = run(set_by_hand(), [gradient] * 60, losses=losses)
    losses[1:] = 1e-2
    _, learning = run(set_by_hand(), [gradient] * 60, losses=losses)
    assert float(learned.shared["log_rate"][0]) < 0.75 * float(learning.shared["log_rate"][0])


def test_steps_shrink_where_nothing_is_left_to_learn():
    generator = np.random.default_rng(9)
    gradients = [generator.normal(size=(6, 4)).astype("float32") for _ in range(80)]
    some, _ = run(set_by_hand(adaptation=0.0), gradients, losses=[1.0] * 20 + [1e-6] * 60)
    none, _ = run(set_by_hand(adaptation=0.0), gradients, losses=[1.0] * 20 + [1e-10] * 60)
    unseen, _ = run(set_by_hand(adaptation=0.0), gradients, losses=[np.nan] * 80)
    for a, b, c in zip(some[:20], none[:20], unseen[:20], strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(none[-1], 1e-2 * unseen[-1], rtol=0.2, atol=1e-9)
    np.testing.assert_allclose(some[-1], unseen[-1], rtol=0.1, atol=1e-9)


@pytest.mark.parametrize("total", [1000.0, np.nan])
@pytest.mark.parametrize("shape", [(6, 4), (6,)])
def test_steps_over_rows_that_come_again_are_shorter(shape, total):
    gradients = [np.random.default_rng(3).normal(size=shape).astype("float32")] * 30
    # A fifth of the first loss is gone after the first step.
    losses = [1.0, *[1e-3] * 29]
    found = {
        passes: run(set_by_hand(), gradients, losses=losses, total=total, passes=passes)
        for passes in (np.nan, 1.0, 3.0, 30.0, 1e6)
    }
    first = {passes: updates[0] for passes, (updates, _) in found.items()}
    for passes in (1.0, 3.0):
        np.testing.assert_array_equal(first[passes], first[np.nan])
        assert grown(found[passes]) == grown(found[np.nan]) > 0.0
    for passes in (30.0, 1e6):
        np.testing.assert_allclose(first[passes], 0.1**0.5 * first[np.nan], rtol=1e-5)


def grown(result):
    """r at the end of a run of one variable."""
    _, state = result
    return float(np.asarray(state.shared["log_rate"])[0])


@pytest.mark.parametrize(
    "shape, total, steps",
    [((40, 30), 2000.0, np.nan), ((1200,), 2000.0, np.nan), ((40, 30), np.nan, 8.0)],
)
def test_what_only_a_batchs_own_rows_agree_on_makes_no_step_longer(shape, total, steps):
    generator = np.random.default_rng(21)
    own = generator.normal(size=(8, *shape)).astype("float32")
    common = generator.normal(size=shape).astype("float32")
    rule, variable = set_by_hand(), np.zeros(shape, "float32")

    @tf.function
    def update(gradient, state, step, loss, passes):
        known = {"passes": passes, "epoch_steps": steps}
        return rule.update([gradient], state, [variable], rules.Context(step, loss, total, **known))

    def r(gradients, passes=np.nan):
        state, passes = rule.init([tf.constant(variable)]), tf.constant(passes, "float32")
        for step in range(160):
            loss = tf.constant(1e-2 if step else 1.0)
            _, state = update(gradients[step % 8], state, tf.constant(step), loss, passes)
        return float(np.asarray(state.shared["log_rate"])[0])

    # Rows that share nothing: all agreement is that of a row with itself.
    assert r(own) > 0.5
    assert r(own, 250.0) < 0.2 * r(own)
    # Rows that share much: hardly any is.
    shared = own + 2.0 * common
    assert r(shared, 250.0) > 0.8 * r(shared)


@pytest.mark.parametrize("total, passes", [(1000.0, 1000.0), (np.nan, 60.0)])
def test_where_others_are_unknown_steps_grow_more_slowly(total, passes):
    gradients = [np.random.default_rng(3).normal(size=(6, 4)).astype("float32")] * 30
    losses = [1.0, *[1e-3] * 29]
    new, again = (
        grown(run(set_by_hand(), gradients, losses=losses, total=total, passes=of))
        for of in (np.nan, passes)
    )
    assert 0.0 < again < 0.2 * new


def test_where_nothing_was_learned_yet_steps_grow_in_full_however_often_rows_come():
    gradients = [np.random.default_rng(3).normal(size=(6, 4)).astype("float32")] * 30
    once, often = (
        grown(run(set_by_hand(), gradients, losses=[1e5] * 30, total=1000.0, passes=passes))
        for passes in (1.0, 1000.0)
    )
    assert often == pytest.approx(once, rel=1e-5)


@pytest.mark.parametrize("passes, factor", [(np.nan, 6.0), (2.0, 6.0), (6.0, 12.0), (50.0, 20.0)])
def test_kernels_decay_more_where_rows_come_again_and_only_what_a_step_makes_smaller(
    passes, factor
):
    generator = np.random.default_rng(5)
    shapes = {"kernel": (6, 4), "embeddings": (6, 4)}
    rule = uncontrolled(rules.get("spectral", weight_decay=0.01))
    plain = set_by_hand()
    variables = [generator.normal(size=shape).astype("float32") for shape in shapes.values()]
    layouts = [rules.layout_of(shape, f"net/{name}") for name, shape in shapes.items()]
    gradients = [generator.normal(size=v.shape).astype("float32") for v in variables]
    taken = []
    for each in (rule, plain):
        each = each.laid_out(layouts)
        context = rules.Context(0, 1.0, np.nan, passes=passes)
        updates, _ = each.update(gradients, each.init(variables), variables, context)
        taken.append([np.asarray(u) for u in updates])
    rates = []
    for decayed, step, value in zip(*taken, variables, strict=True):
        shrinking = step * value < 0.0
        assert 0 < shrinking.sum() < value.size
        np.testing.assert_array_equal(decayed[~shrinking], step[~shrinking])
        shares = (step - decayed)[shrinking] / value[shrinking]
        np.testing.assert_allclose(shares, shares[0], rtol=1e-2)
        rates.append(np.mean(shares))
    share = rule.kernel_size * np.sqrt(4 / 6), rule.embedding_size
    assert rates[0] / rates[1] == pytest.approx(factor * share[0] / share[1], rel=1e-2)


@pytest.mark.parametrize(
    "total, steps, last",
    [
        (np.nan, 200.0, 0.05),
        (np.nan, 5.0, 0.905),
        (np.nan, np.nan, 1.0),
        (1000.0, 200.0, 1.0),
    ],
)
def test_towards_the_end_of_an_epoch_steps_of_a_run_of_unknown_length_are_shorter(
    total, steps, last
):
    gradient = np.random.default_rng(3).normal(size=(6, 4)).astype("float32")
    rule, variable = set_by_hand(), np.zeros((6, 4), "float32")
    count = 5.0 if np.isnan(steps) else steps

    def step(at, steps):
        known = {"epoch_start": 0, "epoch_steps": steps}
        context = rules.Context(at, 1.0, total, **known)
        return rule.update([gradient], rule.init([variable]), [variable], context)[0][0]

    for done, factor in ((0.0, 1.0), (0.5, 1.0), (1.0, last)):
        at = max(int(done * count) - 1, 0)
        found = np.asarray(step(at, steps)) / np.asarray(step(at, np.nan))
        np.testing.assert_allclose(found, factor, rtol=1e-4)


@pytest.mark.parametrize(
    "rows, factor",
    [(np.nan, 1.0), (1, 0.125), (8, 0.5**1.5), (16, 1.0), (128, 1.0), (512, 2.0), (1e5, 4.0)],
)
def test_steps_follow_how_many_rows_a_batch_has(rows, factor):
    gradients = [np.random.default_rng(3).normal(size=(6, 4)).astype("float32")] * 3
    usual, _ = run(set_by_hand(), gradients)
    found, _ = run(set_by_hand(), gradients, batch_rows=rows)
    np.testing.assert_allclose(found, np.multiply(factor, usual), rtol=1e-5)


@pytest.mark.parametrize(("total", "least"), [(np.nan, 0.7), (1000.0, 1.0)])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e6])
def test_steps_are_shorter_where_a_gradients_mean_is_small_unless_the_end_is_known(
    total, least, scale
):
    generator = np.random.default_rng(3)
    usual = np.full(4, scale**2, "float32")
    left = np.array([0.0, 1e-3, 0.05, 0.5], "float32")
    measured = signals.Measured(*[usual] * len(signals.Measured._fields))._replace(
        mean_power=left * usual
    )
    context = rules.Context(10, generator.random(), total)
    found = noise.size_by_noise(measured, usual, context)
    half = 0.5**0.25 if np.isnan(total) else 1.0
    np.testing.assert_allclose(found, [1.0, least, half, 1.0], rtol=1e-5)


def test_no_end_known_noise_makes_steps_shorter_by_what_is_left_of_it_in_the_mean():
    generator, signal = np.random.default_rng(3), np.ones((40, 30), "float32")
    noisy = [generator.normal(size=signal.shape).astype("float32") for _ in range(200)]
    rule = set_by_hand(adaptation=0.0)

    def length(gradients, total):
        (*_, last), _ = run(rule, gradients, total=total, losses=np.ones(200))
        return np.linalg.norm(last)

    def shorter(gradients):
        known = length(gradients, 1e9), length([signal] * 200, 1e9)
        unknown = length(gradients, np.nan), length([signal] * 200, np.nan)
        return (unknown[0] / known[0]) / (unknown[1] / known[1])

    # Of noise alone a mean with weights of 0.05 keeps 0.05/1.95.
    np.testing.assert_allclose(shorter(noisy), (10.0 * 0.05 / 1.95) ** 0.25, rtol=0.02)
    # Gradients that turn at every step leave less, which is no noise.
    turning = [signal * (-1.0) ** step for step in range(200)]
    np.testing.assert_allclose(shorter(turning), 0.7, rtol=1e-3)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize(
    ("losses", "total", "factor"),
    [
        # Losses of 0 and 0.08 lie as far apart as they are large: 0.04 of 8.
        ([0.0, 0.08], np.nan, 0.005**0.5),
        ([0.0, 0.08], 1000.0, 1.0),
        # So evenly spread that all rows have a part in it.
        ([0.039, 0.041], np.nan, 1.0),
        ([0.0, 2e-9], np.nan, 0.05),
        # Nobody knows how much is left above a floor that is below 0.
        ([-0.1, 0.08], np.nan, 1.0),
        # More than it was in the beginning.
        ([0.0, 20.0], np.nan, 1.0),
    ],
)
def test_no_end_known_steps_are_shorter_where_few_rows_make_up_what_is_left_of_the_loss(
    losses, total, factor, unit
):
    state = run_signals.loss_state()
    for loss in [4.0] + losses * 400:
        _, state = run_signals.loss_signals(np.float32(unit * loss), state)
    found = noise.size_by_losses(state, rules.Context(801, 0.0, total))
    np.testing.assert_allclose(found, factor, rtol=0.06)
    contested = noise.size_by_losses(state, rules.Context(801, 0.0, total, contested=True))
    assert float(contested) == 1.0


@pytest.mark.parametrize(
    ("rows", "factor"),
    [(np.nan, 0.005**0.5), (512, 0.005**0.5), (32, 0.005**0.5), (8, 0.005**0.093), (1, 1.0)],
)
def test_losses_of_few_rows_lie_far_apart_anyway(rows, factor):
    state = run_signals.loss_state()
    for loss in [4.0] + [0.0, 0.08] * 400:
        _, state = run_signals.loss_signals(np.float32(loss), state)
    found = noise.size_by_losses(state, rules.Context(801, 0.0, np.nan, batch_rows=rows))
    np.testing.assert_allclose(found, factor, rtol=0.06)


def test_nothing_is_known_of_losses_before_there_are_some():
    state = run_signals.loss_state()
    for loss in (np.nan, 1.0, 0.0, 0.1, np.nan):
        found = noise.size_by_losses(state, rules.Context(3, loss, np.nan))
        assert float(found) == 1.0
        _, state = run_signals.loss_signals(np.float32(loss), state)


@pytest.mark.parametrize(("rows", "grows"), [(1, True), (15, True), (16, False), (np.nan, False)])
def test_of_few_rows_gradients_that_agree_count_by_their_size(rows, grows):
    along = np.random.default_rng(3).normal(size=(6, 4)).astype("float32")
    # Steps go along the large ones: two of three gradients, small ones, turn against them.
    sizes = np.where(np.arange(300) % 3 == 2, 4.0, -0.2)
    _, state = run(set_by_hand(), [size * along for size in sizes], total=1e6, batch_rows=rows)
    assert (float(state.shared["log_rate"][0]) > 0.0) == grows


@pytest.mark.parametrize(
    "total, steps, counts",
    [
        (250.0, np.nan, 0.3),
        (250.0, 50.0, 0.3),
        (np.nan, np.nan, 1.0),
        (np.nan, 1e6, 0.6),
    ],
)
def test_how_much_turning_counts_depends_on_what_makes_steps_small_in_the_end(total, steps, counts):
    gradient = np.random.default_rng(3).normal(size=(6, 4)).astype("float32")
    shrunk = []
    for known in ({"epoch_steps": steps}, {}):
        length = total if known else np.nan
        _, state = run(set_by_hand(), [gradient, -20.0 * gradient], total=length, **known)
        shrunk.append(float(np.asarray(state.shared["log_rate"])[0]))
    assert shrunk[1] < 0.0
    assert shrunk[0] == pytest.approx(counts * shrunk[1], rel=2e-2)


@pytest.mark.parametrize("total, share", [(50.0, 1.0), (200.0, 0.5), (2000.0, 0.1), (np.nan, 0.1)])
def test_a_short_run_has_longer_steps_however_often_it_passes(total, share):
    gradient = [np.random.default_rng(3).normal(size=(6, 4)).astype("float32")]
    often, _ = run(set_by_hand(), gradient, total=total, passes=60.0)
    once, _ = run(set_by_hand(), gradient, total=total, passes=1.0)
    np.testing.assert_allclose(often[0], share**0.5 * once[0], rtol=1e-5)


def test_a_variable_without_entries_is_no_trouble():
    shapes = [(0,), (3, 0), (4, 2)]
    variables, _ = trained_for(2, set_by_hand(), shapes)
    assert [v.shape for v in variables] == shapes
    assert np.isfinite(variables[-1]).all()


def test_a_kernel_with_one_input_moves_as_an_offset():
    gradient = np.random.default_rng(8).normal(size=(1, 32)).astype("float32")
    rule = set_by_hand().laid_out(
        [rules.layout_of((1, 32), "lstm/kernel"), rules.layout_of((32,), "lstm/bias")]
    )
    variables = [np.ones((1, 32), "float32"), np.ones((32,), "float32")]
    context = rules.Context(0, 1.0, np.nan)
    (kernel, bias), _ = rule.update(
        [gradient, gradient[0]], rule.init(variables), variables, context
    )
    np.testing.assert_allclose(np.asarray(kernel)[0], np.asarray(bias), rtol=1e-5)
    assert np.abs(np.asarray(bias)).max() > 0.0


@pytest.mark.parametrize(
    "total, times", [(1000.0, 1.0), (200.0, 1.0), (100.0, 2.0), (20.0, 8.0), (np.nan, 1.0)]
)
def test_steps_start_larger_and_change_faster_in_a_run_that_is_known_to_be_short(total, times):
    gradients = [np.random.default_rng(3).normal(size=(6, 4)).astype("float32")] * 2

    def of_run(total):
        """The first step, and by how much r grows in the second, but for the annealing."""
        updates, state = run(set_by_hand(), gradients, total=total)
        left = 1.0 if np.isnan(total) else 1.0 - 1.0 / total
        warm = 1.0 / (5.0 + 0.02 * (250.0 if np.isnan(total) else total))
        line = (1.0 + 1.0 / 300.0) ** -0.5 if np.isnan(total) else 0.01 + 0.99 * left
        pace = 1.0 + (times - 1.0) * left if total != 1000.0 else 1.0
        return updates[0] / warm, float(state.shared["log_rate"][0]) / (2.0 * warm * line * pace)

    (update, grown), (usual, usually) = of_run(total), of_run(1000.0)
    np.testing.assert_allclose(update, times**0.5 * usual, rtol=1e-4)
    assert grown == pytest.approx(usually, rel=1e-4) and usually > 0.0


def test_the_hurry_of_a_short_run_is_over_at_its_end():
    def pace(iteration):
        return float(hurry(rules.Context(iteration, 1.0, 50.0))[1])

    assert [pace(i) for i in (0, 25, 50, 60)] == pytest.approx([4.0, 2.5, 1.0, 1.0])
