# SPDX-License-Identifier: BSD-2-Clause
"""libvae.so by ctypes: the structs and functions of include/vae/vae.h that the tables use, and models as objects.

Arrays are numpy's; a call takes their addresses and copies nothing. Errors become exceptions with the library's
words."""

import ctypes

import numpy

i32, u64, f64, size_t, pointer = ctypes.c_int32, ctypes.c_uint64, ctypes.c_double, ctypes.c_size_t, ctypes.c_void_p

DENSE, GATED = 1, 2
RELU, TANH = 1, 2
IDENTITY, SIGMOID = 0, 3
BERNOULLI, GAUSS = 1, 2
SCALE_CELL, SCALE_SPAN, SCALE_FIXED = 0, 2, 3
PRIOR_NORMAL, PRIOR_VAMP = 1, 3
INIT_TORCH, INIT_GLOROT, INIT_HE, INIT_NORMAL = 1, 2, 3, 4
ELBO, IWAE = 1, 2
ADAM, ADAGRAD = 1, 3
WEIGHTS_ONLY = 1
BINARISE, SHUFFLE, APPLICATION = 5, 9, 128  # purposes of noise; the last one is a program's own


class Error(Exception):
    """A call failed; the words are vae_last_error()'s."""


class Layer(ctypes.Structure):
    _fields_ = [("size", u64), ("kind", i32), ("activation", i32), ("units", u64), ("slope", f64), ("epsilon", f64),
                ("momentum", f64), ("dropout", f64)]


class Span(ctypes.Structure):
    _fields_ = [("size", u64), ("columns", u64), ("likelihood", i32), ("mean_activation", i32), ("scale", i32),
                ("shape", i32), ("scale_value", f64), ("shape_value", f64), ("scale_min", f64), ("levels", u64),
                ("input", i32), ("reserved", i32)]


class Config(ctypes.Structure):
    _fields_ = [("size", u64), ("x_dim", u64), ("z_dim", u64), ("c_dim", u64),
                ("encoder", ctypes.POINTER(Layer)), ("n_encoder", size_t),
                ("decoder", ctypes.POINTER(Layer)), ("n_decoder", size_t),
                ("spans", ctypes.POINTER(Span)), ("n_spans", size_t),
                ("likelihood", i32), ("mean_activation", i32), ("prior", i32), ("standardise", i32),
                ("prior_components", u64), ("z_logvar_min", f64), ("z_logvar_max", f64), ("init", i32),
                ("reserved", i32), ("init_scale", f64), ("seed", u64)]


class Training(ctypes.Structure):
    _fields_ = [("size", u64), ("objective", i32), ("estimator", i32), ("samples", u64), ("estimates", u64),
                ("kl_weight", f64), ("free_bits", f64), ("kl_capacity", f64), ("elbo_weight", f64),
                ("optimizer", i32), ("reserved", i32), ("learning_rate", f64), ("beta1", f64), ("beta2", f64),
                ("epsilon", f64), ("momentum", f64), ("weight_decay", f64), ("clip_norm", f64)]


class Runtime(ctypes.Structure):
    _fields_ = [("size", u64), ("max_batch", u64), ("max_draws", u64), ("threads", i32), ("inference_only", i32),
                ("alloc_ctx", pointer), ("alloc", pointer), ("free", pointer), ("sgemm", pointer),
                ("parallel_for", pointer), ("parallel_ctx", pointer), ("log", pointer), ("log_ctx", pointer)]


class Batch(ctypes.Structure):
    _fields_ = [("size", u64), ("n", u64), ("index", pointer), ("weight", pointer), ("x", pointer), ("ldx", size_t),
                ("c", pointer), ("ldc", size_t), ("z", pointer), ("ldz", size_t), ("observed", pointer),
                ("ldobserved", size_t), ("total_weight", f64), ("first_row", u64), ("seed", u64), ("source", i32),
                ("reserved", i32)]


class Terms(ctypes.Structure):
    _fields_ = [("size", u64), ("objective", f64), ("elbo", f64), ("loglik", f64), ("kl", f64), ("grad_norm", f64)]


class Outputs(ctypes.Structure):
    _fields_ = [("size", u64), ("samples", u64)] + [
        (name, pointer) for name in ("elbo", "loglik", "kl", "log_evidence", "log_evidence_error", "kl_by_latent",
                                     "loglik_by_column", "mu", "logvar", "z", "x_mean", "x_location", "x_scale",
                                     "x_shape", "x_draw", "x_imputed")]


class TensorInfo(ctypes.Structure):
    _fields_ = [("size", u64), ("name", ctypes.c_char_p), ("rank", size_t), ("offset", u64), ("count", u64),
                ("flags", u64), ("shape", u64 * 8)]


INITS = {Layer: "layer", Span: "span", Config: "config", Training: "training", Runtime: "runtime", Batch: "batch",
         Terms: "terms", Outputs: "outputs", TensorInfo: "tensor_info"}
FUNCTIONS = {
    "vae_bernoulli": [u64, u64, u64, size_t, pointer, pointer],
    "vae_normal": [u64, u64, u64, size_t, pointer],
    "vae_permutation": [u64, u64, size_t, pointer],
    "vae_create": [pointer, pointer, pointer, pointer],
    "vae_share": [pointer, pointer, pointer],
    "vae_load": [pointer, ctypes.c_char_p, pointer],
    "vae_save": [pointer, ctypes.c_char_p, ctypes.c_uint32],
    "vae_set_metadata": [pointer, ctypes.c_char_p, ctypes.c_char_p],
    "vae_get_training": [pointer, pointer],
    "vae_set_training": [pointer, pointer],
    "vae_step_batch": [pointer, pointer, pointer],
    "vae_infer": [pointer, pointer, pointer, pointer],
    "vae_set_tensor": [pointer, pointer, pointer],
    "vae_get_tensor": [pointer, ctypes.c_char_p, pointer, u64],
}


