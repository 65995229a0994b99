"""What an optimizer costs: the report says what the records beside it say."""

import dataclasses

import pytest

from experiments.cost import run
from l2l_tf.evaluation import CostReport


def test_the_report_is_made_of_the_records_beside_it():
    written = (run.HERE / "results" / "cost.md").read_text("utf-8")
    assert run.document(run.HERE / "results") + "\n" == written


def test_what_is_there_is_not_measured_again(tmp_path):
    values = {field.name: 1 for field in dataclasses.fields(CostReport)}
    report, path = CostReport(**values), tmp_path / "records.csv"
    run.Records(path).add({"net": "a", "steps": 3}, lambda: report)
    again = run.Records(path)
    again.add({"net": "a", "steps": 3}, lambda: pytest.fail("measured again"))
    again.add({"net": "b", "steps": 3}, lambda: report)
    assert [row["net"] for row in run.Records(path).rows] == ["a", "b"]


@pytest.mark.parametrize("build", run.NETS.values())
def test_the_nets_are_of_the_size_that_is_told(build):
    assert build().count_params() == {"mlp": 669_706, "conv_net": 29_066}[build.__name__]
