# SPDX-License-Identifier: BSD-2-Clause
"""A training run that can be stopped anywhere: its place is in the model's file, and it goes on to the same bits.

A run is a function of its plan: the order of the rows is vae_permutation's for the pass, the binarised rows are
vae_bernoulli's, the noise is the model's own. Python does nothing per step but move an address and call."""

import ctypes
import dataclasses
import json
import signal
import statistics
import time
import typing

import numpy

from library import Batch, Error, Model, SHUFFLE, Terms, Training, WEIGHTS_ONLY, stream

READ_BATCH = 200  # rows that a reading call processes at a time
FLAG = {"stop": False}  # SIGINT or SIGTERM came


class Stopped(Exception):
    """The run was stopped and saved."""


def catch_signals():
    """The first SIGINT or SIGTERM stops runs at the next step; the second one ends the program."""
    def handler(number, frame):
        FLAG["stop"] = True
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


@dataclasses.dataclass
class Plan:
    """All that a run is a function of, except its number of passes. `schedule` maps a pass, from 1, to settings of
    training; `start` changes the new model. `patience` > 0 keeps the model of the best validation bound, and stops
    after more than so many passes in a row without a better one, counted from pass `patient_from`."""
    table: str
    row: str
    seed: int
    data: typing.Any
    batch: int
    config: dict
    training: dict
    passes: int
    schedule: typing.Callable = lambda number: {}
    rule: str = "none"
    start: typing.Optional[typing.Callable] = None
    keep_best: bool = False
    patience: int = 0
    patient_from: int = 0

    @property
    def name(self):
        return f"{self.table} {self.row} seed {self.seed}"

    def settings(self):
        """What must agree for a file to be of this run."""
        taken = {key: getattr(self, key) for key in ("table", "row", "seed", "batch", "config", "training", "rule",
                                                     "keep_best", "patience", "patient_from")}
        return {**taken, "data": [self.data.name, self.data.digest, self.data.binarise, len(self.data.train)]}


def noted(number):
    """Is this pass a point of the curves? Four points an octave, and all of the first eight passes."""
    return number % (1 << max(0, number.bit_length() - 3)) == 0


class Progress:
    """Lines on standard output, at most one in `every` seconds, with the time left."""

    def __init__(self, name, every):
        self.name, self.every, self.last = name, every, -1e9

    def say(self, words, share=None, since=None, now=False):
        """`share` of the work was done in `since` seconds."""
        moment = time.monotonic()
        if now or moment - self.last >= self.every:
            self.last = moment
            left = f", {duration(since * (1 - share) / share)} left" if share else ""
            print(f"{self.name}: {words}{left}", flush=True)


