# SPDX-License-Identifier: BSD-2-Clause
"""Images as rows of float32, from folders of IDX files or an NPY file; which of them train, and how they are binarised.

Binarising uses addressed noise (vae_bernoulli), so that a pass's images are a function of the seed and the pass."""

import concurrent.futures
import gzip
import hashlib
import os
import pathlib

import numpy

from library import BINARISE, stream

TRAIN, VALIDATION, TEST = range(3)  # the sample of a stream: sets have noise of their own
FIXED_SEED = 0  # of sets that are binarised once: all runs have the same
GREY, ONCE, EACH_PASS = "grey values", "binarised once", "binarised anew in each pass"
PART = 1 << 22  # values that a thread binarises at a time


def read_idx(folder, name):
    """The images of FOLDER/NAME[.gz] as bytes, [n][pixels]."""
    path = next((p for p in (pathlib.Path(folder) / name, pathlib.Path(folder) / f"{name}.gz") if p.is_file()), None)
    if path is None:
        raise ValueError(f"{folder}: neither {name} nor {name}.gz")
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    magic, n, height, width = numpy.frombuffer(content[:16].ljust(16, b"\0"), ">u4").tolist()
    if magic != 0x803 or len(content) != 16 + n * height * width:
        raise ValueError(f"{path}: not an IDX file of images")
    return numpy.frombuffer(content, numpy.uint8, offset=16).reshape(n, height * width)


class Data:
    """Sets of rows, 0..1. `train` grey values; `validation` and `test` as they are evaluated."""

    def __init__(self, library, name, train, validation, test, binarise, threads=1):
        self.library, self.name, self.binarise, self.threads = library, name, binarise, threads
        digest = hashlib.sha256(b"".join(part.tobytes() for part in (train, validation, test)))
        self.digest = digest.hexdigest()[:16]
        self.train = train.astype(numpy.float32) / 255
        self.validation, self.test = (
            self.fixed(part.astype(numpy.float32) / 255, which)
            for part, which in ((validation, VALIDATION), (test, TEST)))
        if binarise == ONCE:
            self.train = self.fixed(self.train, TRAIN)
        self.x_dim = self.train.shape[1]
        self.drawn = numpy.empty_like(self.train) if binarise == EACH_PASS else None

    def fixed(self, grey, which):
        if self.binarise != GREY and len(grey):
            self.draw(FIXED_SEED, stream(BINARISE, 0, which), grey, grey)
        return grey

    def draw(self, seed, number, grey, out):
        """Binarises in parts, on all threads; the call lets go of Python's lock."""
        def part(first):
            n, byte = min(PART, grey.size - first), first * 4
            self.library.bernoulli(seed, number, first, n, grey.ctypes.data + byte, out.ctypes.data + byte)
        with concurrent.futures.ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(part, range(0, grey.size, PART)))

    def rows(self, seed, number):
        """The training rows of pass `number`, from 1. Valid until the next call."""
        if self.binarise != EACH_PASS:
            return self.train
        self.draw(seed, stream(BINARISE, number, TRAIN), self.train, self.drawn)
        return self.drawn


def images(library, name, folder, binarise, train=None, threads=1):
    """MNIST or Fashion-MNIST: the first `train` images learn, the rest of the training file is for validation."""
    rows, test = (read_idx(folder, f"{which}-images-idx3-ubyte") for which in ("train", "t10k"))
    train = len(rows) if train is None else min(train, len(rows) * 5 // 6)
    return Data(library, name, rows[:train], rows[train:], test, binarise, threads)


def faces(library, name, path, binarise=GREY, threads=1):
    """The Frey faces: one in ten is held out."""
    if not os.path.isfile(path):
        raise ValueError(f"{path}: no such file")
    rows = numpy.load(path)
    if rows.ndim != 2 or rows.dtype != numpy.uint8:
        raise ValueError(f"{path}: needed are bytes of shape [faces][pixels]")
    held_out = numpy.arange(len(rows)) % 10 == 9
    return Data(library, name, rows[~held_out], rows[:0], rows[held_out], binarise, threads)
