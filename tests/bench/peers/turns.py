# SPDX-License-Identifier: Apache-2.0
"""Engines in processes of their own, run in turn: A B C A B C."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


class Gone(Exception):
    """An engine ended; its text is the last line that it wrote to stderr."""


class Process:
    """An engine that answers lines; see driver.c."""

    def __init__(self, name, command, environment):
        self.name = name
        self.errors = tempfile.TemporaryFile("w+")
        self.child = subprocess.Popen(command, env=dict(os.environ, **environment), text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=self.errors)
        self.opened = self.answer()

    def answer(self):
        line = self.child.stdout.readline()
        if line:
            return json.loads(line)
        self.child.wait()
        self.errors.seek(0)
        lines = [x for x in self.errors.read().split("\n") if x.strip()]
        raise Gone("%s: %s" % (self.name, lines[-1] if lines else "ended without a word"))

    def ask(self, line):
        try:
            self.child.stdin.write(line + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def close(self):
        self.child.stdin.close()
        self.child.wait()
        self.child.stdout.close()
        self.errors.close()


def write_batches(batches, path):
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n\n".join("\n".join(batch) for batch in batches) + "\n")


class Tenon(Process):
    def __init__(self, build, directory, threads, settings):
        libraries = ":".join(os.path.join(build, x, ".libs")
                             for x in ("heads", "plugins", "backends"))
        super().__init__("tenon", [os.path.join(build, "tests", "bench_driver"), directory,
                                   "threads=%d" % threads] + settings,
                         {"TENON_PLUGIN_PATH": libraries})


class Peer(Process):
    def __init__(self, name, directory, forms, threads, precision):
        super().__init__(name, [sys.executable, os.path.join(HERE, "engines.py"), name, directory,
                                forms, str(threads), precision],
                         {"OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads),
                          "MKL_NUM_THREADS": str(threads)})


def load(engine, work, folder):
    """Gives the engine its batches; returns what it says of them and its vectors."""
    is_tenon = isinstance(engine, Tenon)
    path = os.path.join(folder, "batches.txt")
    write_batches(work.batches if is_tenon else work.peers, path)
    said = engine.ask("load " + path)
    out = os.path.join(folder, "vectors")
    width = engine.ask("vectors " + out)["width"]
    vectors = np.fromfile(out, dtype=np.float32).reshape(-1, width)
    return said, vectors[work.place] if work.place and not is_tenon else vectors


def cosine(a, b):
    """The least over the texts."""
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = b / np.linalg.norm(b, axis=1, keepdims=True)
    return float((a * b).sum(1).min())


def one_turn(engine, what, seconds, clock):
    """The median pass of a turn; the first is left out where there are others, for it finds
    the caches cold."""
    passes = engine.ask("time %s %g" % (what, seconds))[clock]
    return statistics.median(passes[1:] if len(passes) > 1 else passes)


def turns(engines, what, seconds, rounds, clock, pause):
    """Times of each engine, a figure for each round.  `pause` is for the threads that still
    spin behind the turn before (200 ms those of libiomp)."""
    times = {e.name: [] for e in engines}
    for _ in range(rounds):
        for e in engines:
            time.sleep(pause)
            times[e.name].append(one_turn(e, what, seconds, clock))
    return times


def profile(tenon, seconds):
    """For each op seconds (the median of some passes, each of about `seconds`), operations
    and bytes of a pass."""
    passes = [tenon.ask("profile 1") for _ in range(max(3, min(15, int(2 / seconds))))]
    return {op: [statistics.median(p[op][0] for p in passes)] + passes[0][op][1:]
            for op in passes[0]}
