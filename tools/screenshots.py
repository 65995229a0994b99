"""Makes the screenshots of the docs: the page of an evaluation, and TensorBoard's of two runs.

python -m tools.screenshots                # all, into docs/pictures
python -m tools.screenshots page           # one of PICTURES

Needs Chromium, and Playwright (requirements-slow.txt).
"""

import pathlib
import socket
import subprocess
import sys
import tempfile
from urllib.parse import quote

from tools.browser import opened, save_screenshot

ROOT = pathlib.Path(__file__).resolve().parents[1]
TRIES = 20
PICTURES = ROOT / "docs" / "pictures"


def page():
    """The page of two comparisons."""
    from l2l_tf.evaluation import Results

    paths = [ROOT / "results" / name / "results.json" for name in ("digits", "quadratic")]
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "page.html"
        Results.merged(map(Results.from_json, paths)).to_html(path)
        with opened(path.as_uri(), height=1000) as (shown, _):
            shown.wait_for_selector(".legendtoggle")
            shown.evaluate("document.querySelectorAll('h2')[1].scrollIntoView()")
            save_screenshot(shown, PICTURES / "page.png")


def tensorboard_fit():
    """What the default does while a model is trained on digits."""
    import keras
    from sklearn.datasets import load_digits

    import l2l_tf

    x, y = load_digits(return_X_y=True)
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(n, a) for n, a in ((64, "relu"), (32, "relu"), (10, "softmax"))]
    model = keras.Sequential(layers)
    model.compile(l2l_tf.LearnedOptimizer(), "sparse_categorical_crossentropy")
    with tempfile.TemporaryDirectory() as logs:
        callbacks = [keras.callbacks.TensorBoard(logs), l2l_tf.OptimizerSummaries(logs, 5)]
        model.fit(x / 16.0, y, 32, epochs=6, callbacks=callbacks, verbose=0)
        _tensorboard(logs, "tensorboard-fit", "(cosine|step_size)/.*kernel")


def tensorboard_meta():
    """A meta-training on digits."""
    from l2l_tf import meta

    trainer = meta.Trainer(
        "rnnprop(hidden_size=8)",
        ["digits_mlp(hidden=8)"],
        meta.TruncatedBPTT(unroll=10, num_tasks=2, log_loss=True),
        trajectories=(40,),
        validate_every=10,
        meta_learning_rate=0.02,
    )
    with tempfile.TemporaryDirectory() as logs:
        trainer.fit(80, callbacks=[meta.callbacks.TensorBoard(logs, update_freq=1)])
        _tensorboard(logs, "tensorboard-meta", "curves/|meta_loss|gradient_norm|score")


def _tensorboard(logs, name, tags):
    """A screenshot of TensorBoard over a directory of logs, of tags that a pattern is found in."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["-m", "tensorboard.main", f"--logdir={logs}", f"--port={port}", "--load_fast=false"]
    server = subprocess.Popen(
        [sys.executable, *command, "--host=127.0.0.1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in server.stderr:
            if f":{port}" in line:
                break
        url = f"http://127.0.0.1:{port}/?darkMode=false&smoothing=0&tagFilter={quote(tags)}#timeseries"
        with opened(url, height=1000) as (shown, _):
            for _ in range(TRIES):  # TensorBoard shows what it has read when it is asked.
                shown.wait_for_timeout(10_000)
                if shown.locator("card-view").count():
                    break
                shown.reload()
            shown.locator("button", has_text="Settings").first.click()
            shown.wait_for_selector("card-view svg, card-view canvas")
            shown.wait_for_timeout(6000)
            save_screenshot(shown, PICTURES / f"{name}.png")
    finally:
        server.terminate()
        server.wait()


SHOTS = {f.__name__.replace("_", "-"): f for f in (page, tensorboard_fit, tensorboard_meta)}


if __name__ == "__main__":
    for chosen in sys.argv[1:] or SHOTS:
        SHOTS[chosen]()
        print(f"{chosen}: {(PICTURES / f'{chosen}.png').stat().st_size:,} bytes")
