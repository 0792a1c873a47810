# SPDX-License-Identifier: BSD-2-Clause
"""benchmarks/papers: every table on made-up data, and runs that are stopped and go on to the same bits.
usage: test_papers.py MODELS LIBRARY"""

import ctypes
import gzip
import importlib.util
import json
import signal
import statistics
import subprocess
import sys

import support

support.need("numpy")

import numpy  # noqa: E402

PROGRAM = support.ROOT / "benchmarks" / "papers"
sys.path.insert(0, str(PROGRAM))
import burda  # noqa: E402
import pythae  # noqa: E402
import results  # noqa: E402
import sigma  # noqa: E402
from library import Batch, Config, INITS, Layer, Library, Outputs, Span, Training  # noqa: E402

TABLES = {
    "burda": ["vae-1", "iwae-5", "iwae-50", "vae-5", "vae-50"],
    "kingma": ["mnist-3", "mnist-200", "frey-2"],
    "pythae": ["vae", "iwae", "miwae", "ciwae"],
    "exemplar": ["mnist-normal", "mnist-vamp", "fashion-vamp-images"],
    "sigma": ["mnist-beta-1", "mnist-beta-0.01", "mnist-shared", "mnist-cell", "frey-shared"],
}
PUBLISHED = {"burda": "86.76 (19)", "kingma": "about -100", "pythae": "89.78", "exemplar": "82.43 ± 0.06",
             "sigma": "-896.1"}


def idx(images):
    return numpy.array([0x803, len(images), 28, 28], ">u4").tobytes() + images.tobytes()


