#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reference vectors of the exact kernels, by the textbook formulas at some thousand bits (mpmath).

    generate.py                writes every CSV next to this script (deterministic: own seed, exact sampling)
    generate.py --check DIR    recomputes the outputs of the CSVs in DIR from their inputs and compares

Every value is computed at two precisions, which must agree to forty digits. Columns: an input v has v (decimal)
and v_hex (its bits; read this one); an output o has o (25 digits), o_f32 and o_f64 (correctly rounded bits) and,
where the exact value can cancel, o_mag, the largest term of the sum. *_in64.csv holds binary64 inputs, the others
binary32 ones. Lists are separated by spaces. All logarithms are natural.
"""
import csv
import pathlib
import random
import struct
import sys

from mpmath import mp, mpf, nstr
import mpmath as m

HERE = pathlib.Path(__file__).resolve().parent
HALF = mpf(1) / 2
sys.set_int_max_str_digits(0)  # some tails have thousands of digits


# ---- numbers and their bits -----------------------------------------------------------------------------------

FORMATS = {32: (24, -149, 128), 64: (53, -1074, 1024)}  # digits, exponent of the least subnormal, of infinity


def round_bits(value, width):
    """The bit pattern of value rounded to nearest, ties to even, with gradual underflow and overflow."""
    digits, least, top = FORMATS[width]
    sign, man, exponent, count = mpf(value)._mpf_
    man = int(man)
    cut = max(exponent + count - digits, least)  # the exponent of the last bit that is kept
    if cut > exponent:
        shift = cut - exponent
        half = 1 << (shift - 1)
        rest = man & ((1 << shift) - 1)
        man >>= shift
        man += rest > half or (rest == half and man & 1)
    else:
        man <<= exponent - cut
    if man.bit_length() > digits:
        man >>= 1
        cut += 1
    if man == 0 or man.bit_length() + cut > top:
        bits = 0 if man == 0 else (2 * (top - 1) + 1) << (digits - 1)
    else:
        normal = man.bit_length() == digits
        field = cut - least + 1 if normal else 0
        bits = (field << (digits - 1)) | (man & ((1 << (digits - 1)) - 1))
    return '0x%0*x' % (width // 4, bits | (sign << (width - 1)))


def input_bits(x, width):
    return '0x' + struct.pack('>f' if width == 32 else '>d', x).hex()


def from_bits(text):
    width = (len(text) - 2) * 4
    return struct.unpack('>f' if width == 32 else '>d', bytes.fromhex(text[2:]))[0]


def decimal(value):
    return '0' if value == 0 else nstr(value, 25, strip_zeros=False, min_fixed=0, max_fixed=1)


# ---- the textbook -----------------------------------------------------------------------------------------------

def kl_std(mu, lv):
    v = m.exp(lv)
    return {'kl': (v + mu * mu - 1 - lv) / 2, 'dmu': mu, 'dlv': (v - 1) / 2}


def kl_diag(m1, lv1, m2, lv2):
    ratio, square = m.exp(lv1 - lv2), (m1 - m2) ** 2 * m.exp(-lv2)
    dm = (m1 - m2) * m.exp(-lv2)
    return {'kl': (lv2 - lv1 + ratio + square - 1) / 2, 'dm1': dm, 'dm2': -dm, 'dlv1': (ratio - 1) / 2,
            'dlv2': (1 - ratio - square) / 2, 'dlv2_mag': max(abs(ratio - 1), square) / 2}


def normal_logpdf(x, mu, lv):
    t, square = (x - mu) * m.exp(-lv), (x - mu) ** 2 * m.exp(-lv)
    half_log = m.log(2 * m.pi) / 2
    return {'lp': -half_log - (lv + square) / 2, 'dx': -t, 'dmu': t, 'dlv': (square - 1) / 2,
            'lp_mag': max(half_log, abs(lv) / 2, square / 2), 'dlv_mag': max(HALF, square / 2)}


def std_normal(z):
    return {'lp': -(m.log(2 * m.pi) + z * z) / 2, 'dz': -z}


def bernoulli(x, l):
    p = 1 / (1 + m.exp(-l))
    w, tail = (1 - x, 1 - p) if l > 0 else (x, p)
    return {'lp': x * l - m.log1p(m.exp(l)), 'dl': x - p, 'dl_mag': max(w, tail)}


def cb_terms(l):
    """log(sinh(l/2) / (l/2)), log(l / tanh(l/2)), its derivative, and the mean."""
    if l == 0:
        return mpf(0), m.log(2), mpf(0), HALF
    h = l / 2
    return (m.log(m.sinh(h) / h), m.log(l / m.tanh(h)), 1 / l - 1 / m.sinh(l), 1 / (1 - m.exp(-l)) - 1 / l)


def cb_logits(x, l):
    log_shc, log_c, dlog_c, mean = cb_terms(l)
    w, far = (1 - x, 1 - mean) if l > 0 else (x, mean)
    big = abs(l) > mpf('1.75')
    terms = (w * l, m.log(abs(l)), m.log1p(-m.exp(-abs(l)))) if big else ((x - HALF) * l, log_shc)
    return {'logC': log_c, 'dlogC': dlog_c, 'lp': (x - HALF) * l - log_shc, 'dl': x - mean,
            'lp_mag': max(map(abs, terms)), 'dl_mag': max(w, far)}


def laplace(x, mu, s):
    dist = abs(x - mu) * m.exp(-s)
    slope = m.sign(x - mu) * m.exp(-s)
    return {'lp': -m.log(2) - s - dist, 'dx': -slope, 'dmu': slope, 'ds': dist - 1,
            'lp_mag': max(m.log(2), abs(s), dist), 'ds_mag': max(mpf(1), dist)}


def poisson(k, eta):
    rate = m.exp(eta)
    lp = k * eta - rate - m.loggamma(k + 1)
    return {'lp': lp, 'deta': k - rate, 'lp_mag': max(abs(lp), abs(k - rate)), 'deta_mag': max(k, rate)}


def reparam(mu, lv, eps):
    move = m.exp(lv / 2) * eps
    return {'z': mu + move, 'dlv': move / 2, 'z_mag': max(abs(mu), abs(move))}


def log_softmax(t, x):
    shift = max(x)
    e = [m.exp(a - shift) for a in x]
    total = m.fsum(e)
    rest = m.fsum(a for i, a in enumerate(e) if i != t)
    lp = x[t] - shift - m.log(total)
    return {'lp': lp, 'grad': [(rest if i == t else -a) / total for i, a in enumerate(e)]}


def log_mean_exp(w):
    shift = max(w)
    e = [m.exp(a - shift) for a in w]
    total = m.fsum(e)
    lse = shift + m.log(total)
    return {'lse': lse, 'lme': lse - m.log(len(w)), 'wt': [a / total for a in e],
            'mag': max(abs(shift), m.log(len(w)))}


def kl_std_row(mu, lv):
    return {'kl': m.fsum(kl_std(a, b)['kl'] for a, b in zip(mu, lv))}


def inverse_lower(c, d):
    inv = m.zeros(d)
    for j in range(d):
        inv[j, j] = 1 / c[j, j]
        for i in range(j + 1, d):
            inv[i, j] = -m.fsum(c[i, k] * inv[k, j] for k in range(j, i)) / c[i, i]
    return inv


def kl_full(d, m1, c1, m2, c2):
    """By the covariance matrices: (tr(P S1) + e'Pe - d + log det S2 - log det S1) / 2, P = inverse of S2."""
    lower = lambda c: m.matrix(d, d) + m.matrix([[c[i * d + j] if j <= i else 0 for j in range(d)] for i in range(d)])
    c1, c2 = lower(c1), lower(c2)
    inv = inverse_lower(c2, d)
    p, s1 = inv.T * inv, c1 * c1.T
    e = m.matrix([a - b for a, b in zip(m1, m2)])
    logs = 2 * m.fsum(m.log(c2[i, i]) - m.log(c1[i, i]) for i in range(d))
    trace = m.fsum(p[i, j] * s1[j, i] for i in range(d) for j in range(d))
    pe = p * e
    grad1, inner = p * c1, s1 + e * e.T
    grad2 = (p - p * inner * p) * c2
    tril = lambda g, f: [g[i, j] + (f(i) if i == j else 0) if j <= i else mpf(0) for i in range(d) for j in range(d)]
    out = {'kl': [(trace + (e.T * pe)[0] - d + logs) / 2], 'dm1': list(pe), 'dm2': [-a for a in pe],
           'dL1': tril(grad1, lambda i: -1 / c1[i, i]), 'dL2': tril(grad2, lambda i: 0)}
    exact = {o: [a if abs(a) > mpf(10) ** -200 else mpf(0) for a in v] for o, v in out.items()}  # 0 up to rounding
    return exact | {'kl': exact['kl'][0]}


# ---- families: name -> function, inputs, outputs ---------------------------------------------------------------

FAMILIES = {  # elementwise: CSV name -> (function, inputs, outputs in the columns' order)
    'a_kl_std': (kl_std, 'mu lv', 'kl dmu dlv'),
    'b_kl_diag': (kl_diag, 'm1 lv1 m2 lv2', 'kl dm1 dm2 dlv1 dlv2'),
    'd_normal_logpdf': (normal_logpdf, 'x mu lv', 'lp dx dmu dlv'),
    'd_std_normal': (std_normal, 'z', 'lp dz'),
    'd_bernoulli': (bernoulli, 'x l', 'lp dl'),
    'd_cb_logits': (cb_logits, 'x l', 'logC dlogC lp dl'),
    'd_laplace': (laplace, 'x mu s', 'lp dx dmu ds'),
    'd_poisson': (poisson, 'k eta', 'lp deta'),
    'f_reparam': (reparam, 'mu lv eps', 'z dlv'),
}
ROWS = {  # rows: CSV name -> (function, scalar columns, list columns, outputs, list outputs)
    'a_kl_std_rows': (kl_std_row, ['d'], ['mu', 'lv'], ['kl'], []),
    'd_log_softmax': (log_softmax, ['K', 't'], ['x'], ['lp'], ['grad']),
    'd_iwae_lme': (log_mean_exp, ['K'], ['w'], ['lse', 'lme'], ['wt']),
    'c_kl_full': (kl_full, ['d', 'kind'], ['m1', 'L1', 'm2', 'L2'], ['kl'], ['dm1', 'dL1', 'dm2', 'dL2']),
}


def bits_needed(name, inputs):
    """Enough that squares of subnormals and the tails of exp survive next to 1; two runs then confirm it."""
    tail = max((abs(a) for a in inputs if abs(a) < 2e4), default=0)
    if name in ROWS:
        return 900 + (4 * int(tail) if name == 'd_log_softmax' else 0)
    least = max((-m.mag(a) for a in inputs if a), default=0)
    if name == 'd_poisson':
        return 900 + 2 * max(int(least), 0)
    return 400 + 4 * max(int(least), 0) + 3 * int(tail) * (2 if name == 'b_kl_diag' else 1)


def call(name, row):
    """The outputs of one row of inputs (a dictionary of floats, lists and labels)."""
    if name in FAMILIES:
        return FAMILIES[name][0](*[mpf(row[v]) for v in FAMILIES[name][1].split()])
    function, scalars, lists = ROWS[name][:3]
    first = [row[s] for s in scalars if s == 't' or (s == 'd' and name == 'c_kl_full')]
    return function(*first, *[[mpf(a) for a in row[v]] for v in lists])


def reference(name, row):
    numbers = [a for v in row.values() for a in (v if isinstance(v, list) else [v]) if isinstance(a, float)]
    mp.prec = bits_needed(name, numbers)
    once = call(name, row)
    mp.prec = mp.prec * 3 // 2
    twice = call(name, row)
    flat = lambda out: [a for v in out.values() for a in (v if isinstance(v, list) else [v])]
    for a, b in zip(flat(once), flat(twice)):
        assert abs(a - b) <= abs(b) * mpf(10) ** -40, (name, row)
    return twice


def columns(name, row, width):
    """One CSV record, in the order of the columns."""
    out, record = reference(name, row), {}
    if name in FAMILIES:
        inputs, outputs, lists = FAMILIES[name][1].split(), FAMILIES[name][2].split(), []
        for v in inputs:
            record[v], record[v + '_hex'] = '%.17g' % row[v], input_bits(row[v], width)
    else:
        _, scalars, vectors, outputs, lists = ROWS[name]
        record = {s: row[s] for s in scalars}
        record |= {v + '_hex': ' '.join(input_bits(a, width) for a in row[v]) for v in vectors}
    for o in outputs:
        record[o] = decimal(out[o])
        record[o + '_f32'], record[o + '_f64'] = round_bits(out[o], 32), round_bits(out[o], 64)
    for o in lists:
        if name != 'c_kl_full':
            record[o] = ' '.join(decimal(a) for a in out[o])
        for w in (32, 64):
            record['%s_f%d' % (o, w)] = ' '.join(round_bits(a, w) for a in out[o])
    return record | {o: nstr(a, 7) for o, a in out.items() if o.endswith('mag')}


# ---- the sample -----------------------------------------------------------------------------------------------

class Draw:
    """Draws that are exact in the given width, by integer and power-of-two arithmetic alone."""

    def __init__(self, width, seed):
        self.width, self.random = width, random.Random(seed)

    def fit(self, x):
        return struct.unpack('f', struct.pack('f', x))[0] if self.width == 32 else float(x)

    def uniform(self, low, high):
        return self.fit(low + (high - low) * self.random.random())

    def logarithmic(self, low, high):
        """+-2^e, e uniform in low..high."""
        sign = -1 if self.random.getrandbits(1) else 1
        x = (1 + self.random.random()) * 2.0 ** self.random.randrange(low, high)
        return self.fit(sign * x)

    def location(self):
        return (self.uniform(-3, 3), self.logarithmic(-30, 8), self.logarithmic(-6, 3))[self.random.randrange(3)]

    def logvar(self):
        pick = self.random.randrange(6)
        return (self.uniform(-4, 4), self.uniform(-1e-3, 1e-3), self.logarithmic(-40, 2), self.uniform(-80, 80),
                self.uniform(-1, 1), self.logarithmic(-130 if self.width == 32 else -1000, -30))[pick]

    def near(self, x):
        """x, moved by a relative 2^-2 .. 2^-20."""
        return self.fit(x * (1 + self.logarithmic(-20, -2)))

    def target(self):
        pick = self.random.randrange(8)
        return 0.0 if pick == 0 else 1.0 if pick == 1 else self.uniform(0, 1)


def edges(width):
    """Locations and logarithms of variances at the ends of the range."""
    tiny, small, big = (2.0 ** -149, 2.0 ** -126, 1e19) if width == 32 else (2.0 ** -1074, 2.0 ** -1022, 1e153)
    location = [0.0, -0.0, tiny, -small, 1.0, -1e-8, 0.5, 1e19, -big, 1e10]
    logs = [0.0, -0.0, -tiny, small, 1e-10, -1e-5, 1e-3, 0.25, -0.25, 0.6931471805599453, 1.0, -2.0, 16.0, 60.0, -60.0,
            88.0, -104.0, 89.0, 150.0, -350.0, 700.0, 709.5, 710.5, -745.0, 1e4, -1e4]
    return location, logs


def sample(name, draw, count):
    """Input tuples of an elementwise family: edges first, then the stratified sample."""
    location, logs = edges(draw.width)
    cycle = lambda values, i: values[i % len(values)]
    rows = []
    if name == 'a_kl_std':
        rows += [(cycle(location, i * 3), lv) for i, lv in enumerate(logs)] + [(0.0, lv) for lv in logs[2:11]]
        rows += [(mu, 0.0) for mu in location]
        rows += [(draw.location(), draw.logvar()) for _ in range(count)]
    elif name == 'b_kl_diag':
        rows += [(cycle(location, i), lv, cycle(location, i * 7 + 1), cycle(logs, i * 5)) for i, lv in enumerate(logs)]
        rows += [(0.5, lv, 0.5, cycle(logs, i + 1)) for i, lv in enumerate(logs)]
        rows += [(1e19, 0.0, -1e19, 100.0), (1e-30, -150.0, -1e-30, -150.0), (1.0, 700.0, 1.0, 700.0)]
        for i in range(count):
            a, lv = draw.location(), draw.logvar()
            near = i % 3
            rows.append((a, lv, draw.near(a) if near else draw.location(), draw.near(lv) if near else draw.logvar()))
    elif name == 'd_std_normal':
        rows += [(z,) for z in location + [1.8378770664093453, 3.0, -8.5]]
        rows += [(draw.location(),) for _ in range(count)]
    elif name in ('d_normal_logpdf', 'd_laplace'):
        rows += [(cycle(location, i), cycle(location, i * 3 + i // 10), lv) for i, lv in enumerate(logs)]
        rows += [(cycle(location, i), cycle(location, i), lv) for i, lv in enumerate(logs)]
        rows += [(1e19, -1e19, 87.0), (1e-20, -1e-20, -92.0), (1.0, 0.0, 0.0), (0.0, 1.0, -0.6931471805599453)]
        for i in range(count):
            mu = draw.location()
            rows.append((draw.near(mu) if i % 3 else draw.location(), mu, draw.logvar()))
    elif name in ('d_bernoulli', 'd_cb_logits'):
        targets = [0.0, 1.0, 0.5, 0.25, 2.0 ** -20, 1 - 2.0 ** -20, edges(draw.width)[0][2]]
        rows += [(cycle(targets, i + j), (-l if j % 2 else l)) for j in range(3) for i, l in enumerate(logs)]
        rows += [(0.5, l) for l in (1.74, -1.76, 1.75, 3.0, -8.0)]
        rows += [(draw.target(), draw.uniform(-8, 8) if i % 2 else draw.logvar()) for i in range(count)]
    elif name == 'd_poisson':
        counts = [0.0, 1.0, 2.0, 3.0, 7.0, 15.0, 16.0, 17.0, 255.0, 65536.0, 16777216.0, 0.5, 2.0 ** -30, 1.5, 15.75]
        logs = [l for l in logs if abs(l) <= 1e3] + [2.0, 3.0, -1.0]
        rows += [(k, cycle(logs, i * 3 + j)) for j in range(3) for i, k in enumerate(counts)]
        rows += [(k, draw.fit(float(m.log(k)))) for k in counts[1:]]
        for i in range(count):
            k = float(int(2.0 ** draw.uniform(0, 24))) if i % 4 else draw.fit(2.0 ** draw.uniform(-6, 7))
            rows.append((k, draw.fit(float(m.log(k)) + (draw.logarithmic(-12, 1) if i % 3 else draw.uniform(-9, 5)))))
    else:
        rows += [(cycle(location, i), lv, cycle(location, i * 3 + 4)) for i, lv in enumerate(logs)]
        rows += [(1.0, 0.0, -1.0), (-1.0, 0.0, 1.0), (3.0, 2.0 ** -20, -3.0), (0.0, 88.0, 1e-10)]
        for i in range(count):
            lv, eps = draw.logvar(), draw.uniform(-4, 4)
            cancels = -eps * float(m.exp(mpf(lv) / 2))
            rows.append((draw.near(cancels) if i % 4 == 0 and abs(cancels) < 1e30 else draw.location(), lv, eps))
    inputs = FAMILIES[name][1].split()
    return [dict(zip(inputs, [draw.fit(a) for a in row])) for row in rows]


def sample_rows(name, draw, shapes):
    """Input rows of a family with sums."""
    rows = []
    for i, d in enumerate(shapes):
        if name == 'a_kl_std_rows':
            flat, tight = i % 4 == 1, i % 4 == 2
            mu = [0.0 if tight else draw.location() if not flat else draw.uniform(-1, 1) for _ in range(d)]
            lv = [draw.uniform(-1e-3, 1e-3) if tight else draw.uniform(-3, 2) if flat else draw.logvar() / 2
                  for _ in range(d)]
            if i % 7 == 6:
                mu[d // 2], lv[d - 1] = 1e19, 1e4  # overflows
            rows.append({'d': d, 'mu': mu, 'lv': lv})
        elif name == 'c_kl_full':
            rows.append(sample_full(draw, d, ('random', 'near1e-3', 'narrow', 'near1e-5', 'same', 'wide')[i % 6]))
        else:
            spread = (1.0, 0.0, 1e-3, 30.0, 700.0, 1e4)[i % 6]
            centre = draw.uniform(-800, 800) if i % 3 == 2 else 0.0
            x = [draw.fit(centre + draw.uniform(-1, 1) * spread) for _ in range(d)]
            rows.append({'K': d} | ({'t': draw.random.randrange(d), 'x': x} if name == 'd_log_softmax' else {'w': x}))
    return rows


def sample_full(draw, d, kind):
    scale = {'narrow': 2.0 ** -8, 'wide': 64.0}.get(kind, 1.0)
    near = {'near1e-3': 1e-3, 'near1e-5': 1e-5, 'same': 0.0}.get(kind)
    m2 = [draw.uniform(-2, 2) for _ in range(d)]
    c2 = [(draw.uniform(0.5, 2) if i == j else draw.uniform(-0.5, 0.5)) if j <= i else 0.0
          for i in range(d) for j in range(d)]
    if near is None:
        m1 = [draw.uniform(-2, 2) for _ in range(d)]
        c1 = [draw.fit((draw.uniform(0.5, 2) if i == j else draw.uniform(-0.5, 0.5)) * scale) if j <= i else 0.0
              for i in range(d) for j in range(d)]
    else:
        m1, c1 = [[draw.fit(a * (1 + near * draw.uniform(-1, 1))) for a in v] for v in (m2, c2)]
    return {'d': d, 'kind': kind, 'm1': m1, 'L1': c1, 'm2': m2, 'L2': c2}


SHAPES = {
    'a_kl_std_rows': [1, 2, 15, 16, 17, 31, 33, 48, 64, 100, 257, 1000, 40, 20],
    'd_log_softmax': [2, 1, 3, 5, 10, 16, 17, 2, 33, 64, 7, 4, 15, 31, 3, 6, 12, 20],
    'd_iwae_lme': [2, 1, 3, 5, 10, 16, 17, 2, 33, 64, 7, 4, 15, 31, 50, 6, 12, 20],
    'c_kl_full': [1, 1, 2, 2, 3, 3, 5, 6, 7, 9, 8, 4, 17, 12],
}


def generate():
    for width, suffix, count in ((32, '', 90), (64, '_in64', 50)):
        for name in [*FAMILIES, *ROWS]:
            seed = '%s%s libvae' % (name, suffix)
            draw = Draw(width, seed)
            rows = sample(name, draw, count) if name in FAMILIES else sample_rows(name, draw, SHAPES[name])
            records = [columns(name, row, width) for row in rows]
            with open(HERE / (name + suffix + '.csv'), 'w', newline='') as file:
                writer = csv.DictWriter(file, records[0].keys(), lineterminator='\n')
                writer.writeheader()
                writer.writerows(records)
            print('%-24s %4d rows' % (name + suffix, len(rows)))


# ---- the check ------------------------------------------------------------------------------------------------

def parse(name, record):
    if name in FAMILIES:
        return {v: from_bits(record[v + '_hex']) for v in FAMILIES[name][1].split()}
    row = {s: record[s] if s == 'kind' else int(record[s]) for s in ROWS[name][1]}
    return row | {v: [from_bits(a) for a in record[v + '_hex'].split()] for v in ROWS[name][2]}


def check(folder):
    """Recomputes a folder; every output column must come out again, text for text (largest terms excepted)."""
    failures = 0
    for path in sorted(pathlib.Path(folder).glob('*.csv')):
        name = path.stem.removesuffix('_in64')
        if name not in FAMILIES and name not in ROWS:
            continue
        width = 64 if path.stem.endswith('_in64') else 32
        records = list(csv.DictReader(open(path)))
        for record in records:
            again = columns(name, parse(name, record), width)
            wrong = [c for c in record if not c.endswith('mag') and str(again.get(c)) != record[c]]
            failures += bool(wrong)
            for c in wrong:
                print('%s: %s: %s, here %s' % (path.name, c, record[c][:100], str(again.get(c))[:100]))
        print('%-28s %4d rows' % (path.name, len(records)))
    return failures


if __name__ == '__main__':
    if len(sys.argv) == 3 and sys.argv[1] == '--check':
        sys.exit(check(sys.argv[2]) != 0)
    generate()
