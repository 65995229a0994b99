"""Quadratics of known condition, and logistic regression."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from l2l_tf import tasks


@pytest.mark.parametrize("condition", [1.0, 1e2, 1e4])
def test_the_hessian_has_the_condition_number_and_a_largest_eigenvalue_of_one(condition):
    task = tasks.ConditionedQuadratic(8, condition)
    (x,), (root, target) = task.init(tasks.as_seed(0))
    hessian = root.numpy().T @ root.numpy()
    eigenvalues = np.linalg.eigvalsh(hessian.astype("float64"))
    np.testing.assert_allclose(eigenvalues[[0, -1]], [1 / condition, 1.0], rtol=1e-2)
    difference = x.numpy() - target.numpy()
    expected = 0.5 * difference @ hessian @ difference
    np.testing.assert_allclose(task.loss([x], [root, target], ())[0], expected, rtol=1e-4)
    assert float(task.loss([target], [root, target], ())[0]) == 0.0


def test_the_minimum_of_logistic_regression_is_that_of_scikit_learn():
    task = tasks.LogisticRegression(l2=0.01)
    rows, labels = (t.numpy() for t in task.full_batch("train"))
    assert [len(task.full_batch(s)[0]) for s in tasks.SPLITS] == [341, 114, 114]
    model = LogisticRegression(C=1 / (0.01 * len(rows)), tol=1e-8, max_iter=1000)
    model.fit(rows, labels)
    best = [model.coef_[0].astype("float32"), model.intercept_.astype("float32")]
    loss, _, metrics = task.loss(best, [], (rows, labels))
    generator = np.random.default_rng(0)
    for _ in range(10):
        near = [p + 0.05 * generator.normal(size=p.shape).astype("float32") for p in best]
        assert float(task.loss(near, [], (rows, labels))[0]) > float(loss)
    np.testing.assert_allclose(metrics["accuracy"], model.score(rows, labels), atol=1e-6)


def test_arguments_that_cannot_work_are_refused():
    for text in ("conditioned_quadratic(dimension=1)", "conditioned_quadratic(condition=0.5)"):
        with pytest.raises(ValueError, match="Received:"):
            tasks.get(text)
