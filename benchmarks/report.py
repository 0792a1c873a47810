#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The report: docs/performance.md out of results.json. usage: report.py results.json >performance.md"""

import json
import os
import statistics
import sys
import textwrap

import measure

INTRODUCTION = """# Performance

`./scripts/bench` measures this on your machine and writes a page like this one into bench-out/ (`--peers` installs the
frameworks to compare with, `--quick` only tries everything out). Nothing here is typed by hand.

Model A is 784-400-20 with relu, batch 128; model B is 784-200-200-50 with tanh, batch 20, decoding 1, 5 or 50 draws
of z for each row (B1, B5, B50). Both have a Bernoulli likelihood and train by Adam, on the ELBO. IWAE5 and IWAE50 are
B5 and B50 on the importance-weighted bound of as many draws.
"""

METHOD = """
## How it was measured

All contenders of a table run at the same time and take turns of {slice:.0f} ms or so, {rounds} times round, so that a
slow spell of the machine slows all of them. Times are medians; a ratio is the median of the rounds' ratios. Other
libraries get the same shapes as plain row-major arrays. PyTorch and JAX train the same models on the same kind of data,
float32, as people write it (benchmarks/peers); JAX uses as many threads as the processors that it is bound to.
"""


def number(value):
    """Three digits."""
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def times(value):
    return "-" if value is None else f"{value:.2f}x"


def share(value):
    return "-" if value is None else f"{100 * value:.0f} %"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def union(lists):
    seen = {}
    for names in lists:
        seen.update(dict.fromkeys(names))
    return list(seen)


def threads_of(row):
    return f"{row['threads']} thread" + "s" * (row["threads"] > 1)


def all_steps(results):
    return (results.get("steps") or []) + (results.get("iwae") or [])


def setting(results):
    m = results["machine"]
    rows = [
        ("date", results["date"]), ("command", f"`{results['command']}`"),
        ("processor", f"{m['processor']}, {m['processors']} in use"), ("caches", m["caches"]), ("system", m["system"]),
        ("compiler", m["compiler"]), ("revision", m["revision"]), ("load at the start", f"{m['load']:.1f}"),
        ("measured", "<br>".join(results["versions"])),
        ("skipped", "<br>".join(results["skipped"]) or "nothing"),
    ]
    quick = "\nThis was a quick run, to see that everything works. Its figures mean nothing.\n"
    method = METHOD.format(slice=1000 * results["slice"], rounds=results["rounds"])
    return method + (quick if results["quick"] else "") + "\n" + table(("run", ""), rows)


# ---- in short ----------------------------------------------------------------------------------------------


def in_short(results):
    """Figures that users ask for first."""
    m = results["machine"]
    rows = []
    for row in all_steps(results):
        rows.append((f"training, model {row['model']}, {threads_of(row)}",
                     f"{row['batch'] / row['seconds']['libvae']:,.0f} images a second"))
    for row in results.get("evidence") or []:
        rows.append((evidence_words(row), f"{number(1 / row['seconds']['many'])} images a second"))
    latency = results.get("latency")
    if latency:
        rows.append(("score of one row, model A, 1 thread",
                     f"{number(1e6 * latency['calls']['libvae']['median'])} microseconds"))
        if latency["views"]:
            rows.append(("scores by two views in two threads, model A",
                         f"{latency['views']['two']:,.0f} rows a second"))
    size = results.get("footprint")
    if size:
        rows.append(("memory of a program that trains A, its data left out",
                     f"{(size['peak'] - size['data']) / 2**20:.1f} MiB"))
        rows.append(("from the program's start to the end of its first step", f"{1e3 * size['start']:.1f} ms"))
        if size["library"]:
            rows.append(("shared library, stripped", f"{size['library'] / 1024:.0f} KiB"))
    if not rows:
        return ""
    return (f"\nMeasured at revision {m['revision']} on {m['processor']}, {m['processors']} in use:\n\n"
            + table(("", ""), rows))


# ---- goals -------------------------------------------------------------------------------------------------


