# SPDX-License-Identifier: BSD-2-Clause
"""Anomaly scores from Python by the shared library alone: loads a model that vae_save() wrote and scores the rows of an
NPY file, one line each. Needs numpy.

usage: ctypes_score.py libvae.so.0 MODEL.safetensors ROWS.npy"""

import ctypes
import sys

import numpy


def library(path):
    vae = ctypes.CDLL(path)
    vae.vae_last_error.restype = ctypes.c_char_p
    vae.vae_x_dim.restype = ctypes.c_uint64
    vae.vae_x_dim.argtypes = vae.vae_destroy.argtypes = [ctypes.c_void_p]
    vae.vae_load.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p, ctypes.c_void_p]
    vae.vae_score.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
    return vae


def score(path, model_path, rows):
    """Minus the evidence lower bound of each row at z = mu, in nats: no noise, the same at every call."""
    vae, model = library(path), ctypes.c_void_p()

    def must(status):
        if status != 0:
            raise ValueError(vae.vae_last_error().decode())

    must(vae.vae_load(ctypes.byref(model), model_path.encode(), None))
    try:
        x = numpy.ascontiguousarray(rows, numpy.float32)
        if x.ndim != 2 or x.shape[1] != vae.vae_x_dim(model):
            raise ValueError(f"rows of {vae.vae_x_dim(model)} values are needed, these have shape {x.shape}")
        scores = numpy.empty(len(x))
        must(vae.vae_score(model, x.ctypes.data, len(x), 0, scores.ctypes.data))
    finally:
        vae.vae_destroy(model)
    return scores


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    for value in score(sys.argv[1], sys.argv[2], numpy.load(sys.argv[3])):
        print(f"{value:.6f}")