class Papers(support.Case):
    def setUp(self):
        super().setUp()
        draw = numpy.random.default_rng(1)
        stripes = numpy.arange(784) % 28 // 7
        for name, pack, suffix in ("mnist", bytes, ""), ("fashion", gzip.compress, ".gz"):
            (self.folder / name).mkdir()
            for which, n in ("train", 240), ("t10k", 40):
                bright = draw.integers(4, size=(n, 1)) == stripes
                images = (bright * 200 + draw.integers(56, size=(n, 784))).astype(numpy.uint8)
                (self.folder / name / f"{which}-images-idx3-ubyte{suffix}").write_bytes(pack(idx(images)))
        numpy.save(self.folder / "frey.npy", draw.integers(256, size=(100, 560)).astype(numpy.uint8))

    def command(self, table, *options, work="work", out="out"):
        paths = {"mnist": "mnist", "fashion": "fashion", "frey": "frey.npy"}
        sources = {row.split("-")[0] for row in TABLES[table]} & set(paths) or {"mnist"}
        data = [word for source in sorted(sources) for word in (f"--{source}", self.folder / paths[source])]
        return [sys.executable, PROGRAM, "--library", sys.argv[2], table, *map(str, options), *data,
                "--work", self.folder / work, "--out", self.folder / out, "--threads", "1"]

    def papers(self, *arguments, **places):
        done = subprocess.run(self.command(*arguments, **places), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_tables(self):
        for table, rows in TABLES.items():
            with self.subTest(table):
                options = ["--passes", 2, "--images", 10, "--rows", *rows]
                draws = ["--draws", 3] if table in ("burda", "pythae", "exemplar") else []
                self.papers(table, *options, *draws, "--seeds", 1, 2)
                records = results.load(self.folder / "out", table)
                self.assertEqual(sorted((one["row"], one["seed"]) for one in records),
                                 sorted((row, seed) for row in rows for seed in (1, 2)))
                page = (self.folder / "out" / f"{table}.md").read_text()
                self.assertIn(PUBLISHED[table], page)
                for row in rows:
                    self.page_line(page, table, row, [one for one in records if one["row"] == row])
                again = self.papers(table, *options, *draws, "--seeds", 1, 2)
                self.assertEqual(again.count("already"), 2 * len(rows))
                picture = self.folder / "out" / f"{table}.png"
                self.assertEqual(picture.exists(), importlib.util.find_spec("matplotlib") is not None)
                self.assertEqual(picture.name in page, picture.exists())

    def page_line(self, page, table, row, records):
        """Mean and deviation of both seeds, the length and the command."""
        key = {"kingma": "test", "sigma": "bound"}.get(table, "nll")
        values = [one["values"][key] for one in records]
        self.assertTrue(numpy.isfinite(values).all())
        self.assertNotEqual(*values)
        digits = 1 if table == "sigma" else 2
        line = next(line for line in page.splitlines() if line.startswith(f"| {row} |"))
        self.assertIn(f"| {statistics.fmean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f} |", line)
        self.assertIn("| 2 | 2 of ", line)
        self.assertIn(f"`./scripts/papers {table} --rows {row} --seeds 1 2 --passes 2 --images 10", page)

    def test_stopped_and_resumed(self):
        """A run that a signal stopped somewhere ends in the file of one that ran through."""
        for number, table, row in ((signal.SIGINT, "burda", "vae-1"), (signal.SIGKILL, "pythae", "vae"),
                                   (signal.SIGINT, "kingma", "frey-2")):
            with self.subTest(table):
                run = [table, "--rows", row, "--images", 20, "--report-every", 0, "--save-every", 0.05]
                self.stop(number, self.command(*run, "--passes", 100000, work="stopped", out="none"))
                path = self.folder / "stopped" / table / f"{row}-seed1.safetensors"
                state = self.state_of(path)
                passes = ["--passes", state["complete"] + 2]
                self.assertIn("goes on after", self.papers(*run, *passes, work="stopped", out="stopped"))
                self.assertNotIn("goes on after", self.papers(*run, *passes, work="through", out="through"))
                for file in path.parent.iterdir():
                    through = self.folder / "through" / table / file.name
                    self.assertEqual(file.read_bytes(), through.read_bytes(), file.name)

    def stop(self, number, command):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            lines = [process.stdout.readline() for _ in range(20)]
            self.assertIn("pass 20 of", lines[-1])
            process.send_signal(number)
            rest = process.stdout.read()
        self.assertEqual(process.returncode, 130 if number == signal.SIGINT else -number)
        if number == signal.SIGINT:
            self.assertIn("the same command goes on from there", rest)

    def state_of(self, path):
        content = path.read_bytes()
        header = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])
        return json.loads(header["__metadata__"]["papers.state"])

    def test_refusals(self):
        run = ["burda", "--rows", "vae-1", "--images", 5, "--draws", 2, "--passes"]
        self.papers(*run, 2)
        for change, words in ((lambda: None, "more than 1"), (self.other_images, "other settings")):
            change()
            done = subprocess.run(self.command(*run, 1, out="other"), capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
        (self.folder / "mnist" / "t10k-images-idx3-ubyte").write_bytes(b"short")
        done = subprocess.run(self.command(*run, 3), capture_output=True, text=True)
        self.assertIn("not an IDX file", done.stderr)

    def other_images(self):
        path = self.folder / "mnist" / "train-images-idx3-ubyte"
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")


class Parts(support.Case):
    def test_rates(self):
        """The authors' program has the rates of Burda et al. to two digits."""
        firsts = [1, 2, 5, 14, 41, 122, 365, 1094]
        self.assertEqual([round(1e4 * burda.rate(first), 1) for first in firsts], [10, 7.2, 5.2, 3.7, 2.7, 1.9, 1.4, 1])
        for first, last in zip(firsts, firsts[1:] + [burda.WHOLE + 1]):
            self.assertEqual(burda.rate(first), burda.rate(last - 1))
        rate = pythae.rate(1, 0.5, (2, 5))
        self.assertEqual([rate(number)["learning_rate"] for number in range(1, 8)], [1, 1, .5, .5, .5, .25, .25])

    def test_with_variance(self):
        x, mean = numpy.random.default_rng(2).random((2, 50))

        def minus_loglik(variance):
            return 0.5 * (numpy.square(x - mean) / variance + numpy.log(2 * numpy.pi * variance)).sum()
        for variance in (1, 0.01):
            self.close([sigma.with_variance(variance, -minus_loglik(1), 50)], [minus_loglik(variance)], 1e-12, "bound")

    def test_longest(self):
        key = [("a", 1, 3, 5, 9), ("a", 2, 3, 5, 9), ("a", 1, 2, 9, 9), ("a", 1, 3, 4, 9), ("b", 1, 1, 0, 1)]
        records = [dict(zip(results.KEY, one)) for one in key]
        self.assertEqual(results.longest(records), {"a": records[:2], "b": records[4:]})

    def test_structs(self):
        """Each has the library's size and defaults."""
        library = Library(sys.argv[2])
        for kind in INITS:
            self.assertEqual(library.make(kind).size, ctypes.sizeof(kind))
        self.assertEqual(library.make(Layer).dropout, 0.5)
        self.assertEqual(library.make(Span).levels, 256)
        self.assertEqual(library.make(Config).init_scale, 1)
        self.assertEqual(library.make(Training).epsilon, 1e-8)
        self.assertEqual(library.make(Outputs).samples, 1)
        self.assertEqual(library.make(Batch).n, 0)


support.main()