def product_goals(section, isa):
    rows = section["rows"]
    large = {shape: row for shape, row in rows.items() if "A" in row["models"] and row["work"] > 7e7}
    slowest = min(large, key=lambda shape: large[shape]["of_peak"])
    goals = [(f"products, large shapes of A, {isa}: share of the peak", "at least 0.93",
              f"{large[slowest]['of_peak']:.2f} and more ({slowest})")]
    alone = alone_shares(section)
    known = [shape for shape in large if alone[shape]]
    if known:
        slowest = min(known, key=lambda shape: alone[shape])
        goals.append((f"the same where the core had no neighbour: {len(known)} of {len(large)} shapes", "at least 0.93",
                      f"{alone[slowest]:.2f} and more ({slowest})"))
    compared = {shape: row for shape, row in rows.items() if row["fastest"] and rows_of(shape) >= 16}
    if compared:
        worst = min(compared, key=lambda shape: compared[shape]["against_fastest"])
        goals.append((f"products, every shape of A and B, {isa}: speed over the fastest library's", "at least 0.97",
                      f"{compared[worst]['against_fastest']:.2f} and more ({worst}, {compared[worst]['fastest']})"))
    return goals


def alone_shares(section):
    """Of the peak, over the rounds in which the core took in at least 0.8 of the instructions that it took in at best:
    in the others its second hardware thread was somebody else's. None where there was no such round."""
    best = max(rate for row in section["rows"].values() for rate in row["issue"])
    shares = {}
    for shape, row in section["rows"].items():
        chosen = [part for part, rate in zip(row["shares"], row["issue"]) if rate >= 0.8 * best]
        shares[shape] = statistics.median(chosen) if chosen else None
    return shares


def rows_of(shape):
    return int(shape.split("/")[1].split("x")[0])


def step_goals(row, floor_goal, rival_goal):
    name = f"step of {row['model']}, {row['threads']} thread" + "s" * (row["threads"] > 1)
    goals = []
    if row["over_floor"] and floor_goal:
        goals.append((f"{name}: time over the products alone by the fastest library ({row['floor']})",
                      f"at most {floor_goal}", times(row["over_floor"])))
    if row["speedup"] and row["model"] == "A":
        goals.append((f"{name}: speed over one thread", "at least 1.8", times(row["speedup"])))
    goals += [(f"{name}: speed over {rival}", f"at least {rival_goal}", times(value))
              for rival, value in row["rivals"].items()]
    return goals


def element_goals(rows):
    least = {"kl/10000x20": "5", "kl/128x20": "15", "normals/1000000x1": "3", "bernoulli-training/128x784": "6"}
    return [(f"{case_words(row['case'])}: speed over PyTorch", f"at least {least[row['case']]}",
             times(row["rivals"]["PyTorch"]))
            for row in rows if row["case"] in least and "PyTorch" in row["rivals"]]


def latency_goals(section):
    goals = []
    if section["floor"]:
        own, bare = section["calls"]["libvae"], section["calls"][section["floor"]]
        goals = [("score of one row: time over the bare products", "at most 1.1", times(section["over_floor"])),
                 ("score of one row: its 99th percentile over that of the bare products", "at most 1.2",
                  times(own["p99"] / bare["p99"]))]
    least = {"PyTorch": "3", "ONNX Runtime": "1.5"}
    return goals + [(f"score of one row: speed over {rival}", f"at least {least[rival]}", times(value))
                    for rival, value in section["rivals"].items()]


def footprint_goals(section):
    extra = (section["peak"] - section["data"] - section["state"]) / 2**20
    goals = [("memory at its peak beyond data, parameters, moments and gradients", "at most 16 MiB",
              f"{extra:.1f} MiB")]
    if section["library"]:
        goals.append(("shared library, stripped", "at most 592 KiB", f"{section['library'] / 1024:.0f} KiB"))
    return goals


def load_goals(section):
    return [(f"loading {section['bytes'] / 1e6:,.0f} MB: {what} over that of {label}", "at most 0.5",
             times(one["ratios"][key]))
            for label, one in section["contenders"].items() if label in ("torch.load", "safetensors load_file")
            for key, what in (("model", "time to a model"), ("kib", "memory"))]


