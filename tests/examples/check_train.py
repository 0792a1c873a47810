#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests. examples/train from outside: exit codes, files, repeatability, Ctrl-C, what a terminal and a pipe see.

usage: check_train.py TRAIN"""
import os
import pathlib
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

TRAIN = sys.argv.pop(1)
PICTURES = ["curve.png", "reconstructions.png", "samples.png"]


def run(*args):
    return subprocess.run([TRAIN, *map(str, args)], capture_output=True, text=True, timeout=120)


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

    def test_repeatable_on_any_threads(self):
        first = self.history("--sprites", 300, "--seed", 7)
        self.assertEqual(self.history("--sprites", 300, "--seed", 7), first)
        self.assertEqual(self.history("--sprites", 300, "--seed", 7, "--threads", 2), first)
        self.assertNotEqual(self.history("--sprites", 300, "--seed", 8), first)

    def test_every_likelihood(self):
        cells = struct.pack("<1600f", *[(i * 37 % 101) / 100 for i in range(1600)])
        data = npy(self.dir / "x.npy", "<f4", (80, 20), cells)
        for likelihood in ["bernoulli", "gauss-fixed", "gauss-shared", "gauss"]:
            with self.subTest(likelihood):
                mean = "identity" if likelihood == "bernoulli" else "sigmoid"
                self.history("--train", data, "--width", 5, "--likelihood", likelihood, "--mean", mean)
        self.history("--train", data, "--test", data, "--hidden", "8,4", "--activation", "tanh", "--grey")
        self.history("--train", data, "--gemm", "native", "--init", "glorot", "--samples", 3)

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
        self.refused("--train", good, "--test", other, words="5")
        self.refused("--train", good, "--width", 4, words="--width 4")
        self.refused("--train", lone, words="too few rows")

    def test_wrong_command_lines(self):
        for args in [
            [],
            ["--sprites", "1"],
            ["--sprites", "-5"],
            ["--sprites", "10", "more"],
            ["--sprites", "10", "--train", "x"],
            ["--sprites", "10", "--test", "x"],
            ["--sprites", "10", "--hidden", "4,,4"],
            ["--sprites", "10", "--hidden", "0"],
            ["--sprites", "10", "--rate", "fast"],
            ["--sprites", "10", "--activation", "step"],
            ["--sprites", "10", "--mean", "relu"],
            ["--sprites", "10", "--likelihood", "gauss", "--binarise"],
            ["--sprites", "10", "--unknown"],
        ]:
            with self.subTest(args):
                done = run(*args)
                self.assertEqual(done.returncode, 2)
                self.assertNotEqual(done.stderr, "")
        self.assertEqual(run("--help").returncode, 0)

    def test_divergence_is_reported(self):
        done = run("--sprites", 300, "--rate", "1e20", *self.small, "--out", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertIn("stopped at step", done.stderr)

    def test_unwritable_out(self):
        done = run("--sprites", 20, "--out", "/nonexistent/deep")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent/deep", done.stderr)

    def test_interrupt_keeps_results(self):
        with subprocess.Popen([TRAIN, "--sprites", "400", "--hidden", "16", "--epochs", "1000000", "--out", self.out],
                              stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith("epoch 2/"):
                    break
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()
            self.assertEqual(process.wait(timeout=60), 130)
        self.assertIn("interrupted", rest)
        for name in PICTURES + ["history.csv"]:
            self.assertTrue((self.out / name).exists(), name)

    def test_a_pipe_gets_plain_lines(self):
        done = run("--sprites", 300, *self.small, "--out", self.out)
        self.assertNotIn("\r", done.stdout)
        self.assertNotIn("\033", done.stdout)
        self.assertEqual(sum(line.startswith("epoch") for line in done.stdout.splitlines()), 2)

    def test_a_terminal_gets_a_bar(self):
        master, slave = pty.openpty()
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
        self.assertIn(b"\repoch 1/3 [", seen)
        self.assertIn(b"images/s", seen)
        self.assertIn(b"s left", seen)


if __name__ == "__main__":
    unittest.main()
