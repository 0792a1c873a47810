#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seed corpora of the fuzzers. Files named finding-* are not its own: they are inputs that a fuzzer found.

usage: seeds.py CORPUS           writes CORPUS/TARGET/NAME
       seeds.py --check CORPUS   says which files differ from what it would write"""
import json
import pathlib
import struct
import sys

STORED = {"plain": 0, "compressed": 4, "cut": 8, "checksum": 12}  # options of tests/fuzz/data.c


def idx(kind, shape, cells):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + cells


def npy(dictionary, cells, version=1):
    length = struct.pack("<H" if version == 1 else "<I", len(dictionary))
    return b"\x93NUMPY" + bytes([version, 0]) + length + dictionary.encode() + cells


def dictionary(descr="|u1", shape="(2, 3)", order="False"):
    return f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n"


FLOATS = [0.25, -2.5, 1.0, 3.0, float("nan"), float("inf")]


def idx_files():
    yield "bytes", idx(0x08, (3, 2, 5), bytes(range(0, 240, 8)))
    yield "rows", idx(0x08, (4, 4), bytes(range(16)))
    yield "one-row", idx(0x08, (1, 3), bytes(3))
    yield "float32", idx(0x0d, (3, 2), struct.pack(">6f", *FLOATS))
    yield "float64", idx(0x0e, (3, 2), struct.pack(">6d", *FLOATS))
    yield "float64-wide", idx(0x0e, (1, 2), struct.pack(">2d", 1e300, 5e-324))
    yield "int32", idx(0x0c, (2, 2), bytes(16))
    yield "short", idx(0x08, (3, 2, 5), bytes(29))
    yield "long", idx(0x08, (3, 2, 5), bytes(31))
    yield "no-rows", idx(0x08, (0, 2, 5), b"")
    yield "overflow", idx(0x08, (0xffffffff,) * 3, bytes(4))
    yield "vector", idx(0x08, (5,), bytes(5))
    yield "4-dimensions", idx(0x08, (1, 1, 1, 1), bytes(1))
    yield "255-dimensions", idx(0x08, (1,) * 255, bytes(1))
    yield "header-cut", idx(0x08, (3, 2, 5), b"")[:9]


def npy_files():
    yield "bytes", npy(dictionary(), b"abcdef")
    for version in (2, 3, 4):
        yield f"version-{version}", npy(dictionary(), b"abcdef", version)
    for order in "<>":
        yield f"float32-{'little' if order == '<' else 'big'}", npy(
            dictionary(order + "f4"), struct.pack(order + "6f", *FLOATS))
        yield f"float64-{'little' if order == '<' else 'big'}", npy(
            dictionary(order + "f8", "(3, 1, 2)"), struct.pack(order + "6d", *FLOATS))
    yield "other-order-of-keys", npy('{"shape":(2,3),"fortran_order":False,"descr":"|u1"}\n', b"abcdef")
    yield "padded", npy(dictionary()[:-1] + " " * 40 + "\n", b"abcdef")
    yield "fortran", npy(dictionary(order="True"), b"abcdef")
    yield "float16", npy(dictionary("<f2"), bytes(12))
    yield "structured", npy("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 3)}\n", b"abcdef")
    yield "vector", npy(dictionary(shape="(6,)"), b"abcdef")
    yield "scalar", npy(dictionary(shape="()"), b"a")
    yield "no-columns", npy(dictionary(shape="(2, 0)"), b"")
    yield "overflow", npy(dictionary(shape="(4294967296, 4294967296)"), bytes(8))
    yield "too-many-digits", npy(dictionary(shape="(2, 99999999999999999999999)"), bytes(8))
    yield "short", npy(dictionary(), b"abcde")
    yield "long", npy(dictionary(), b"abcdefg")
    yield "key-twice", npy("{'shape': (2, 3), 'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}\n", b"abcdef")
    yield "long-header", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{}\n"


def with_options(files):
    """Each file plain; the first two also compressed, cut, with a wrong checksum, and read in part."""
    for i, (name, file) in enumerate(files):
        yield name, bytes([STORED["plain"]]) + file
        if i < 2:
            for how in ("compressed", "cut", "checksum"):
                yield f"{name}-{how}", bytes([STORED[how]]) + file
            for rows in (1, 2, 3):
                yield f"{name}-{rows}-of-all", bytes([STORED["plain" if rows != 2 else "compressed"] | rows]) + file


# ---- safetensors ----

DTYPES = {"F16": "e", "F32": "f", "F64": "d", "I64": "q"}


def values(shape, kind="f"):
    """Small numbers, no two neighbours alike."""
    count = 1
    for side in shape:
        count *= side
    return struct.pack(f"<{count}{kind}", *((7 * i % 11 - 5) / (8 if kind in "efd" else 1) if kind != "q" else i
                                            for i in range(count)))


def archive(text, data=b"", length=None):
    text = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def padded(header, align=8):
    text = json.dumps(header, separators=(",", ":"))
    return text + " " * (-(8 + len(text)) % align)


def tensors_file(shapes, metadata=None, dtype="F32"):
    """{name: shape} with values, contiguous, in this order."""
    header, data = {} if metadata is None else {"__metadata__": metadata}, b""
    for name, shape in shapes.items():
        kind = "I64" if name.endswith("num_batches_tracked") else dtype
        positive = name.endswith("running_var")
        begin, data = len(data), data + (b"\0\0\0\x3f" * shape[0] if positive else values(shape, DTYPES[kind]))
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [begin, len(data)]}
    return archive(padded(header, 64 if "vae.params" in shapes else 8), data)


def layer(units, activation=1, kind=1):
    return {"kind": kind, "activation": activation, "units": units, "slope": 0.01, "epsilon": 1e-5, "momentum": 0.1,
            "dropout": 0.5}


def span(columns, likelihood, scale=0, scale_min=-1e30):
    return {"columns": columns, "likelihood": likelihood, "mean_activation": 0, "scale": scale, "shape": 0,
            "scale_value": -0.5 if scale else 0, "shape_value": 0, "scale_min": scale_min, "levels": 256, "input": 0}


def config(hidden, spans, x_dim, z_dim=2):
    """hidden: (units, activation) of each layer, and its kind where that is not 1"""
    layers = [layer(*one) for one in hidden]
    return {"x_dim": x_dim, "z_dim": z_dim, "c_dim": 0, "encoder": layers, "decoder": layers[::-1], "spans": spans,
            "likelihood": 1, "mean_activation": 0, "prior": 1, "standardise": 0, "prior_components": 0,
            "z_logvar_min": -1e30, "z_logvar_max": 1e30, "init": 1, "init_scale": 1, "seed": 18446744073709551615}


TRAINING = {"objective": 1, "estimator": 0, "samples": 1, "estimates": 1, "kl_weight": 1, "free_bits": 0,
            "kl_capacity": 0, "elbo_weight": 0, "optimizer": 1, "learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999,
            "epsilon": 1e-8, "momentum": 0, "weight_decay": 0, "clip_norm": 0}
STATE = {"steps": 3, "beta1_power": 0.729, "beta2_power": 0.997002999}
MOMENTS = {1: 2, 2: 2, 3: 1, 4: 1}  # of each optimizer; the powers are those of the ones with two
GATED = 2
MIXTURE, VAMP = 2, 3


def shapes_of(c):
    """The tensors of a configuration, as the header's section Tensors and parameters lists them."""
    shapes, scales = {}, sum(s["columns"] for s in c["spans"] if s["likelihood"] in (2, 3) and s["scale"] == 0)
    ends = {"encoder": (c["x_dim"], 2 * c["z_dim"]), "decoder": (c["z_dim"], c["x_dim"] + scales)}
    for side, (inputs, outputs) in ends.items():
        for n, one in enumerate(c[side] + [layer(outputs)]):
            units = one["units"]
            for part in ("", "gate.") if one["kind"] == GATED else ("",):
                shapes[f"{side}.{n}.{part}weight"], shapes[f"{side}.{n}.{part}bias"] = (units, inputs), (units,)
            inputs = units
    for n, one in enumerate(c["spans"]):
        if one["scale"] == 2:
            shapes[f"spans.{n}.scale"] = (1,)
    return {**shapes, **prior_shapes(c)}


