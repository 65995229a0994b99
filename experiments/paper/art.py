"""Section 3.4: neural art, by the command that compares there, as a section of the report."""

import subprocess
import sys

TITLE = "Neural art (section 3.4)"
NAME = "lstm-neural-art"


def run(experiment):
    """The section as Markdown; its pictures, plot and records are written to `art/` beside it."""
    where = experiment.preset(NAME)
    if where is None:
        return experiment.missing(NAME)
    output = experiment.output / "art"
    command = [
        *(sys.executable, "-m", "experiments.art.compare", f"--preset={where}"),
        *(f"--output_dir={output}", f"--cache_dir={experiment.runs / 'art'}"),
        *(f"--steps={experiment.plan.art_steps}", f"--seeds={experiment.plan.art_seeds}"),
    ]
    subprocess.run(command, check=True)
    return (output / "report.md").read_text().replace("](", "](art/")
