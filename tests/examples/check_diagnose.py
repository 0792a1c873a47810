#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests. examples/diagnose from outside: a model that train made, and one that has nothing to say; exit codes, words.

usage: check_diagnose.py TRAIN DIAGNOSE"""
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest

DIAGNOSE = sys.argv.pop()
TRAIN = sys.argv.pop()


def run(*args):
    return subprocess.run(list(map(str, args)), capture_output=True, text=True, timeout=120)


def npy(path, rows, columns, cells):
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}\n".encode()
    values = struct.pack(f"<{len(cells)}f", *cells)
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + values)
    return path


class Diagnose(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.model = self.dir / "model.safetensors"

    def train(self, *args):
        done = run(TRAIN, *args, "--hidden", 16, "--batch", 32, "--latent", 3, "--out", self.dir, "--save", self.model)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def figures(self, *args):
        done = run(DIAGNOSE, self.model, *args)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = {name: float(re.search(rf"^ *{re.escape(name)} +(-?[\d.]+)", done.stdout, re.M).group(1))
                 for name in ["active units", "mean KL", "I(x; z)", "KL(q(z) || p(z))"]}
        self.assertAlmostEqual(found["mean KL"], found["I(x; z)"] + found["KL(q(z) || p(z))"], delta=0.0021)
        latents = re.findall(r"^ *\d+ +(-?[\d.]+) +[\d.]+(?:  active)?(?: +#+)?$", done.stdout, re.M)
        self.assertEqual(len(latents), 3, done.stdout)
        self.assertAlmostEqual(sum(map(float, latents)), found["mean KL"], delta=0.0021)
        self.assertEqual(sorted(latents, key=float, reverse=True), latents)
        return found, done.stdout

    def test_a_model_that_has_learned(self):
        self.train("--sprites", 1000, "--epochs", 3)
        found, words = self.figures("--sprites", 500)
        self.assertIn("500 rows, binarised", words)
        self.assertIn("verdict: ", words)
        self.assertGreater(found["I(x; z)"], 1)
        again = self.figures("--sprites", 500)[1]
        self.assertEqual(again.splitlines()[:-1], words.splitlines()[:-1])
        grey = self.figures("--sprites", 500, "--grey", "--draws", 100)[1]
        self.assertIn(": 500 rows\n", grey)
        self.assertIn("100 draws", grey)

    def test_a_model_of_noise_collapses(self):
        # independent of each other: latents have nothing to say, and what they say at first is unlearned
        cells = [((i * 2654435761) % 2**32 >> 16) % 997 / 498.5 - 1 for i in range(4000)]
        data = npy(self.dir / "x.npy", 1000, 4, cells)
        self.train("--train", data, "--likelihood", "gauss", "--scale", "fixed", "--scale-value", 3, "--epochs", 60)
        found, words = self.figures("--data", data)
        self.assertEqual(found["active units"], 0)
        self.assertLess(abs(found["I(x; z)"]), 0.02)
        self.assertIn("verdict: collapsed", words)
        self.assertIn(": 10 rows\n", self.figures("--data", data, "--limit", 10)[1])

    def test_wrong_command_lines(self):
        for args, words in [
            ([], "give a model's file and either --data FILE or --sprites N"),
            (["m"], "give a model's file"),
            (["m", "--sprites", "1", "--data", "x"], "give a model's file"),
            (["m", "--sprites", "0"], "--sprites '0': must be a whole number, 1 or more"),
            (["m", "--sprites", "-1"], "must be a whole number"),
            (["m", "--sprites", "5", "--draws", "1"], "--draws '1': must be a whole number, 2 or more"),
            (["m", "--sprites", "5x"], "--sprites '5x'"),
            (["m", "--sprites"], "--sprites ''"),
            (["m", "--data"], "'--data' is not expected"),
            (["m", "n", "--sprites", "5"], "'n' is not expected (--help lists the options)"),
            (["m", "--seed", "18446744073709551616", "--sprites", "5"], "must be a whole number, 0 or more"),
        ]:
            with self.subTest(args):
                done = run(DIAGNOSE, *args)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertTrue(done.stderr.startswith("diagnose: ") and words in done.stderr, done.stderr)

    def test_wrong_files(self):
        self.train("--sprites", 100, "--epochs", 1)
        narrow = npy(self.dir / "narrow.npy", 2, 3, [0, 1, 0, 1, 0, 1])
        beyond = npy(self.dir / "beyond.npy", 1, 784, [7] * 784)
        for data, words in [(narrow, "784 values a row, the data 3"), (beyond, "row 0, column 0 is 7"),
                            (self.dir / "none", "cannot be opened")]:
            done = run(DIAGNOSE, self.model, "--data", data)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done)
            self.assertIn(words, done.stderr)
        done = run(DIAGNOSE, self.dir / "none", "--sprites", 5)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot open", done.stderr)

    def test_help(self):
        done = run(DIAGNOSE, "--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for option in ["--data", "--sprites", "--limit", "--draws", "--seed", "--binarise", "--grey"]:
            self.assertIn(option, done.stdout)


unittest.main()