def prior_shapes(c):
    components = c["prior_components"]
    if c["prior"] == MIXTURE:
        return {"prior.mu": (components, c["z_dim"]), "prior.logvar": (components, c["z_dim"]),
                "prior.logits": (components,)}
    return {"prior.inputs": (components, c["x_dim"])} if c["prior"] == VAMP else {}


def described(c, training=TRAINING, version="1"):
    return {"format": "pt", "vae.format": version, "vae.config": json.dumps(c), "vae.training": json.dumps(training)}


def in_place(c, values=0):
    """With the parameters in the library's own order, too, or `values` more of them."""
    count = sum(len(shape) > 1 and shape[0] * shape[1] or shape[0] for shape in shapes_of(c).values())
    return tensors_file({"vae.params": (count + 64 + values,), **shapes_of(c)}, {**described(c), "vae.panels": "1"})


def model_file(c, trained=True, training=TRAINING, own=None, version="1"):
    """A file as vae_save() writes it, but for the moments, which are all 0.25."""
    metadata, shapes = described(c, training, version), shapes_of(c)
    if trained:
        moments = MOMENTS[training["optimizer"]]
        metadata["vae.state"] = json.dumps(STATE if moments == 2 else {**STATE, "beta1_power": 1, "beta2_power": 1})
        for moment in range(moments):
            shapes.update({f"optimizer.{moment}.{name}": shape for name, shape in shapes_of(c).items()})
    file = tensors_file(shapes, {**metadata, **(own or {})})
    at = file.index(values(shapes_of(c)["encoder.0.weight"]))
    parameters = sum(len(values(shape)) for shape in shapes_of(c).values())
    return file[:at + parameters] + b"\0\0\x80\x3e" * ((len(file) - at - parameters) // 4)


def model_files():
    tiny = config([], [], 2, 1)
    yield "tiny", model_file(tiny, trained=False)
    yield "tiny-trained", model_file(tiny)
    yield "hidden", model_file(config([(3, 1), (2, 6)], [], 3))
    yield "metadata", model_file(tiny, own={"threshold": "1e-3", "name \u00e9\U0001f600": "a\nb\"c\\"})
    spans = [span(1, 1), span(2, 2, scale_min=-3), span(1, 3, scale=2), span(1, 4), span(1, 2, scale=3), span(1, 5)]
    yield "spans", model_file(config([(2, 7)], spans, 7))
    for likelihood in range(2, 6):
        yield f"likelihood-{likelihood}", model_file({**tiny, "spans": [span(2, likelihood)]}, trained=False)
    yield "iwae", model_file(tiny, training={**TRAINING, "objective": 2, "samples": 4, "estimates": 2})
    yield "free-bits", model_file(tiny, training={**TRAINING, "free_bits": 0.125})
    yield "in-place", in_place(tiny)
    yield "in-place-long", in_place(tiny, 1)
    yield "newer", model_file(tiny, version="2")
    yield "newer-field", model_file({**tiny, "more": 1}, trained=False)
    yield "unserved", model_file(config([(1, 1, 3)], [], 2, 1), trained=False)
    yield "wide", tensors_file({}, described({**tiny, "x_dim": (1 << 30) - 1}))
    yield "deep", tensors_file({}, described(config([(1 << 29, 1)] * 40, [], 2)))
    yield "cut", model_file(tiny)[:-3]
    yield "long", model_file(tiny) + b"\0"
    yield from layered_files(tiny)
    yield from prior_files(tiny)
    yield from settings_files(tiny)
    yield from broken_files()


def layered_files(tiny):
    yield "gated", model_file(config([(1, 1, GATED)], [], 2, 1), training={**TRAINING, "optimizer": 4})
    yield "gated-and-dense", model_file(config([(2, 6, GATED), (3, 4)], [], 2, 1), trained=False)
    yield "gated-in-place", in_place(config([(2, 1, GATED)], [], 2, 1))
    for name, least, most in (("", -6, 4), ("-crossed", 1, -1)):
        yield f"limits{name}", model_file({**tiny, "z_logvar_min": least, "z_logvar_max": most}, trained=False)


def prior_files(tiny):
    mixture, vamp = {**tiny, "prior": MIXTURE, "prior_components": 3}, {**tiny, "prior": VAMP, "prior_components": 3}
    dreg = {**TRAINING, "objective": 2, "samples": 3, "estimator": 4}
    for name, c in ("mixture", mixture), ("vamp", vamp):
        yield name, model_file(c)
        yield f"{name}-in-place", in_place(c)
        yield f"{name}-dreg", model_file(c, trained=False, training=dreg)
        yield f"{name}-large", tensors_file({}, described({**c, "prior_components": (1 << 30) - 1}))
    yield "vamp-gated", model_file({**config([(2, 0, GATED)], [span(2, 2)], 2, 1), "prior": VAMP,
                                    "prior_components": 2, "z_logvar_min": -6, "z_logvar_max": 2}, trained=False)
    yield "mixture-none", model_file({**mixture, "prior_components": 0}, trained=False)
    yield "mixture-analytic", model_file(mixture, trained=False, training={**TRAINING, "estimator": 1})
    yield "normal-components", model_file({**tiny, "prior_components": 3}, trained=False)


def settings_files(tiny):
    for name, number in ("adamw", 2), ("adagrad", 3), ("sgd", 4):
        yield name, model_file(tiny, training={**TRAINING, "optimizer": number, "momentum": 0.9,
                                               "weight_decay": 0.01, "clip_norm": 1})
    yield "adagrad-negative", model_file(tiny, training={**TRAINING, "optimizer": 3})[:-1] + b"\xbe"
    yield "sgd-powers", model_file(tiny).replace(b'\\"optimizer\\": 1', b'\\"optimizer\\": 4')
    yield "stl", model_file(tiny, trained=False, training={**TRAINING, "estimator": 3})


def broken_files():
    """What the reference implementation refuses (safetensors/src/tensor.rs, attacks/README.md), and its white space."""
    one = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}%s}'
    pair = one % ',"%s":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'
    yield "empty", b""
    yield "header-too-small", b"\2\0\0\0"
    yield "header-too-large", archive("{}", length=(1 << 64) - 1)
    yield "header-length", archive("{}", length=100)
    yield "header-not-utf8", archive(b'{"\xff\xfe":{}}')
    yield "header-not-json", archive("{]")
    yield "no-tensors", archive("{}      ")
    yield "white-space", archive(" \n\t{}\r ")
    yield "trailing-text", archive("{}x")
    yield "overlap", archive(pair % ("b", 0, 4), bytes(4))
    yield "hole", archive(pair % ("b", 8, 12), bytes(12))
    yield "twice", archive(pair % ("a", 4, 8), bytes(8))
    yield "missing-bytes", archive(one % "", bytes(2))
    yield "extra-bytes", archive(one % "", bytes(6))
    yield "shape-overflow", archive('{"a":{"dtype":"F32","shape":[2147483648,2147483648,16],"data_offsets":[0,0]}}')
    yield "shape-wrong", archive('{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,4]}}', bytes(4))
    yield "offsets-reversed", archive('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', bytes(4))
    yield "no-elements", archive('{"a":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]}}')
    yield "no-dimensions", archive('{"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}', bytes(8))
    yield "half-bytes", archive('{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}}', bytes(1))
    yield "unknown-dtype", archive('{"a":{"dtype":"X9","shape":[1],"data_offsets":[0,4]}}', bytes(4))
    yield "unknown-field", archive('{"a":{"dtype":"F32","shape":[1],"x":[{"y":null}],"data_offsets":[0,4]}}', bytes(4))
    yield "metadata-null", archive('{"__metadata__":null}')
    yield "metadata-number", archive('{"__metadata__":{"a":1}}')
    yield "metadata-twice", archive('{"__metadata__":{},"__metadata__":{}}')
    yield "nested", archive('{"a":{"x":' + 200 * "[" + 200 * "]" + "}}")
    yield "surrogates", archive('{"__metadata__":{"\\ud83d\\ude00":"\\ud83d","\\u0000":""}}')


