# SPDX-License-Identifier: BSD-2-Clause
"""Results of runs, kept as JSON, and tables and pictures drawn from all of them.

A record is one run: {"row", "seed", "passes", "draws", "images", "values", "curve", ...}. A new record
replaces the one of the same row, seed, passes, draws and images. A table shows, for each row, the records of the
longest run, with the mean of the seeds and their standard deviation."""

import contextlib
import fcntl
import json
import math
import os
import pathlib
import statistics

KEY = ("row", "seed", "passes", "draws", "images")
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown", "tab:pink", "tab:olive")


@contextlib.contextmanager
def locked(folder):
    """Runs of several seeds at the same time write one after the other."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def replace(path, text):
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def load(folder, name):
    path = pathlib.Path(folder) / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def key_of(record):
    return tuple(record[name] for name in KEY)


def add(folder, name, record):
    records = [one for one in load(folder, name) if key_of(one) != key_of(record)] + [record]
    records.sort(key=key_of)
    lines = ",\n".join(json.dumps(one, sort_keys=True) for one in records)
    replace(pathlib.Path(folder) / f"{name}.json", f"[\n{lines}\n]\n")


def longest(records):
    """{row: the records of its longest run}: most passes first, then most draws, then most test images."""
    chosen = {}
    for record in records:
        length = [record[name] for name in ("passes", "draws", "images")]
        best = chosen.get(record["row"])
        if best is None or length > best[0]:
            chosen[record["row"]] = best = (length, [])
        if length == best[0]:
            best[1].append(record)
    return {row: found for row, (_, found) in chosen.items()}


def spread(values, digits):
    """The mean and, of several seeds, their standard deviation."""
    if not values:
        return "-"
    text = f"{statistics.fmean(values):.{digits}f}"
    return text + (f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else "")


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def command(name, found):
    """What makes these records, wherever the data are."""
    one = found[0]
    options = {"rows": one["row"], "seeds": " ".join(str(record["seed"]) for record in found),
               "passes": one["passes"], "images": one["images"]}
    if one["draws"]:
        options["draws"] = one["draws"]
    return f"./scripts/papers {name} " + " ".join(f"--{key} {value}" for key, value in options.items())


def markdown(paper, records, picture):
    """The page of a table."""
    chosen, rows, commands = longest(records), [], []
    for row, published in paper.rows.items():
        found = chosen.get(row, [])
        ours = [spread([record["values"][key] for record in found if key in record["values"]], digits)
                for key, _, digits in paper.measured]
        passes = f"{found[0]['passes']} of {paper.length(row)}" if found else "-"
        if any(record.get("stopped") for record in found):
            passes += ", stopped early at " + ", ".join(str(record["stopped"]) for record in found)
        rows.append([row, *published, *ours, len(found), passes])
        if found:
            commands.append([row, found[0]["images"], found[0]["draws"] or 1, f"`{command(paper.name, found)}`"])
    header = ["row", *paper.published, *(heading for _, heading, _ in paper.measured), "seeds", "passes"]
    text = f"# {paper.title}\n\n{paper.about}\n" + table(header, rows)
    text += paper.remarks(chosen)
    if picture.exists():
        text += f"\n![{paper.title}]({picture.name})\n"
    every = [record for found in chosen.values() for record in found]
    made = sorted({f"{record['build']}, revision {record['revision']}" for record in every})
    text += "\n## Commands\n\nOf each row, without the paths of data (`--mnist`, `--fashion`, `--frey`).\n\n"
    text += table(["row", "images evaluated", "draws", "command"], commands)
    text += "\nMade by " + "; ".join(made) + ".\n" if made else ""
    return text


def draw(paper, folder):
    """The page and, where matplotlib is installed, the picture."""
    records, folder = load(folder, paper.name), pathlib.Path(folder)
    picture = folder / f"{paper.name}.png"
    panels = [panel for panel in paper.panels(longest(records)) if panel["lines"]]
    if panels:
        plot(panels, picture)
    replace(folder / f"{paper.name}.md", markdown(paper, records, picture))


def plot(panels, path):
    """Panels side by side: {"title", "x", "y", "lines": [(label, xs, ys, style)], "levels": [y], "range"}. The range
    is that of y where it holds any point."""
    try:
        import matplotlib
    except ImportError:
        print("papers: no picture, matplotlib is not installed")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(1, len(panels), figsize=(6.4 * len(panels), 4.8), squeeze=False)
    for panel, axis in zip(panels, axes[0]):
        colours = {}
        for label, xs, ys, style in panel["lines"]:
            colour = colours.setdefault(label.split(",")[0], COLOURS[len(colours) % len(COLOURS)])
            axis.plot(xs, ys, style, color=colour, label=label, linewidth=1)
        for level in panel.get("levels", []):
            axis.axhline(level, color="grey", linewidth=0.8, linestyle=":")
        axis.set(title=panel["title"], xlabel=panel["x"], ylabel=panel["y"], xscale=panel.get("xscale", "log"))
        low, high = panel.get("range", (-math.inf, math.inf))
        if "range" in panel and any(low <= y <= high for _, _, ys, _ in panel["lines"] for y in ys):
            axis.set_ylim(low, high)
        handles, labels = axis.get_legend_handles_labels()
        once = dict(zip(labels, handles))
        axis.legend(once.values(), once.keys(), fontsize=7)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