class Library:
    """A loaded libvae.so; its functions are attributes, by their names without vae_, and raise Error."""

    def __init__(self, path):
        self.so = ctypes.CDLL(str(path))
        for kind, name in INITS.items():
            getattr(self.so, f"vae_{name}_init").argtypes = [pointer, size_t]
            getattr(self.so, f"vae_{name}_init").restype = None
        for name, arguments in FUNCTIONS.items():
            getattr(self.so, name).argtypes = arguments
            setattr(self, name.removeprefix("vae_"), self.checked(getattr(self.so, name)))
        self.so.vae_destroy.argtypes, self.so.vae_destroy.restype = [pointer], None
        self.so.vae_get_metadata.argtypes = [pointer, ctypes.c_char_p]
        for name in ("vae_get_metadata", "vae_last_error", "vae_build_info"):
            getattr(self.so, name).restype = ctypes.c_char_p

    def checked(self, function):
        def call(*arguments):
            if function(*arguments) != 0:
                raise Error(self.so.vae_last_error().decode())
        return call

    def make(self, kind, /, **fields):
        """A struct with its defaults, but for the fields given."""
        struct = kind()
        getattr(self.so, f"vae_{INITS[kind]}_init")(ctypes.byref(struct), ctypes.sizeof(struct))
        for name, value in fields.items():
            setattr(struct, name, value)
        return struct

    def array(self, kind, settings):
        return (kind * len(settings))(*(self.make(kind, **fields) for fields in settings))

    def config(self, layers, **fields):
        """A configuration; `layers`, `encoder`, `decoder` and `spans` are lists of their structs' fields."""
        made = {side: self.array(Layer, fields.pop(side, layers)) for side in ("encoder", "decoder")}
        spans = fields.pop("spans", None)
        if spans:
            made["spans"] = self.array(Span, spans)
        counts = {f"n_{name}": len(array) for name, array in made.items()}
        config = self.make(Config, **fields, **counts)
        for name, array in made.items():
            setattr(config, name, ctypes.cast(array, ctypes.POINTER(array._type_)))
        config.arrays = made
        return config

    def build_info(self):
        return self.so.vae_build_info().decode()


def stream(purpose, step, sample=0):
    """The number of a stream of noise: see Noise in the header."""
    return purpose << 56 | sample << 40 | step


class Model:
    """A model, destroyed with the object; a view keeps its owner."""

    def __init__(self, library, handle, owner=None):
        self.library, self.handle, self.owner = library, handle, owner

    def __del__(self):
        if self.handle:
            self.library.so.vae_destroy(self.handle)
            self.handle = None

    @classmethod
    def create(cls, library, config, training, **runtime):
        handle = pointer()
        library.create(ctypes.byref(handle), ctypes.byref(config), ctypes.byref(training),
                       ctypes.byref(library.make(Runtime, **runtime)))
        return cls(library, handle)

    @classmethod
    def load(cls, library, path, **runtime):
        handle = pointer()
        library.load(ctypes.byref(handle), str(path).encode(), ctypes.byref(library.make(Runtime, **runtime)))
        return cls(library, handle)

    def view(self, **runtime):
        """For reading, with a max_batch and threads of its own."""
        handle = pointer()
        self.library.share(ctypes.byref(handle), self.handle, ctypes.byref(self.library.make(Runtime, **runtime)))
        return Model(self.library, handle, self)

    def save(self, path, flags=0):
        self.library.save(self.handle, str(path).encode(), flags)

    def set_metadata(self, key, text):
        self.library.set_metadata(self.handle, key.encode(), text.encode())

    def metadata(self, key):
        found = self.library.so.vae_get_metadata(self.handle, key.encode())
        return None if found is None else found.decode()

    def training(self):
        training = self.library.make(Training)
        self.library.get_training(self.handle, ctypes.byref(training))
        return training

    def change_training(self, **fields):
        training = self.training()
        for name, value in fields.items():
            setattr(training, name, value)
        self.library.set_training(self.handle, ctypes.byref(training))

    def set_tensor(self, name, values):
        values = numpy.ascontiguousarray(values, numpy.float32)
        info = self.library.make(TensorInfo, name=name.encode(), rank=values.ndim)
        info.shape[:values.ndim] = values.shape
        self.library.set_tensor(self.handle, ctypes.byref(info), values.ctypes.data)

    def tensor(self, name, count):
        values = numpy.empty(count, numpy.float32)
        self.library.get_tensor(self.handle, name.encode(), values.ctypes.data, count)
        return values

    def infer(self, x, samples, first_row=0, **outputs):
        """vae_infer() on rows x; `outputs` are arrays to fill. Returns the terms."""
        batch = self.library.make(Batch, n=len(x), x=x.ctypes.data, first_row=first_row)
        addresses = {name: array.ctypes.data for name, array in outputs.items()}
        out, terms = self.library.make(Outputs, samples=samples, **addresses), self.library.make(Terms)
        self.library.infer(self.handle, ctypes.byref(batch), ctypes.byref(out), ctypes.byref(terms))
        return terms