PYTORCH = {  # the models of tests/fuzz/import.c in common spellings
    0: {
        "library": {"encoder.0": (5, 6), "encoder.1": (4, 5), "decoder.0": (5, 2), "decoder.1": (6, 5)},
        "examples": {"fc1": (5, 6), "fc21": (2, 5), "fc22": (2, 5), "fc3": (5, 2), "fc4": (6, 5)},
        "pythae": {"encoder.layers.0.0": (5, 6), "encoder.embedding": (2, 5), "encoder.log_var": (2, 5),
                   "decoder.layers.0.0": (5, 2), "decoder.layers.1.0": (6, 5)},
        "sequential": {"encoder.0": (5, 6), "encoder.2": (4, 5), "decoder.0": (5, 2), "decoder.2": (6, 5)},
        "prefixed": {"model.encoder.0": (5, 6), "model.fc_mu": (2, 5), "model.fc_logvar": (2, 5),
                     "model.decoder.0": (5, 2), "model.decoder.2": (6, 5)},
    },
    1: {"heads": {"fc_mu": (2, 6), "fc_var": (2, 6), "decoder": (6, 2)}},
    2: {"sequential": {"encoder.0": (5, 6), "encoder.2": (5, 5), "encoder.4": (4, 5), "decoder.0": (5, 2),
                       "decoder.2": (5, 5), "decoder.4": (12, 5)}},
    3: {"examples": {"fc1": (5, 6), "fc21": (2, 5), "fc22": (2, 5), "fc3": (5, 2), "fc4": (6, 5)}},
    16: {
        "library": {"encoder.0": (5, 6), "encoder.0.gate": (5, 6), "encoder.1": (4, 5), "decoder.0": (5, 2),
                    "decoder.0.gate": (5, 2), "decoder.1": (6, 5)},
        "vampprior": {"q_z_layers.0.h": (5, 6), "q_z_layers.0.g": (5, 6), "q_z_mean": (2, 5),
                      "q_z_logvar.linear": (2, 5), "p_x_layers.0.h": (5, 2), "p_x_layers.0.g": (5, 2),
                      "p_x_mean.linear": (6, 5)},
        "no-gate": {"encoder.0": (5, 6), "encoder.1": (4, 5), "decoder.0": (5, 2), "decoder.1": (6, 5)},
        "gated-head": {"encoder.0": (5, 6), "encoder.1": (4, 5), "encoder.1.gate": (4, 5), "decoder.0": (5, 2),
                       "decoder.1": (6, 5)},
    },
    17: {"heads": {"fc_mu": (2, 6), "fc_var": (2, 6), "decoder": (6, 2)}},
    18: {"sequential": {"encoder.0": (5, 6), "encoder.2": (4, 5), "decoder.0": (5, 2), "decoder.2": (6, 5)}},
}
OTHERS = {  # what a prior adds to these
    17: {"prior.mu": (3, 2), "prior.logvar": (3, 2), "prior.logits": (3,)},
    18: {"prior.inputs": (3, 6)},
}


