#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests. examples/train from outside: exit codes, files, repeatability, signals, what a terminal and a pipe see.

usage: check_train.py TRAIN"""
import fcntl
import os
import pathlib
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

TRAIN = sys.argv.pop(1)
PICTURES = ["curve.png", "reconstructions.png", "samples.png", "interpolation.png", "unusual.png", "latents.png"]


def run(*args):
    # A sanitizer's allocator ends the program where others return NULL.
    env = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":allocator_may_return_null=1"}
    return subprocess.run([TRAIN, *map(str, args)], capture_output=True, text=True, timeout=120, env=env)


def npy(path, dtype, shape, cells):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + cells)
    return path


class Train(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.out = self.dir / "out"
        self.small = ["--hidden", "16", "--batch", "32", "--epochs", "2"]

    def history(self, *args):
        """history.csv without the speeds"""
        done = run(*args, *self.small, "--out", self.out)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [line.rsplit(",", 1)[0] for line in (self.out / "history.csv").read_text().splitlines()]

    def test_pictures_and_history(self):
        rows = self.history("--sprites", 300, "--latent", 2)
        self.assertEqual(rows[0], "epoch,train_nelbo,heldout_nelbo,heldout_loglik,heldout_kl")
        self.assertEqual(len(rows), 3)
        _, train, held_out, loglik, kl = map(float, rows[1].split(","))
        self.assertGreater(train, 0)
        self.assertAlmostEqual(held_out, kl - loglik, places=4)
        self.assertLess(float(rows[2].split(",")[2]), held_out)
        for name in PICTURES + ["manifold.png"]:
            self.assertEqual((self.out / name).read_bytes()[:8], b"\x89PNG\r\n\x1a\n", name)

    def test_evidence(self):
        done = run("--sprites", 300, *self.small, "--latent", 3, "--evidence", 200, "--out", self.out)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        bound = float((self.out / "history.csv").read_text().split()[-1].split(",")[2])
        words = [line for line in done.stdout.splitlines() if line.startswith("held-out log p(x)")]
        self.assertEqual(len(words), 1, done.stdout)
        self.assertIn("mean over 30 images of 200 draws each", words[0])
        self.assertGreater(float(words[0].split()[3]), -bound)
        self.assertNotEqual(run("--sprites", 300, "--evidence", 1).returncode, 0)

    def test_repeatable_on_any_threads(self):
        first = self.history("--sprites", 300, "--seed", 7)
        self.assertEqual(self.history("--sprites", 300, "--seed", 7), first)
        self.assertEqual(self.history("--sprites", 300, "--seed", 7, "--threads", 2), first)
        self.assertNotEqual(self.history("--sprites", 300, "--seed", 8), first)

    def test_resumed_as_if_never_stopped(self):
        common = ["--sprites", 300, "--hidden", 16, "--batch", 32, "--seed", 3]
        whole, parts = self.dir / "whole.safetensors", self.dir / "parts.safetensors"
        calls = [run(*common, "--epochs", 4, "--out", self.dir / "one", "--save", whole),
                 run(*common, "--epochs", 1, "--out", self.dir / "two", "--save", parts),
                 run("--sprites", 300, "--seed", 3, "--epochs", 4, "--threads", 2, "--out", self.dir / "two",
                     "--resume", parts)]
        self.assertEqual([(call.returncode, call.stderr) for call in calls], [(0, "")] * 3)
        self.assertEqual(whole.read_bytes(), parts.read_bytes())
        one, two = ([line.rsplit(",", 1)[0] for line in (self.dir / name / "history.csv").read_text().splitlines()]
                    for name in ("one", "two"))
        self.assertEqual(one, two)

    def test_resumed_in_the_middle_of_an_epoch(self):
        common = ["--sprites", 30000, "--hidden", 16, "--batch", 32, "--epochs", 1]
        file = self.dir / "model.safetensors"
        for seconds in 0.3, 0.1, 0.03, 0.0:  # a fast machine is at the end sooner
            with subprocess.Popen([TRAIN, *map(str, common), "--out", self.out, "--save", file],
                                  stdout=subprocess.PIPE, text=True) as process:
                process.stdout.readline()
                time.sleep(seconds)
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=120)
            if process.returncode != 0:
                break
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertEqual(run(*common, "--out", self.out, "--resume", file).returncode, 0)
        whole = self.dir / "whole.safetensors"
        self.assertEqual(run(*common, "--out", self.out, "--save", whole).returncode, 0)
        self.assertEqual(file.read_bytes(), whole.read_bytes())

    def test_resume_of_other_data_or_no_file(self):
        file = self.dir / "model.safetensors"
        made = run("--sprites", 100, "--epochs", 1, "--hidden", 4, "--out", self.out, "--save", file)
        self.assertEqual(made.returncode, 0)
        data = npy(self.dir / "x.npy", "|u1", (20, 5), bytes(100))
        other = run("--train", data, "--epochs", 2, "--out", self.out, "--resume", file)
        self.assertEqual(other.returncode, 2)
        self.assertIn("784 values a row, the data 5", other.stderr)
        missing = run("--sprites", 100, "--out", self.out, "--resume", self.dir / "none")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("cannot open", missing.stderr)

    def test_every_likelihood(self):
        cells = struct.pack("<1600f", *[(i * 37 % 101) / 100 for i in range(1600)])
        data = npy(self.dir / "x.npy", "<f4", (80, 20), cells)
        for likelihood in ["bernoulli", "cbernoulli", "gauss", "laplace"]:
            scales = ["cell", "span", "fixed"] if likelihood in ("gauss", "laplace") else [None]
            for scale in scales:
                with self.subTest((likelihood, scale)):
                    more = ["--scale", scale, "--scale-value", -1, "--mean", "sigmoid"] if scale else []
                    self.history("--train", data, "--width", 5, "--likelihood", likelihood, *more)
        counts = npy(self.dir / "counts.npy", "|u1", (80, 20), bytes(i * 37 % 11 for i in range(1600)))
        self.history("--train", counts, "--likelihood", "poisson", "--rate", "1e-4")
        self.history("--train", data, "--test", data, "--hidden", "8,4", "--activation", "tanh", "--grey")
        self.history("--train", data, "--init", "glorot", "--samples", 3, "--draws", 2, "--objective", "iwae")
        self.history("--train", data, "--free-bits", 0.1, "--kl-weight", 0.5)
        self.history("--train", data, "--estimator", "stl", "--draws", 2)
        self.history("--train", data, "--objective", "iwae", "--draws", 3, "--estimates", 2, "--estimator", "dreg")
        self.history("--train", data, "--objective", "iwae", "--draws", 3, "--elbo-weight", 0.5)
        self.history("--train", data, "--gated", "--logvar-min", -6, "--logvar-max", 2)

    def test_every_prior(self):
        common = ["--sprites", 300, "--seed", 3]
        seen = {tuple(self.history(*common, *more)) for more in (
            [], ["--prior", "mixture", "--components", 7], ["--prior", "vamp", "--components", 400])}
        self.assertEqual(len(seen), 3)

    def test_every_optimizer(self):
        common = ["--sprites", 300, "--seed", 3]
        first = self.history(*common)
        others = [["--optimizer", "adamw", "--weight-decay", 0.5], ["--optimizer", "adagrad", "--rate", 0.01],
                  ["--optimizer", "sgd", "--clip", 10], ["--optimizer", "sgd", "--momentum", 0.9, "--clip", 10]]
        seen = [tuple(self.history(*common, *more)) for more in others]
        self.assertEqual(len({tuple(first), *seen}), 5)

    def test_float64_is_read(self):
        numbers = [(i * 37 % 128) / 128 for i in range(1600)]
        single = npy(self.dir / "single.npy", "<f4", (80, 20), struct.pack("<1600f", *numbers))
        double = npy(self.dir / "double.npy", "<f8", (80, 20), struct.pack("<1600d", *numbers))
        self.assertEqual(self.history("--train", double), self.history("--train", single))

    def refused(self, *args, words):
        done = run(*args, *self.small, "--out", self.out)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(words, done.stderr)
        self.assertFalse((self.out / "history.csv").exists())

    def test_data_that_lie(self):
        good = npy(self.dir / "good.npy", "|u1", (4, 6), bytes(24))
        empty = self.dir / "empty"
        empty.write_bytes(b"")
        short = self.dir / "short"
        short.write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 10, 28, 28) + bytes(100))
        huge = self.dir / "huge"
        huge.write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1))
        beyond = npy(self.dir / "beyond.npy", "<f4", (2, 2), struct.pack("<4f", 0, 1, 255, 0))
        other = npy(self.dir / "other.npy", "|u1", (4, 5), bytes(20))
        lone = npy(self.dir / "lone.npy", "|u1", (1, 6), bytes(6))
        self.refused("--train", empty, words=f"{empty}: is empty")
        self.refused("--train", short, words=f"{short}: truncated")
        self.refused("--train", huge, words=f"{huge}: its dimensions overflow")
        self.refused("--train", TRAIN, words="neither IDX nor NPY")
        self.refused("--train", self.dir / "none", words="none: cannot be opened")
        self.refused("--train", good, "--test", short, words=f"{short}: truncated")
        self.refused("--train", beyond, words=f"{beyond}: row 1, column 0 is 255")
        half = npy(self.dir / "half.npy", "<f4", (2, 2), struct.pack("<4f", 0, 1, 0.5, 0))
        self.refused("--train", half, "--likelihood", "poisson", words=f"{half}: row 1, column 0 is 0.5")
        self.refused("--train", good, "--test", other, words="5")
        self.refused("--train", good, "--width", 4, words="--width 4")
        self.refused("--train", lone, words="too few rows")

    def test_wrong_command_lines(self):
        for args, words in [
            ([], "give either --train FILE or --sprites N"),
            (["--sprites", "1"], "--sprites '1': must be a whole number, 2 to 4294967295"),
            (["--sprites", "-5"], "must be a whole number"),
            (["--sprites", "10", "more"], "'more' is not an option (--help lists them)"),
            (["--sprites", "10", "--train", "x"], "give either"),
            (["--sprites", "10", "--test", "x"], "--test goes with --train"),
            (["--sprites", "10", "--hidden", "4,,4"], "must be up to 8 numbers"),
            (["--sprites", "10", "--hidden", "0"], "each 1 to"),
            (["--sprites", "10", "--epochs", "0"], "--epochs '0': must be a whole number, 1 to 1000000"),
            (["--sprites", "10", "--threads=1025"], "must be a whole number, 1 to 1024"),
            (["--sprites", "10", "--seed", "18446744073709551616"], "0 to 2^64 - 1"),
            (["--sprites", "10", "--rate", "fast"], "--rate 'fast': must be 0 to 1e+30"),
            (["--sprites", "10", "--activation", "step"], "must be identity | relu | tanh"),
            (["--sprites", "10", "--mean", "relu"], "must be identity | sigmoid"),
            (["--sprites", "10", "--mean", "sigmoid"], "--scale and --mean go with"),
            (["--sprites", "10", "--likelihood", "gauss", "--binarise"], "--binarise goes with"),
            (["--sprites", "10", "--objective", "iwae", "--free-bits", "1"], "--free-bits goes with"),
            (["--sprites", "10", "--estimates", "2"], "--estimates and --elbo-weight go with"),
            (["--sprites", "10", "--elbo-weight", "0.5"], "--estimates and --elbo-weight go with"),
            (["--sprites", "10", "--estimator", "dreg"], "--estimator dreg goes with"),
            (["--sprites", "10", "--estimator", "dreg", "--objective", "iwae", "--elbo-weight", "1"],
             "--estimator dreg goes with"),
            (["--sprites", "10", "--estimator", "analytic-kl", "--objective", "iwae"],
             "--estimator analytic-kl goes with"),
            (["--sprites", "10", "--estimator", "stl", "--free-bits", "1"], "--free-bits goes with"),
            (["--sprites", "10", "--prior", "vamp"], "--components goes with --prior"),
            (["--sprites", "10", "--components", "3"], "--components goes with --prior"),
            (["--sprites", "10", "--prior", "mixture", "--components", "3", "--free-bits", "1"],
             "--free-bits goes with"),
            (["--sprites", "10", "--objective", "iwae", "--draws", "257", "--estimates", "257"],
             "--draws times --estimates"),
            (["--sprites", "10", "--momentum", "0.9"], "--momentum goes with --optimizer sgd"),
            (["--sprites", "10", "--optimizer", "lion"], "must be adam | adamw | adagrad | sgd"),
            (["--sprites", "10", "--logvar-min", "1", "--logvar-max", "0"], "--logvar-min must not be above"),
            (["--sprites", "10", "--logvar-max", "inf"], "--logvar-max 'inf': must be -10000 to 1e+30"),
            (["--sprites", "10", "--unknown"], "'--unknown' is not an option (--help lists them)"),
            (["--sprites", "10", "--grey=1"], "'--grey=1' is not an option"),
            (["-t", "3"], "'-t' is not an option (--help lists them)"),
            (["--sprites"], "--sprites needs a value"),
        ]:
            with self.subTest(args):
                done = run(*args)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertTrue(done.stderr.startswith("train: ") and words in done.stderr, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)
                self.assertNotIn(TRAIN, done.stderr)

    def test_help_says_what_is_possible(self):
        done = run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ["1 to 1000000; default 10", "bernoulli | cbernoulli", "0 to 2^64 - 1", "1 to 1024; default 1"]:
            self.assertIn(words, done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 120)

    def test_divergence_is_reported(self):
        done = run("--sprites", 300, "--rate", "1e20", *self.small, "--out", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertIn("stopped at step", done.stderr)
        self.assertIn("lower --rate, now 1e+20", done.stderr)
        self.assertIn("results are of the model before that step", done.stdout)

    def test_too_large_a_model(self):
        # more than any address space, even where memory is promised without limit
        done = run("--sprites", 300, "--latent", 1000000000, "--hidden", 100000, "--out", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"needs \d+ bytes")
        self.assertIn("lower --latent", done.stderr)

    def test_unwritable_out(self):
        done = run("--sprites", 20, "--out", "/nonexistent/deep")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent/deep", done.stderr)

    def test_signals_keep_results(self):
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            with self.subTest(number), subprocess.Popen(
                    [TRAIN, "--sprites", "400", "--hidden", "16", "--epochs", "1000000", "--out", self.out],
                    stdout=subprocess.PIPE, text=True,
                    preexec_fn=lambda: signal.signal(number, signal.SIG_DFL)) as process:  # a job may ignore some
                for line in process.stdout:
                    if line.startswith("epoch 2/"):
                        break
                self.assertGreaterEqual(len((self.out / "history.csv").read_text().splitlines()), 3)
                process.send_signal(number)
                rest = process.stdout.read()
                self.assertEqual(process.wait(timeout=60), 128 + number)
                self.assertRegex(rest, r"interrupted (in|after) epoch \d+ of 1000000")
                for name in PICTURES + ["history.csv"]:
                    self.assertTrue((self.out / name).exists(), name)
                    (self.out / name).unlink()

    def test_a_file_gets_each_line_at_once(self):
        log = self.dir / "log"
        with open(log, "w", encoding="utf-8") as file, subprocess.Popen(
                [TRAIN, "--sprites", "2000", "--epochs", "1000000", "--out", self.out], stdout=file) as process:
            for _ in range(600):
                if log.stat().st_size:
                    break
                time.sleep(0.01)
            process.kill()
            self.assertIn("images of 28 x 28", log.read_text())
            self.assertLess(log.stat().st_size, 4096)  # no buffer had to fill up first

    def test_a_pipe_gets_plain_lines(self):
        done = run("--sprites", 300, *self.small, "--out", self.out)
        self.assertNotIn("\r", done.stdout)
        self.assertNotIn("\033", done.stdout)
        self.assertEqual(sum(line.startswith("epoch") for line in done.stdout.splitlines()), 2)

    def seen_on_a_terminal(self, columns):
        try:
            master, slave = pty.openpty()
        except OSError as error:
            self.skipTest(f"no pseudo-terminal: {error}")
        if columns:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 25, columns, 0, 0))
        with subprocess.Popen([TRAIN, "--sprites", "6000", "--hidden", "400", "--epochs", "3", "--out", self.out],
                              stdout=slave) as process:
            os.close(slave)
            seen = b""
            try:
                while chunk := os.read(master, 4096):
                    seen += chunk
            except OSError:  # the other end is closed
                pass
            self.assertEqual(process.wait(timeout=60), 0)
        os.close(master)
        return seen

    def test_a_terminal_gets_a_bar(self):
        seen = self.seen_on_a_terminal(0)
        self.assertIn(b"\repoch 1/3 [", seen)
        self.assertIn(b"images/s", seen)
        self.assertIn(b"s left", seen)

    def test_a_narrow_terminal_gets_a_short_bar(self):
        seen = self.seen_on_a_terminal(40)
        bars = [piece.split(b"\033")[0] for piece in seen.split(b"\r") if b" [" in piece]
        self.assertTrue(bars)
        self.assertLess(max(map(len, bars)), 40)


if __name__ == "__main__":
    unittest.main()
