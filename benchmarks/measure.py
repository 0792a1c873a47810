# SPDX-License-Identifier: BSD-2-Clause
"""What is measured, section by section. Each section gives plain dictionaries and lists, for report.py and plot.py."""

import contextlib
import os
import subprocess
import sys
import time

from contest import Skipped, Worker, environment, fastest, interleave, interleave_calls, median, quantile, ratio

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = {  # units, activation, batch, draws
    "A": ("784-400-20", "relu", 128, 1),
    "B1": ("784-200-200-50", "tanh", 20, 1),
    "B5": ("784-200-200-50", "tanh", 20, 5),
    "B50": ("784-200-200-50", "tanh", 20, 50),
}
IWAE_MODELS = {  # B5 and B50 on the importance-weighted bound: the same matrix products
    "IWAE5": ("784-200-200-50", "tanh", 20, "iwae:5"),
    "IWAE50": ("784-200-200-50", "tanh", 20, "iwae:50"),
}
# Which processor features OpenBLAS's kernels need, in the words of /proc/cpuinfo.
OPENBLAS_CORES = {
    "Haswell": {"avx2", "fma"},
    "SkylakeX": {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
    "Cooperlake": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_bf16"},
    "SapphireRapids": {"avx512f", "avx512_bf16", "amx_bf16"},
}
OWN_PRODUCTS = "libvae's products"
WITH_BLAS = "libvae, CBLAS by sgemm"
WITH_ELBO = "libvae, ELBO"
OPENBLAS, BLIS, ONEDNN = "libopenblas.so.0", "libblis.so.4", "libdnnl.so.2"
# BLIS 0.9 takes its kernels by number.
BLIS_SKX, BLIS_HASWELL = {"BLIS_ARCH_TYPE": "0"}, {"BLIS_ARCH_TYPE": "3"}


def cpu_flags():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith(("flags", "Features")):
                return set(line.split(":", 1)[1].split())
    return set()


class Bench:
    """The build to measure, how long, and who could not take part."""

    def __init__(self, build, quick):
        self.programs = os.path.join(build, "benchmarks")
        self.build = build
        self.quick = quick
        self.rounds = 2 if quick else 7
        self.slice = 0.002 if quick else 0.1
        self.models = ["A", "B1"] if quick else list(MODELS)
        self.cpus = sorted(os.sched_getaffinity(0))
        self.skipped = []
        self.versions = []
        self.stack = contextlib.ExitStack()
        self.torches = {}

    def skip(self, reason):
        if reason not in self.skipped:
            print(f"bench: skips {reason}", flush=True)
            self.skipped.append(reason)

    def has(self, program):
        return os.path.exists(os.path.join(self.programs, program))

    def own(self, stack, program, *arguments, **how):
        """A measuring program of this build, which has no excuse."""
        return self.start(stack, [os.path.join(self.programs, program), *map(str, arguments)], **how)

    def start(self, stack, command, **how):
        worker = Worker(command, **how)
        stack.callback(worker.close)
        for words in worker.about:
            if words not in self.versions:
                self.versions.append(words)
        return worker

    def peer(self, stack, script, *arguments, **how):
        """A program in Python, or None."""
        command = [sys.executable, os.path.join(HERE, "peers", script), *map(str, arguments)]
        try:
            return self.start(stack, command, **how)
        except Skipped as reason:
            self.skip(str(reason))
            return None

    def torch(self, threads):
        """PyTorch on so many threads, or None; the same program serves every section, for it is slow to start."""
        if threads not in self.torches:
            env = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
            self.torches[threads] = self.peer(self.stack, "torch_peer.py", threads, env=env)
        return self.torches[threads]

    def blas(self, stack, tier):
        """{name: worker} of the other libraries' products: each as it comes and with its kernels chosen ("best"), or
        with those for AVX2 ("avx2")."""
        workers = {}

        def add(name, library, env, core=None):
            try:
                worker = self.start(stack, [os.path.join(self.programs, "bench_gemm_blas"), library], env=env)
            except Skipped as reason:
                self.skip(str(reason))
                return None
            says = core_of(worker)
            if core and says != core:
                self.skip(f"{name}: it chose {says}")
                return None
            workers[f"{name} ({says})" if says and not core else name] = worker
            return says

        flags = cpu_flags()
        if tier == "avx2":
            add("OpenBLAS Haswell", OPENBLAS, {"OPENBLAS_CORETYPE": "Haswell"}, "Haswell")
            add("BLIS haswell", BLIS, BLIS_HASWELL, "haswell")
            add("oneDNN AVX2", ONEDNN, {"ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2"})
            return workers
        default = add("OpenBLAS", OPENBLAS, {})
        for core, needs in OPENBLAS_CORES.items():
            if default and needs <= flags and core != default:
                add(f"OpenBLAS {core}", OPENBLAS, {"OPENBLAS_CORETYPE": core}, core)
        default = add("BLIS", BLIS, {})
        if default and default != "skx" and "avx512f" in flags:
            add("BLIS skx", BLIS, BLIS_SKX, "skx")
        add("oneDNN", ONEDNN, {})
        return workers


def isa_of(worker):
    """From "libvae 0.1.0 isa=avx512 ..."."""
    return next(word[4:] for word in worker.about[0].split() if word.startswith("isa="))


def core_of(worker):
    """Which kernels a BLAS says that it chose, or None."""
    return next((word[5:] for line in worker.about for word in line.split() if word.startswith("core=")), None)


def tier_env(tier):
    return {"VAE_CPU": "avx2"} if tier == "avx2" else {}


def medians(times):
    return {label: median(values) for label, values in times.items()}


# ---- products ----------------------------------------------------------------------------------------------


def products(bench, tier="best"):
    """Every product of A and B, by all contenders, against the peak."""
    with contextlib.ExitStack() as stack:
        peak = bench.own(stack, "bench_peak")
        plain = bench.own(stack, "bench_gemm_native", env=tier_env(tier))
        epilogue = bench.own(stack, "bench_gemm_native", "epilogue", env=tier_env(tier))
        others = bench.blas(stack, tier)
        rows, isa = {}, isa_of(plain)
        for case, work in plain.cases.items():
            model, _, shape = case.partition("/")
            if shape in rows and model not in rows[shape]["models"]:
                rows[shape]["models"].append(model)
            if "/" not in shape or shape in rows or model not in bench.models:
                continue
            contenders = {"issue": (peak, "issue"), "peak": (peak, isa), "libvae": (plain, case),
                          "epilogue": (epilogue, case), **{name: (worker, case) for name, worker in others.items()}}
            times = interleave(contenders, bench.rounds, bench.slice / 5)
            rows[shape] = product_row(times, others, work, peak.cases[isa], model)
            rows[shape]["issue"] = [peak.cases["issue"] / seconds for seconds in times["issue"]]
        return {"isa": isa, "others": list(others), "rows": rows}


def product_row(times, others, work, peak_work, model):
    best = fastest(times, others)
    scale = work / peak_work
    return {
        "models": [model], "work": work, "peak": peak_work / median(times["peak"]),
        "rates": {label: work / seconds for label, seconds in medians(times).items()
                  if label not in ("peak", "issue")},
        "shares": [scale * peak / own for peak, own in zip(times["peak"], times["libvae"])],
        "of_peak": scale * ratio(times, "peak", "libvae"), "epilogue_of_peak": scale * ratio(times, "peak", "epilogue"),
        "fastest": best, "against_fastest": ratio(times, best, "libvae") if best else None,
    }


# ---- steps -------------------------------------------------------------------------------------------------


def words_of(model):
    """Its arguments of bench_step, threads left out."""
    return {**MODELS, **IWAE_MODELS}[model]


def elbo_of(model):
    """The model of MODELS with the same products."""
    return model.replace("IWAE", "B")


def step_worker(bench, stack, model, threads, **how):
    return bench.own(stack, "bench_step", *words_of(model), threads, **how)


def frameworks(bench, stack, threads):
    """{label: (worker, how its cases' names end)}"""
    found = {}
    if bench.quick and threads > 1:
        return found
    torch = bench.torch(threads)
    if torch:
        found["PyTorch eager"] = (torch, "eager")
        found["PyTorch, fused Adam"] = (torch, "fused")
        found["PyTorch compiled, fused Adam"] = (torch, "compiled")
    jax = bench.peer(stack, "jax_peer.py", cpus=bench.cpus[-threads:])
    if jax:
        found["JAX jit"] = (jax, "jit")
    return found


def takes_part(bench, model, kind):
    """Compiling takes PyTorch most of a minute for each model: only where a goal or the objective asks for it."""
    if bench.quick:
        return kind in ("eager", "fused") or (kind == "jit" and model in ("A", "IWAE5"))
    return kind != "compiled" or model not in ("B5", "B50")


def steps(bench, models):
    """A step against the products alone by the fastest BLAS, and against the frameworks, one thread and two."""
    rows = []
    with contextlib.ExitStack() as stack:
        blas, native = bench.blas(stack, "best"), bench.own(stack, "bench_gemm_native")
        thread_counts = [1, 2] if len(bench.cpus) > 1 else [1]
        peers = {threads: frameworks(bench, stack, threads) for threads in thread_counts}
        prepare(bench, models, peers)
        for model in models:
            products_alone = elbo_of(model) + "/step"
            workers = {threads: step_worker(bench, stack, model, threads) for threads in thread_counts}
            for threads in thread_counts:
                contenders = {"libvae": (workers[threads], "step")}
                if model in IWAE_MODELS:
                    contenders[WITH_ELBO] = (step_worker(bench, stack, elbo_of(model), threads), "step")
                if threads > 1:
                    contenders["libvae, 1 thread"] = (workers[1], "step")
                else:
                    contenders[OWN_PRODUCTS] = (native, products_alone)
                    if bench.has("bench_step_blas"):
                        with_blas = bench.own(stack, "bench_step_blas", *words_of(model), threads)
                        contenders[WITH_BLAS] = (with_blas, "step")
                floors = {name: (worker, products_alone) for name, worker in blas.items()} if threads == 1 else {}
                rivals = {label: (worker, f"{model}/{kind}") for label, (worker, kind) in peers[threads].items()
                          if takes_part(bench, model, kind)}
                times = interleave({**contenders, **floors, **rivals}, bench.rounds, bench.slice)
                rows.append(step_row(model, threads, times, floors, rivals, workers[1].cases["step"]))
    return rows


def prepare(bench, models, peers):
    """What compiles, compiles now, side by side for all numbers of threads."""
    for model in models:
        for kind in ("compiled", "jit"):
            asked = [worker for found in peers.values() for worker, own in found.values()
                     if own == kind and takes_part(bench, model, kind)]
            for worker in asked:
                worker.tell(f"run 0.001 {model}/{kind}")
            for worker in asked:
                worker.hear()


def step_row(model, threads, times, floors, rivals, work):
    floor = fastest(times, floors)
    return {
        "model": model, "threads": threads, "work": work, "batch": words_of(model)[2], "seconds": medians(times),
        "floor": floor, "with_blas": ratio(times, WITH_BLAS, "libvae") if WITH_BLAS in times else None,
        "floors": list(floors), "rivals": {label: ratio(times, label, "libvae") for label in rivals},
        "over_floor": ratio(times, "libvae", floor) if floor else None,
        "speedup": ratio(times, "libvae, 1 thread", "libvae") if threads > 1 else None,
        "over_elbo": ratio(times, "libvae", WITH_ELBO) if WITH_ELBO in times else None,
    }


def stolen_core(bench):
    """Two threads on two processors, one of them shared with a busy loop, against one thread on the free one."""
    if len(bench.cpus) < 2:
        bench.skip("the stolen core: there is but one processor")
        return None
    free, taken = bench.cpus[0], bench.cpus[1]
    thief = subprocess.Popen([sys.executable, "-c", "while True: pass"],
                             preexec_fn=lambda: os.sched_setaffinity(0, [taken]))
    try:
        with contextlib.ExitStack() as stack:
            both = {free, taken}
            contenders = {
                "libvae, 2 threads": (step_worker(bench, stack, "A", 2, cpus=both), "step"),
                "libvae, 1 thread": (step_worker(bench, stack, "A", 1, cpus={free}), "step"),
            }
            torches = {2: bench.torch(2), 1: bench.torch(1)} if not bench.quick else {}
            for threads, torch in torches.items():
                if torch:
                    torch.pin({free, taken} if threads > 1 else {free})
                    stack.callback(torch.pin, bench.cpus)
                    contenders[f"PyTorch, {threads} thread" + "s" * (threads - 1)] = (torch, "A/fused")
            times = interleave(contenders, bench.rounds, 2 * bench.slice)
    finally:
        thief.kill()
        thief.wait()
    result = {"seconds": medians(times), "libvae": ratio(times, "libvae, 1 thread", "libvae, 2 threads")}
    if "PyTorch, 2 threads" in times:
        result["PyTorch"] = ratio(times, "PyTorch, 1 thread", "PyTorch, 2 threads")
    return result


def avx2_steps(bench):
    """Steps with AVX2 alone, against the products by the fastest BLAS that has no more."""
    rows = []
    with contextlib.ExitStack() as stack:
        blas = bench.blas(stack, "avx2")
        native = bench.own(stack, "bench_gemm_native", env=tier_env("avx2"))
        for model in bench.models:
            worker = step_worker(bench, stack, model, 1, env=tier_env("avx2"))
            floors = {name: (other, model + "/step") for name, other in blas.items()}
            contenders = {"libvae": (worker, "step"), OWN_PRODUCTS: (native, model + "/step"), **floors}
            times = interleave(contenders, bench.rounds, bench.slice)
            rows.append(step_row(model, 1, times, floors, {}, worker.cases["step"]))
    return rows


# ---- elements ----------------------------------------------------------------------------------------------


def elements(bench):
    """Divergence, likelihood, noise, draw: value and gradients, one thread."""
    rows = []
    with contextlib.ExitStack() as stack:
        own = bench.own(stack, "bench_elements")
        peers = {"PyTorch": bench.torch(1),
                 "NumPy": bench.peer(stack, "numpy_peer.py")}
        for case, work in own.cases.items():
            name = case.replace("-training", "").replace("-exact", "")
            rivals = {label: (worker, name) for label, worker in peers.items() if worker}
            times = interleave({"libvae": (own, case), **rivals}, bench.rounds, bench.slice)
            rows.append({"case": case, "nanoseconds": {k: 1e9 * v / work for k, v in medians(times).items()},
                         "rivals": {label: ratio(times, label, "libvae") for label in rivals}})
    return rows


# ---- one row at a time -------------------------------------------------------------------------------------


def latency(bench):
    """The score of one row, against nothing but the products by the fastest BLAS, and against the frameworks."""
    with contextlib.ExitStack() as stack:
        own = bench.own(stack, "bench_score", *MODELS["A"], 1)
        floors = {OWN_PRODUCTS: (bench.own(stack, "bench_gemm_native"), "score")}
        for name, worker in bench.blas(stack, "best").items():
            for layout in ("rows", "columns"):
                floors[f"{name}, weights by {layout}"] = (worker, "score/" + layout)
        peers = {"PyTorch": bench.torch(1),
                 "ONNX Runtime": bench.peer(stack, "onnx_peer.py")}
        rivals = {label: (worker, "score") for label, worker in peers.items() if worker}
        times = interleave({"libvae": (own, "score"), **floors, **rivals}, bench.rounds, bench.slice)
        packaged = [label for label in floors if label != OWN_PRODUCTS]
        floor = fastest(times, packaged)
        result = {"seconds": medians(times), "floor": floor, "floors": list(floors),
                  "over_floor": ratio(times, "libvae", floor) if floor else None,
                  "rivals": {label: ratio(times, label, "libvae") for label in rivals}}
        result["calls"] = single_calls(bench, own, floors.get(floor), floor, rivals)
        result["views"] = views(bench, own)
    return result


def single_calls(bench, own, floor_case, floor, rivals):
    """Each call by its own clock: 100,000 of the score and of the bare products, 10,000 of each framework's."""
    turns, share = (4, 50) if bench.quick else (20, 5000)
    contenders = {"libvae": (own, "score", share)}
    if floor:
        contenders[floor] = (*floor_case, share)
    contenders.update({label: (*case, share // 10) for label, case in rivals.items()})
    times = interleave_calls(contenders, turns)
    return {label: {"count": len(values), "median": median(values), "p99": quantile(values, 0.99)}
            for label, values in times.items()}


def views(bench, own):
    if len(bench.cpus) < 2:
        bench.skip("two views in two threads: there is but one processor")
        return None
    times = interleave({"one": (own, "one-view"), "two": (own, "two-views")}, bench.rounds, 2 * bench.slice)
    rate = {label: own.cases[f"{label}-view" + "s" * (label == "two")] / seconds
            for label, seconds in medians(times).items()}
    return {"one": rate["one"], "two": rate["two"], "gain": 2 * ratio(times, "one", "two")}


# ---- growth ------------------------------------------------------------------------------------------------


def growth(bench):
    """One number varied at a time, around model A."""
    few = bench.quick
    batches = [1, 128] if few else [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
    widths = [64, 400] if few else [64, 128, 256, 400, 512, 1024, 2048, 4096]
    latents = [2, 20] if few else [2, 8, 20, 32, 128, 512]
    return {"batch": [growth_row(bench, n, ("784-400-20", "relu", n, 1)) for n in batches],
            "width": [growth_row(bench, n, (f"784-{n}-20", "relu", 128, 1)) for n in widths],
            "latent": [growth_row(bench, n, (f"784-400-{n}", "relu", 128, 1)) for n in latents]}


def growth_row(bench, value, spec):
    with contextlib.ExitStack() as stack:
        peak = bench.own(stack, "bench_peak")
        row = {"value": value, "batch": spec[2]}
        contenders, works = {}, {}
        for threads in [1, 2] if len(bench.cpus) > 1 else [1]:
            worker = bench.own(stack, "bench_step", *spec, threads)
            isa = isa_of(worker) + ("/2" if threads > 1 else "")
            contenders[f"step/{threads}"], contenders[f"peak/{threads}"] = (worker, "step"), (peak, isa)
            works[threads] = worker.cases["step"], peak.cases[isa]
        times = interleave(contenders, max(2, bench.rounds - 2), bench.slice / 2)
        for threads, (work, peak_work) in works.items():
            row[str(threads)] = {"seconds": median(times[f"step/{threads}"]),
                                 "rate": work / median(times[f"step/{threads}"]),
                                 "of_peak": work / peak_work * ratio(times, f"peak/{threads}", f"step/{threads}")}
        return row


# ---- size, memory, start -----------------------------------------------------------------------------------


def footprint(bench):
    """Medians of several starts of a program that trains A."""
    program = [os.path.join(bench.programs, "bench_footprint"), *map(str, MODELS["A"]), "1"]
    runs = []
    for _ in range(bench.rounds):
        start = time.monotonic_ns()
        output = subprocess.run(program, env=environment({}), check=True, capture_output=True, text=True).stdout
        values = dict(line.split() for line in output.splitlines())
        runs.append({"start": 1e-9 * (int(values["first_step"]) - start), "peak": 1024 * int(values["peak_kib"]),
                     "data": int(values["data_bytes"]), "state": 16 * int(values["parameters"])})
    result = {key: median([run[key] for run in runs]) for key in runs[0]}
    result["library"] = stripped_size(bench)
    return result


def stripped_size(bench):
    library = os.path.join(bench.build, "lib", "libvae.so")
    stripped = os.path.join(bench.build, "libvae-stripped.so")
    try:
        subprocess.run(["strip", "-o", stripped, library], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        bench.skip(f"the library's size: {error}")
        return None
    return os.path.getsize(stripped)


# ---- phases ------------------------------------------------------------------------------------------------


def phases(bench):
    """Where a step's time goes; with two threads, processor time."""
    rows = []
    for model, threads in (("A", 1), ("A", 2), ("B1", 1), ("B50", 1)):
        if model not in bench.models or threads > len(bench.cpus):
            continue
        program = [os.path.join(bench.programs, "bench_phases"), str(10 * bench.slice), *map(str, MODELS[model]),
                   str(threads)]
        output = subprocess.run(program, env=environment({}), check=True, capture_output=True, text=True).stdout
        values = {name: 1e-9 * float(time) for time, name in
                  (line.split(" ", 1) for line in output.splitlines())}
        rows.append({"model": model, "threads": threads, "wall": values.pop("wall"), "phases": values})
    return rows


def has_avx2(bench):
    if {"avx2", "fma"} <= cpu_flags():
        return True
    bench.skip("AVX2: not on this processor")
    return False