def with_biases(weights):
    shapes = {}
    for name, shape in weights.items():
        shapes.update({f"{name}.weight": shape, f"{name}.bias": shape[:1]})
    return shapes


def weights_files():
    for option, spellings in PYTORCH.items():
        for name, weights in spellings.items():
            yield f"{option}-{name}", bytes([option]) + tensors_file(with_biases(weights), {"format": "pt"})
            if option in OTHERS:
                yield f"{option}-{name}-prior", bytes([option]) + tensors_file({
                    **with_biases(weights), **OTHERS[option]}, {"format": "pt"})
    example = with_biases(PYTORCH[0]["examples"])
    yield "rules", bytes([4]) + tensors_file(example)
    yield "rules-quote", bytes([12]) + tensors_file(example)
    for dtype in "F16", "F64", "I64":
        yield f"rules-{dtype}", bytes([4]) + tensors_file(example, dtype=dtype)
    yield "transposed", bytes([0]) + tensors_file({**example, "fc1.weight": (6, 5)})
    yield "missing", bytes([0]) + tensors_file({name: shape for name, shape in example.items() if name != "fc3.bias"})
    yield "left-over", bytes([0]) + tensors_file({**example, "fc5.weight": (1, 1)})
    norm = {f"encoder.1.{part}": (5,) for part in ("weight", "bias", "running_mean", "running_var")}
    yield "normalised", bytes([0]) + tensors_file({
        **with_biases({"encoder.0": (5, 6)}), **norm, "encoder.1.num_batches_tracked": (),
        **with_biases({"encoder.3": (4, 5), "decoder.0": (5, 2), "decoder.2": (6, 5)})})
    for name, file in broken_files():
        yield name, bytes([0]) + file