def goals(results):
    rows = []
    if results.get("products"):
        rows += product_goals(results["products"], results["products"]["isa"])
    floors = {("A", 1): "1.30", ("B1", 1): "2.6"}
    for row in results.get("steps") or []:
        if row["model"] in ("A", "B1"):
            rows += step_goals(row, floors.get((row["model"], row["threads"])), "2" if row["model"] == "A" else "3")
    if results.get("stolen"):
        rows.append(("one of two processors taken by a busy loop: two threads' speed over that of one on the free one",
                     "at least 0.95", times(results["stolen"]["libvae"])))
    rows += element_goals(results.get("elements") or [])
    if results.get("latency"):
        rows += latency_goals(results["latency"])
    if results.get("footprint"):
        rows += footprint_goals(results["footprint"])
    if results.get("load"):
        rows += load_goals(results["load"])
    if results.get("avx2-products"):
        rows += product_goals(results["avx2-products"], "AVX2")
    for row in results.get("avx2-steps") or []:
        if row["model"] in ("A", "B1"):
            rows += [("AVX2, " + what, goal, measured)
                     for what, goal, measured in step_goals(row, floors[(row["model"], 1)], None)]
    return "\n## Goals\n\n" + table(("quantity", "goal", "measured"), rows) if rows else ""


# ---- the sections ------------------------------------------------------------------------------------------


def products(section, title):
    header = ["product", "m x n x k", "in", "peak", "libvae", "of peak", "no neighbour", "with epilogue",
              *section["others"], "libvae over the fastest"]
    rows, alone = [], alone_shares(section)
    for shape, row in section["rows"].items():
        form, size = shape.split("/")
        rates = [number(1e-9 * row["rates"][name]) for name in section["others"]]
        rows.append([form, size.replace("x", " x "), ", ".join(row["models"]), number(1e-9 * row["peak"]),
                     number(1e-9 * row["rates"]["libvae"]), share(row["of_peak"]),
                     share(alone[shape]) if alone[shape] else "-", share(row["epilogue_of_peak"]),
                     *rates, times(row["against_fastest"])])
    return f"""
## {title}

GFLOP/s on one thread, {section['isa']}. The peak is measured in the same rounds: fused multiply-adds on registers
alone. No neighbour: of the peak, over the rounds in which the core took in as many instructions as it can; in the
others it took in half, because a neighbour outside this machine was at work on its second hardware thread. With
epilogue: bias and relu, or relu's derivative, in the same pass.

""" + table(header, rows)


def step_tables(rows, title):
    others = union(row["rivals"] for row in rows)
    blas, elbo = (any(row.get(key) for row in rows) for key in ("with_blas", "over_elbo"))
    header = ["model", "threads", "libvae, ms", "images a second", "over one thread",
              *(["time over the ELBO's step"] if elbo else []),
              *(["libvae with a CBLAS, times as long"] if blas else []), *(f"{name}, times as long" for name in others)]
    body = [[row["model"], row["threads"], number(1e3 * row["seconds"]["libvae"]),
             f"{row['batch'] / row['seconds']['libvae']:,.0f}", times(row["speedup"]),
             *([times(row.get("over_elbo"))] if elbo else []),
             *([times(row.get("with_blas"))] if blas else []),
             *(times(row["rivals"].get(name)) for name in others)] for row in rows]
    text = f"\n## {title}\n\n" + table(header, body)
    floors = union(row["floors"] for row in rows)
    if floors:
        floors = [measure.OWN_PRODUCTS, *floors]
        body = [[row["model"], number(1e3 * row["seconds"]["libvae"]),
                 *(number(1e3 * row["seconds"][name]) for name in floors), times(row["over_floor"])]
                for row in rows if row["floors"]]
        text += "\nThe whole step against nothing but its matrix products, ms, one thread:\n\n" + table(
            ["model", "libvae's step", *floors, "step over the fastest library's"], body)
    return text


