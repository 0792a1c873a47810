#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/images/kl_error.png: errors of the KL divergence to N(0, I) over logvar, in ULP of float32.

    scripts/kl_error.py build/lib/libvae.so.0

The textbook's expression is numpy's in float32, ours is vae_kl_diag_gauss(); both against mpmath. Needs numpy, mpmath
and matplotlib.
"""
import ctypes
import pathlib
import sys

import matplotlib
import mpmath
import numpy as np

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402

POINTS = 1500
mpmath.mp.prec = 300


def ours(library, mu, logvar):
    """One row an element."""
    kl = np.empty_like(logvar)
    pointer = lambda a: a.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    one = ctypes.c_size_t(1)
    status = library.vae_kl_diag_gauss(
        ctypes.c_size_t(len(kl)), one, pointer(mu), one, pointer(logvar), one, pointer(kl))
    assert status == 0
    return kl


def textbook(mu, logvar):
    one, half = np.float32(1), np.float32(0.5)
    return half * (np.exp(logvar) + mu * mu - one - logvar)


def errors(got, mu, logvar):
    out = []
    for g, m, x in zip(got, mu, logvar):
        exact = (mpmath.expm1(float(x)) - float(x) + mpmath.mpf(float(m)) ** 2) / 2
        unit = mpmath.mpf(2) ** (mpmath.mag(exact) - 24)
        out.append(float(abs(mpmath.mpf(float(g)) - exact) / unit))
    return np.array(out)


def main(path):
    library = ctypes.CDLL(str(pathlib.Path(path).resolve()))
    size = np.geomspace(1e-6, 80, POINTS).astype(np.float32)
    mu = np.zeros_like(size)
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True)
    for panel, sign in zip(panels, (np.float32(-1), np.float32(1))):
        logvar = sign * size
        panel.loglog(size, np.maximum(errors(textbook(mu, logvar), mu, logvar), 1e-3), '.', ms=2, color='tab:red',
                     label='textbook, (exp(logvar) + mu² - 1 - logvar) / 2')
        panel.loglog(size, np.maximum(errors(ours(library, mu, logvar), mu, logvar), 1e-3), '.', ms=2, color='tab:blue',
                     label='vae_kl_diag_gauss')
        panel.axhline(0.5, color='black', lw=0.8, ls=':')
        panel.axhline(2 ** 24, color='grey', lw=0.8, ls='--')
        panel.set_xlabel('%slogvar' % ('-' if sign < 0 else ''))
        panel.set_ylim(1e-3, 1e16)
        if sign < 0:
            panel.invert_xaxis()
            panel.set_ylabel('error in ULP, float32, mu = 0')
            panel.legend(loc='upper left', fontsize=8, markerscale=4, title='dotted: 0.5, correctly rounded',
                         title_fontsize=8)
            panel.text(6e1, 3e7, 'above: no correct digit', fontsize=8, color='grey')
            panel.text(6e1, 0.9, '0.5', fontsize=8)
    figure.tight_layout()
    target = pathlib.Path(__file__).resolve().parent.parent / 'docs' / 'images' / 'kl_error.png'
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target, dpi=110, metadata={'Software': None})


if __name__ == '__main__':
    main(sys.argv[1])
