"""The benchmarks as a picture."""

from matplotlib.figure import Figure


def plot(results, path):
    """Write a PNG: cost of a step against weights, and meta-steps per second.

    Args:
        results: What `benchmarks.run` collected.
        path: File to write.
    """
    figure = Figure(figsize=(13, 5.2), layout="constrained")
    without, with_jit, meta = figure.subplots(1, 3, width_ratios=(3, 3, 2))
    rows = [row for row in results["steps"] if "skipped" not in row]
    names = list(dict.fromkeys(row["optimizer"] for row in rows))
    for axes, jit in ((without, False), (with_jit, True)):
        for index, name in enumerate(names):
            points = [
                (r["weights"], r["ns_per_weight"])
                for r in rows
                if r["optimizer"] == name and r["jit"] == jit
            ]
            if not points:
                continue
            style = {"color": f"C{index % 10}", "marker": "osD^v"[index // 10 % 5]}
            axes.loglog(*zip(*points, strict=True), label=name, **style)
        axes.set_title("Step, compiled" if jit else "Step, not compiled")
        axes.set_xlabel("weights")
        axes.grid(alpha=0.3)
    with_jit.sharey(without)
    without.set_ylabel("ns per weight")
    handles, labels = without.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", fontsize=7, ncols=7, frameon=False)
    bars = [r for r in results.get("meta_steps", []) if "skipped" not in r]
    labels = [f"{r['estimator']}\n{r['problem']}" for r in bars]
    meta.barh(labels, [r["meta_steps_per_second"] for r in bars])
    meta.set_title("Meta-steps per second")
    meta.tick_params(labelsize=7)
    meta.invert_yaxis()
    about = results["about"]
    figure.suptitle(
        f"TensorFlow {about['tensorflow']}, Keras {about['keras']}, {about['cores']} cores, "
        f"{about['date']}; medians of {about['repeats']} interleaved repeats",
        fontsize=9,
    )
    figure.savefig(path, dpi=130)
