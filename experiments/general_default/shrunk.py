"""A preset whose scheduler says less: its controls times a factor.

python -m experiments.general_default.shrunk --preset=runs/spectral-1/preset --factor=0.4 \
    --rule='spectral(hidden_size=8)' --output_dir=runs/spectral-general

Controls are deviations from a rule that is set by hand, so a factor below 1 goes part of the way
to what was learned, as shrinkage does in statistics: less of what is peculiar to the small tasks
that a rule was meta-trained on. The factor is chosen on other tasks.
"""

import numpy as np
from absl import app, flags

from l2l_tf import presets, rules

FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_string("preset", None, "Directory or name of a preset.", required=True)
    flags.DEFINE_float("factor", None, "What the controls are multiplied by.", required=True)
    flags.DEFINE_string("rule", None, "The rule under other settings, such as spectral().")
    flags.DEFINE_string("output_dir", None, "Directory of the new preset.", required=True)


def shrunk(rule, factor):
    """The rule with its controls, everything behind its LSTM, multiplied by `factor`.

    Args:
        rule: A `Spectral`.
        factor: Number.
    """
    return rule.bind(
        {
            name: value if name.startswith("lstm_") else np.float32(factor) * np.asarray(value)
            for name, value in rule.meta_params.items()
        }
    )


def main(argv):
    del argv
    rule = presets.load_preset(FLAGS.preset)
    if FLAGS.rule:
        rule = rules.from_text(FLAGS.rule).bind(rule.meta_params)
    rule = shrunk(rule, FLAGS.factor)
    note = (
        f"- After meta-training the controls were multiplied by {FLAGS.factor} and the rule set to "
        f"`{rule!r}`: `python -m experiments.general_default.shrunk`"
    )
    card = presets.load_card(FLAGS.preset)
    title, rest = card.split("\n", 1)
    presets.save_preset(FLAGS.output_dir, rule, f"{title}\n\n{note}\n{rest.lstrip()}")


if __name__ == "__main__":
    app.run(main)
