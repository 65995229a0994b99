"""What takes the meta-steps: Adam, a preset's rule, the rule in training, or one it trains."""

import json

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import LearnedOptimizer, meta, presets, rules
from l2l_tf.cli import train

RULE = "rnnprop(hidden_size=2,layers=1)"


def make(**changes):
    settings = {"trajectories": (4,), "meta_steps": 8, "validate_every": 4, **changes}
    return meta.Trainer(
        RULE,
        ["quadratic(dimension=2)"],
        "bptt(unroll=2,num_tasks=2)",
        num_validation_tasks=2,
        jit_compile=False,
        **settings,
    )


def weights(trainer):
    return {name: v.numpy() for name, v in trainer.variables.items()}


def assert_same(a, b):
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name])


def meta_gradients(trainer, steps):
    """Takes steps, and gives the weights before each of them and the meta-gradients."""
    seen, step = [], trainer._meta_optimizer.step

    def noted(gradients, meta_loss):
        seen.append((weights(trainer), [g.numpy() for g in gradients], meta_loss))
        step(gradients, meta_loss)

    trainer._meta_optimizer.step = noted
    for _ in range(steps):
        trainer.step()
    return seen


def replayed(trainer, seen, optimizer, rules_at):
    """The weights after the same gradients through a `LearnedOptimizer` of given weights."""
    variables = [tf.Variable(v, name=name) for name, v in seen[0][0].items()]
    optimizer.build(variables)
    for number, (_, gradients, loss) in enumerate(seen):
        optimizer.follow(rules_at(number))
        optimizer.observe_loss(loss)
        optimizer.apply(gradients, variables)
    return dict(zip(seen[0][0], (v.numpy() for v in variables), strict=True))


def test_adams_step_in_one_program_is_that_of_single_operations_bit_for_bit():
    trainer = make(clip_norm=0.1)
    seen = meta_gradients(trainer, 6)
    variables = [tf.Variable(v) for v in seen[0][0].values()]
    adam = make(clip_norm=0.1).optimizer
    adam = type(adam).from_config(adam.get_config())
    for _, gradients, _ in seen:
        adam.apply([tf.constant(g) for g in gradients], variables)
    after = weights(trainer)
    assert_same(after, dict(zip(after, (v.numpy() for v in variables), strict=True)))
    assert any(np.any(after[name] != value) for name, value in seen[0][0].items())


def test_a_presets_rule_takes_the_steps_that_it_would_take_in_any_model():
    trainer = make(meta_optimizer="preset:rnnprop-general", meta_update_scale=0.1)
    seen = meta_gradients(trainer, 3)
    rule = presets.load_preset("rnnprop-general")
    alone = LearnedOptimizer(0.1, rule=rule, total_steps=8, global_clipnorm=1.0)
    expected = replayed(trainer, seen, alone, lambda number: rule.meta_params)
    for name, value in weights(trainer).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-7)
        assert (value != seen[0][0][name]).any()


def test_a_rule_that_trains_itself_has_the_weights_of_that_meta_step():
    trainer = make(meta_optimizer="self")
    seen = meta_gradients(trainer, 4)
    alone = LearnedOptimizer(1.0, rule=trainer.rule, total_steps=8, global_clipnorm=1.0)
    expected = replayed(trainer, seen, alone, lambda number: seen[number][0])
    for name, value in weights(trainer).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-4, atol=1e-6)


def test_two_rules_train_each_other_in_turns():
    trainer = make(meta_optimizer="dual", partner="rule:lstm(hidden_size=2,layers=1)")
    partner = trainer.partner
    assert partner.partner is trainer and partner.rule.hidden_size == 2
    assert isinstance(trainer.optimizer.rule, rules.LSTM)
    assert isinstance(partner.optimizer.rule, rules.RNNProp)
    before = weights(trainer), weights(partner)
    summaries = trainer.step()
    assert np.isfinite(summaries["partner_meta_loss"])
    assert_same(before[1], trainer.optimizer.rule.meta_params)
    assert_same(weights(trainer), partner.optimizer.rule.meta_params)
    for old, now in zip(before, (weights(trainer), weights(partner)), strict=True):
        assert any((old[name] != now[name]).any() for name in old)
    assert partner.meta_step == trainer.meta_step == 1
    assert trainer.validate()["partner_score"] == partner.validations[-1]["score"]


def test_split_and_resumed_equals_one_run(tmp_path):
    whole, first, second = (make(meta_optimizer="dual", ema_decay=0.5) for _ in range(3))
    whole.fit(verbose=0)
    for _ in range(5):
        first.step()
    first.validate()
    first.save(tmp_path)
    assert second.restore(tmp_path) and second.partner.meta_step == 5
    for _ in range(3):
        second.step()
    assert_same(weights(whole), weights(second))
    assert_same(weights(whole.partner), weights(second.partner))
    with pytest.raises(ValueError, match="settings.meta_optimizer='dual'"):
        make(meta_optimizer="self", ema_decay=0.5).restore(tmp_path)


def test_a_run_that_is_begun_anew_equals_a_fresh_one():
    trainer = make(meta_optimizer="dual")
    trainer.fit(verbose=0)
    for name in ("adam", "self", "dual"):
        trainer.restart(meta_optimizer=name, seed=3)
        trainer.fit(verbose=0)
        fresh = make(meta_optimizer=name, seed=3)
        fresh.fit(verbose=0)
        assert_same(weights(trainer), weights(fresh))
        assert trainer.validations == fresh.validations
    with pytest.raises(ValueError, match="Received: {'ema_decay': 0.5}"):
        trainer.restart(ema_decay=0.5)


def test_a_checkpoint_from_before_there_was_a_choice_is_taken_up(tmp_path):
    from l2l_tf.meta import checkpoint

    trainer = make()
    trainer.step()
    trainer.save(tmp_path)
    step, arrays, info = checkpoint.newest_checkpoint(tmp_path)
    for name in ("meta_optimizer", "meta_update_scale"):
        del info["describe"]["settings"][name]
    checkpoint.save_checkpoint(tmp_path, step, arrays, info)
    assert make().restore(tmp_path)


@pytest.mark.parametrize(
    "arguments, received",
    [
        ({"meta_optimizer": "sgd"}, "meta_optimizer='sgd'"),
        ({"meta_optimizer": "preset:"}, "meta_optimizer='preset:'"),
        ({"meta_optimizer": "preset:nobody"}, "meta_optimizer='nobody'"),
        ({"partner": "lstm"}, "meta_optimizer='adam'"),
        ({"meta_update_scale": 0.0}, "meta_update_scale=0.0"),
    ],
)
def test_what_cannot_take_meta_steps_is_refused(arguments, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        make(**arguments)


def test_the_command_leaves_both_presets(tmp_path):
    arguments = [f"--rule={RULE}", "--task=quadratic(dimension=2)", "--unroll=2", "--trajectory=4"]
    arguments += ["--num_tasks=2", "--num_validation_tasks=2", "--nojit_compile"]
    arguments += ["--meta_steps=2", "--meta_optimizer=dual", f"--output_dir={tmp_path}"]
    assert train.run([*arguments, "--partner=lstm(hidden_size=2,layers=1)"]) == 0
    assert isinstance(presets.load_preset(tmp_path / "preset"), rules.RNNProp)
    assert isinstance(presets.load_preset(tmp_path / "partner" / "preset"), rules.LSTM)
    config = json.loads((tmp_path / "preset" / "config.json").read_text())
    assert config["meta_training"]["partner"]["name"] == "lstm"
