# SPDX-License-Identifier: BSD-2-Clause
"""The picture: how many times longer the others take for the same work."""

import report

ROOM, INK, LINE = 0.27, "#222222", "#888888"
COLOURS = {"PyTorch": "#c44e52", "JAX": "#dd8452", "NumPy": "#8172b3", "ONNX": "#937860"}


def bars(results):
    """[(heading, [(label, ratio)])]"""
    groups = []
    for row in report.all_steps(results):
        floor = [(f"its products alone by {row['floor']}", 1 / row["over_floor"])] if row["floor"] else []
        groups.append((f"training step, model {row['model']}, {report.threads_of(row)}",
                       floor + list(row["rivals"].items())))
    for row in results.get("elements") or []:
        groups.append((report.case_words(row["case"]), list(row["rivals"].items())))
    latency = results.get("latency")
    if latency:
        floor = [(f"its products alone by {latency['floor']}", 1 / latency["over_floor"])] if latency["floor"] else []
        groups.append(("score of one row, model A", floor + list(latency["rivals"].items())))
    for row in results.get("evidence") or []:
        groups.append((report.evidence_words(row),
                       [(label, ratios["many"]) for label, ratios in row["rivals"].items()]))
    return [(heading, group) for heading, group in groups if group]


def colour(label):
    return next((colour for name, colour in COLOURS.items() if label.startswith(name)), LINE)


def draw(pyplot, groups, path):
    rows = sum(1 + len(group) for _, group in groups)
    figure, axes = pyplot.subplots(figsize=(9, ROOM * rows + 1))
    values = [value for _, group in groups for _, value in group]
    low, high = min(0.4, 0.7 * min(values)), 5 * max(values)
    at = 0
    for heading, group in groups:
        axes.text(low, at, heading, va="center", color=INK, fontsize=9, weight="bold",
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
        at += 1
        for label, value in group:
            axes.barh(at, value - 1, left=1, height=0.75, color=colour(label))
            axes.text(max(value, 1) * 1.05, at, f"{report.number(value)}  {label}", va="center", color=INK, fontsize=8)
            at += 1
    axes.axvline(1, color=INK, linewidth=1, zorder=0)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(at - 0.4, -0.8)
    axes.set_yticks([])
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("time over libvae's, which is the line: right of it, libvae is faster")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def write(results, path, bench):
    """The picture's path, or None."""
    groups = bars(results)
    if not groups:
        bench.skip("the picture: there are no other contenders")
        return None
    try:
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        bench.skip(f"the picture: {error}")
        return None
    draw(pyplot, groups, path)
    return path
