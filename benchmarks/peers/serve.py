# SPDX-License-Identifier: BSD-2-Clause
"""The protocol of serve.h, for measuring programs in Python."""

import sys
import time


class Case:
    """make() gives a function that runs once, and one that waits until all runs are done (or None)."""

    def __init__(self, work, make):
        self.work, self.make, self.run, self.finish = work, make, None, None

    def prepare(self):
        """The first time: make it, and let compilers and allocators settle."""
        if self.run is None:
            self.run, self.finish = self.make()
            self.many(5)

    def many(self, count):
        for _ in range(count):
            self.run()
        if self.finish:
            self.finish()


def slice_of(case, seconds):
    case.prepare()
    case.many(1)
    start = time.perf_counter()
    case.many(1)
    once = time.perf_counter() - start
    batch = max(1, int(min(seconds, 0.02) / once))
    spent, runs = 0.0, 0
    while spent < seconds:
        start = time.perf_counter()
        case.many(batch)
        spent += time.perf_counter() - start
        runs += batch
    return spent / runs


def calls_of(case, count):
    case.prepare()
    case.many(10)
    times = []
    for _ in range(count):
        start = time.perf_counter_ns()
        case.run()
        times.append(time.perf_counter_ns() - start)
    return times


def say(*words):
    print(*words, flush=True)


def skip(reason):
    say("skip", reason)
    sys.exit(0)


def serve(about, cases):
    """{name: Case}; until the input ends."""
    say("about", about)
    for name, case in cases.items():
        say("case", name, case.work)
    say("ready")
    for line in sys.stdin:
        order, amount, name = line.split()
        if order == "run":
            say(slice_of(cases[name], float(amount)))
        else:
            say(*calls_of(cases[name], int(amount)))