def of_models(options):
    """Model files behind each byte of options, the largest ones behind the first alone."""
    for name, file in model_files():
        for option in options if len(file) < 2000 else options[:1]:
            yield f"{name}-{option}" if option else name, bytes([option]) + file


CORPORA = {
    "idx": lambda: with_options(idx_files()),
    "npy": lambda: with_options(npy_files()),
    "memory": lambda: of_models([0, 1, 2]),
    "stream": lambda: of_models([0, 0x32]),
    "import": weights_files,
}


def check(corpus):
    differ = []
    for target, files in CORPORA.items():
        files = dict(files())
        for path in sorted((corpus / target).iterdir()):
            if not path.name.startswith("finding-") and path.name not in files:
                differ.append(f"{path}: is not a seed")
        for name, content in files.items():
            path = corpus / target / name
            if not path.exists() or path.read_bytes() != content:
                differ.append(f"{path}: differs")
    print("\n".join(differ + [f"{len(differ)} files differ"]))
    return len(differ) > 0


def write(corpus):
    for target, files in CORPORA.items():
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if not path.name.startswith("finding-"):
                path.unlink()
        for name, content in files():
            (folder / name).write_bytes(content)


def main(*arguments):
    if len(arguments) == 2 and arguments[0] == "--check":
        return check(pathlib.Path(arguments[1]))
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.exit(__doc__)
    return write(pathlib.Path(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
