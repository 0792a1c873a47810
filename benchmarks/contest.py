# SPDX-License-Identifier: BSD-2-Clause
"""Measuring programs kept alive side by side, and turns between them.

Nothing is measured alone: in every round each contender gets one short slice, so that a machine that slows down slows
all. A ratio is the median of the rounds' ratios. The programs' protocol is described in serve.h."""

import contextlib
import os
import statistics
import subprocess
import tempfile


class Skipped(Exception):
    """A program that cannot take part, with its reason."""


class Worker:
    """A measuring program: its cases, and what it says about itself."""

    def __init__(self, command, env=None, cpus=None):
        self.about, self.cases = [], {}
        self.complaints = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints, text=True,
            env=environment(env or {}), preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None)
        try:
            self.greet()
        except BaseException:
            self.close()
            raise

    def greet(self):
        for line in self.process.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "about":
                self.about.append(rest)
            elif word == "case":
                name, work = rest.split()
                self.cases[name] = float(work)
            elif word == "ready":
                return
            elif word == "skip":
                raise Skipped(rest)
        raise Skipped(self.last_words())

    def last_words(self):
        self.process.wait()
        self.complaints.seek(0)
        lines = self.complaints.read().decode(errors="replace").strip().splitlines()
        command = " ".join(os.path.basename(word) for word in self.process.args)
        return f"{command}: ended ({self.process.returncode}), {' '.join(lines[-2:])}"

    def pin(self, cpus):
        """All its threads to these processors."""
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            os.sched_setaffinity(int(thread), cpus)

    def tell(self, line):
        with contextlib.suppress(BrokenPipeError):  # hear() finds out why
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def hear(self):
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(self.last_words())
        return answer

    def run(self, case, seconds):
        """Seconds that one run takes."""
        self.tell(f"run {seconds} {case}")
        return float(self.hear())

    def calls(self, case, count):
        """Seconds of each of so many runs."""
        self.tell(f"calls {count} {case}")
        return [1e-9 * int(word) for word in self.hear().split()]

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.complaints.close()


def environment(changes):
    """One thread in every library, and no leftovers of the caller's that choose kernels."""
    chosen = ("VAE_CPU", "OPENBLAS_CORETYPE", "BLIS_ARCH_TYPE", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
    env = {name: value for name, value in os.environ.items() if name not in chosen}
    for library in ("OPENBLAS", "BLIS", "OMP", "MKL"):
        env[library + "_NUM_THREADS"] = "1"
    return {**env, **changes}


def interleave(contenders, rounds, seconds):
    """{label: (worker, case)} -> {label: [seconds of each round]}, A B C A B C."""
    times = {label: [] for label in contenders}
    for _ in range(rounds):
        for label, (worker, case) in contenders.items():
            times[label].append(worker.run(case, seconds))
    return times


def interleave_calls(contenders, rounds):
    """{label: (worker, case, calls a round)} -> {label: [seconds of each call]}."""
    times = {label: [] for label in contenders}
    for _ in range(rounds):
        for label, (worker, case, count) in contenders.items():
            times[label] += worker.calls(case, count)
    return times


def median(values):
    return statistics.median(values)


def ratio(times, above, below):
    """The median over rounds of one contender's time over another's."""
    return median([a / b for a, b in zip(times[above], times[below])])


def fastest(times, labels):
    """The label with the smallest median, or None of no labels."""
    return min(labels, key=lambda label: median(times[label]), default=None)


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