def stolen(section):
    rows = [[label, number(1e3 * seconds)] for label, seconds in section["seconds"].items()]
    text = """
## A stolen core

Model A on two processors, of which a busy loop takes one; one thread runs on the free one.

""" + table(("", "ms a step"), rows)
    text += f"\nTwo threads' speed over one thread's: libvae {section['libvae']:.2f}"
    return text + (f", PyTorch {section['PyTorch']:.2f}.\n" if "PyTorch" in section else ".\n")


def case_words(case):
    """Of "kl/128x20"."""
    what, size = case.split("/")
    words = {"kl": "divergence", "bernoulli-training": "Bernoulli, as in training",
             "bernoulli-exact": "Bernoulli, exact", "normals": "normals", "draw": "draw"}[what]
    return f"{words}, {size.replace('x1', '') if size.endswith('x1') else size.replace('x', ' x ')}"


def elements(rows):
    rivals = union(row["rivals"] for row in rows)
    body = [[case_words(row["case"]), number(row["nanoseconds"]["libvae"]),
             *(number(row["nanoseconds"].get(name)) for name in rivals),
             *(times(row["rivals"].get(name)) for name in rivals)] for row in rows]
    header = ["what", "libvae", *rivals, *(f"{name}, times as long" for name in rivals)]
    return """
## Elements

Nanoseconds an element on one thread, value and all gradients: divergence from the standard normal, Bernoulli
log-likelihood on logits (the exact form of section 2 of the header, and the faster one that a training step uses
inside), standard normals, and the draw of z (noise, value, gradients).

""" + table(header, body)


def latency(section):
    seconds = section["seconds"]
    rows = [["libvae", number(1e6 * seconds["libvae"]), "-"]]
    rows += [[f"products alone: {name}", number(1e6 * seconds[name]), times(seconds[name] / seconds["libvae"])]
             for name in section["floors"]]
    rows += [[name, number(1e6 * seconds[name]), times(value)] for name, value in section["rivals"].items()]
    text = "\n## One row at a time\n\nScoring one row with model A at z = mu, one thread.\n\n"
    text += table(("", "microseconds", "over libvae's"), rows)
    text += "\nCall by call, each timed by itself:\n\n" + table(
        ("", "calls", "median, microseconds", "99th percentile"),
        [[name, f"{call['count']:,}", number(1e6 * call["median"]), number(1e6 * call["p99"])]
         for name, call in section["calls"].items()])
    if section["views"]:
        text += (f"\nTwo views of one model in two threads score {section['views']['two']:,.0f} rows a second, one "
                 f"scores {section['views']['one']:,.0f}: {section['views']['gain']:.2f} times as many.\n")
    return text


def evidence_words(row):
    return f"log p(x) by {row['draws']:,} draws, model B, {row['images']} images at a time, {threads_of(row)}"


def evidence(rows):
    body = []
    for row in rows:
        images = {"one": "libvae, one image at a time", "many": f"libvae, {row['images']} images at a time"}
        for label in [*images, *row["rivals"]]:
            ratios = row["rivals"].get(label, {})
            body.append([row["threads"], images.get(label, label), number(1e3 * row["seconds"][label]),
                         number(1 / row["seconds"][label]), *(times(ratios.get(own)) for own in images)])
    draws, many = rows[0]["draws"], rows[0]["images"]
    return f"""
## log p(x)

Importance sampling with {draws:,} draws an image, model B's networks. The frameworks take one image at a time, all of
its draws at once or in the chunks that were the fastest of several sizes (benchmarks/evidence.py).

""" + table(("threads", "", "ms an image", "images a second", "times as long as libvae, one at a time",
             f"as libvae, {many} at a time"), body)


def growth(section):
    text = "\n## Growth\n\nSteps around model A, one number varied at a time. ns: nanoseconds a row of data.\n"
    for what, rows in section.items():
        threads = [key for key in ("1", "2") if key in rows[0]]
        header = [what]
        for count in threads:
            words = f"{count} thread" + "s" * (count > "1")
            header += [f"ns, {words}", f"GFLOP/s, {words}", "of peak"]
        body = []
        for row in rows:
            cells = [f"{row['value']:,}"]
            for count in threads:
                one = row[count]
                cells += [number(1e9 * one["seconds"] / row["batch"]), number(1e-9 * one["rate"]),
                          share(one["of_peak"])]
            body.append(cells)
        text += "\n" + table(header, body)
    return text + slower_on_two(section)