def duration(seconds):
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class Run:
    """A plan being carried out in the file `path`. state: `complete` passes, `row` rows done of the next one and the
    `total` of their objective, points of the curve, the best validation bound."""

    def __init__(self, library, plan, path, threads=1, save_every=300, report_every=10):
        self.library, self.plan, self.path, self.threads = library, plan, path, threads
        self.best_path = path.with_suffix(".best.safetensors")
        self.save_every, self.progress = save_every, Progress(plan.name, report_every)
        self.state = {"complete": 0, "row": 0, "total": 0.0, "curve": [], "best": None}
        self.pass_seconds = []
        path.parent.mkdir(parents=True, exist_ok=True)
        runtime = {"max_batch": plan.batch, "threads": threads}
        if path.exists():
            self.model = Model.load(library, path, **runtime)
            self.resume()
        else:
            self.model = self.create(runtime)
        self.reader = self.model.view(max_batch=READ_BATCH, threads=threads)
        self.saved = time.monotonic()

    def create(self, runtime):
        fields = {"x_dim": self.plan.data.x_dim, "seed": self.plan.seed, **self.plan.config}
        config = self.library.config(fields.pop("layers", []), **fields)
        model = Model.create(self.library, config, self.library.make(Training, **self.plan.training), **runtime)
        if self.plan.start:
            self.plan.start(model)
        return model

    def resume(self):
        settings = self.model.metadata("papers.settings")
        if settings != json.dumps(self.plan.settings()):
            raise ValueError(f"{self.path} is of a run with other settings; delete it to begin anew")
        self.state = json.loads(self.model.metadata("papers.state"))
        if self.state["complete"] > self.plan.passes:
            raise ValueError(f"{self.path} has {self.state['complete']} passes already, more than {self.plan.passes}")
        self.progress.say(f"goes on after {self.place()}", now=True)

    def place(self):
        return f"{self.state['complete']} passes and {self.state['row']} rows"

    def save(self):
        self.model.set_metadata("papers.settings", json.dumps(self.plan.settings()))
        self.model.set_metadata("papers.state", json.dumps(self.state))
        self.model.save(self.path)
        self.saved = time.monotonic()

    # ---- training ----

    def train(self):
        """Until the plan's passes are complete. Raises Stopped after a signal."""
        began, first = time.monotonic(), self.state["complete"]
        order = numpy.empty(len(self.plan.data.train), numpy.uint32)
        while self.state["complete"] < self.plan.passes and not self.out_of_patience():
            started = time.monotonic()
            self.one_pass(order)
            self.pass_seconds.append(time.monotonic() - started)
            done = self.state["complete"]
            self.progress.say(f"pass {done} of {self.plan.passes}, {self.words()}",
                              (done - first) / (self.plan.passes - first), time.monotonic() - began,
                              now=done in (first + 1, self.plan.passes))
        self.save()

    def one_pass(self, order):
        number, state = self.state["complete"] + 1, self.state
        self.model.change_training(**self.plan.schedule(number))
        x = self.plan.data.rows(self.plan.seed, number)
        self.library.permutation(self.plan.seed, stream(SHUFFLE, number), len(order), order.ctypes.data)
        while state["row"] < len(order):
            self.steps(x, order)
            if FLAG["stop"]:
                self.save()
                raise Stopped(f"{self.plan.name}: saved after {self.place()}; the same command goes on from there")
            if time.monotonic() - self.saved >= self.save_every:
                self.save()
        mean = state["total"] / len(order)
        state.update(complete=number, row=0, total=0.0)
        self.note(number, mean)

    def steps(self, x, order):
        """Steps from the state's row on: to the end of the pass, or until it is time to save or to stop."""
        state, n, size = self.state, len(order), self.plan.batch
        batch, terms = self.library.make(Batch, x=x.ctypes.data), self.library.make(Terms)
        step, model, base, clock = self.library.so.vae_step_batch, self.model.handle, order.ctypes.data, time.monotonic
        batch_at, terms_at, flag = ctypes.addressof(batch), ctypes.addressof(terms), FLAG
        row, total, until = state["row"], state["total"], self.saved + self.save_every
        while row < n and not flag["stop"]:
            rows = batch.n = min(size, n - row)
            batch.index = base + 4 * row
            if step(model, batch_at, terms_at) != 0:
                words = self.library.so.vae_last_error().decode()
                raise Error(f"{self.plan.name}, pass {state['complete'] + 1}, row {row}: {words}")
            total += terms.objective * rows
            row += rows
            if clock() >= until:
                break
        state["row"], state["total"] = row, total

    def note(self, number, mean):
        """The end of a pass: a point of the curve, and the best model so far, saved when the state is whole."""
        point, best = {"pass": number, "objective": mean}, self.state["best"]
        if self.plan.keep_best:
            point["validation"] = self.bound(self.plan.data.validation)
        if noted(number):
            self.state["curve"].append({**point, "test": self.bound(self.plan.data.test)})
        self.state["last"] = mean
        if self.plan.keep_best and (best is None or point["validation"] > best["bound"]):
            self.state["best"] = {"pass": number, "bound": point["validation"]}
            self.model.save(self.best_path, WEIGHTS_ONLY)
            self.save()

    def words(self):
        test = f", test bound {self.state['curve'][-1]['test']:.2f}" if self.state["curve"] else ""
        best = f", best at pass {self.state['best']['pass']}" if self.state["best"] else ""
        return f"objective {self.state['last']:.2f}{test}{best}"

    def out_of_patience(self):
        best = self.state["best"]
        if not self.plan.patience or best is None:
            return False
        return self.state["complete"] - max(best["pass"], self.plan.patient_from - 1) > self.plan.patience

    def first_rows(self, n):
        """The mean objective over the first n training rows, while learning from them in their order."""
        rows = numpy.arange(min(n, len(self.plan.data.train)), dtype=numpy.uint32)
        self.steps(self.plan.data.rows(self.plan.seed, 1), rows)
        if FLAG["stop"]:
            raise Stopped(f"{self.plan.name}: stopped before it began")
        return self.state["total"] / len(rows)

    def seconds_a_pass(self):
        """The median of this process, None where it has had no whole pass."""
        return statistics.median(self.pass_seconds) if self.pass_seconds else None

    # ---- reading ----

    def bound(self, x):
        """The ELBO by one draw a row, a mean."""
        return self.terms(x).elbo

    def terms(self, x):
        return self.reader.infer(x, 1)

    def trained(self):
        """The model to evaluate, as a view: the last one or, with keep_best, the best."""
        runtime = {"max_batch": READ_BATCH, "threads": self.threads}
        if self.plan.keep_best:
            return Model.load(self.library, self.best_path, inference_only=1, **runtime)
        return self.reader