def slower_on_two(section):
    """Where a second thread did not pay, in a sentence."""
    found = []
    for what, rows in section.items():
        values = [f"{row['value']:,}" for row in rows if "2" in row and row["2"]["seconds"] > row["1"]["seconds"]]
        if values:
            found.append(f"{what} {', '.join(values)}")
    if not found:
        return ""
    words = ("Slower on two threads than on one in this run: " + "; ".join(found) + ". A step of few rows has too "
             "little work to share; a second core that is busy elsewhere may slow any step.")
    return "\n" + textwrap.fill(words, 118) + "\n"


def footprint(section):
    mib = {key: f"{section[key] / 2**20:.1f} MiB" for key in ("peak", "data", "state")}
    rows = [["from the program's start to the end of its first step", f"{1e3 * section['start']:.1f} ms"],
            ["memory at its peak in 100 steps of A", mib["peak"]], ["of this, data", mib["data"]],
            ["parameters, moments, gradients", mib["state"]]]
    if section["library"]:
        rows.append(["shared library, stripped", f"{section['library'] / 1024:.0f} KiB"])
    return "\n## Size, memory, start\n\n" + table(("", ""), rows)


def loads(section):
    rows = []
    for label, one in section["contenders"].items():
        ratios = one["ratios"] if label != "libvae" else {}
        cells = [number(1e3 * one[key]) if key in one else "-" for key in ("tensors", "model", "scored")]
        rows.append([label, *cells, f"{one['bytes'] / 2**20:.0f} MiB",
                     *(times(ratios.get(key)) for key in ("tensors", "model", "scored", "kib"))])
    return f"""
## Loading a model

A model of {section['bytes'] / 1e6:,.0f} MB, 1024-4096-2048-64, for inference, from a file in the page cache:
milliseconds of processor time to all tensors, to a model that is ready, and to the score of a first row; and how much
memory that takes, mapped pages of the file included. `load_state_dict()` copies, as people write it, but for
`assign=True` in the row that says so. PyTorch's import and the program's start are left out. The last four columns are
libvae's time or memory over the other's; its time to a model is compared with their time to tensors, too.

""" + table(("", "tensors, ms", "model, ms", "first score, ms", "memory", "libvae over tensors", "over model",
             "over first score", "of the memory"), rows)


def phases(rows):
    header = ["microseconds a step",
              *(f"{row['model']}, {row['threads']} thread" + "s" * (row["threads"] > 1) for row in rows)]
    body = [[name, *(number(1e6 * row["phases"][name]) for row in rows)] for name in rows[0]["phases"]]
    body.append(["sum", *(number(1e6 * sum(row["phases"].values())) for row in rows)])
    body.append(["threads times wall time", *(number(1e6 * row["threads"] * row["wall"]) for row in rows)])
    body.append(["sum over it", *(share(sum(row["phases"].values()) / (row["threads"] * row["wall"])) for row in rows)])
    return """
## Where a step's time goes

From a copy of the library that keeps count (lib/base/profile.h); with two threads, of both.

""" + table(header, body)


def document(results, picture):
    text = INTRODUCTION + in_short(results)
    if picture:
        text += f"\n![Time of the others over libvae's]({os.path.basename(picture)})\n"
    first = {"steps": lambda part: step_tables(part, "A training step"),
             "iwae": lambda part: step_tables(part, "A training step on the importance-weighted bound"),
             "latency": latency, "evidence": evidence, "growth": growth, "footprint": footprint, "load": loads,
             "elements": elements, "stolen": stolen}
    after = {"phases": phases, "products": lambda part: products(part, "Matrix products"),
             "avx2-products": lambda part: products(part, "AVX2: matrix products"),
             "avx2-steps": lambda part: step_tables(part, "AVX2: a training step")}

    def sections(parts):
        return "".join(write(results[name]) for name, write in parts.items() if results.get(name))

    return text + sections(first) + setting(results) + goals(results) + sections(after)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print(document(json.load(file), "performance.png"), end="")
