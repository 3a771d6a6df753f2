#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tenon beside other engines for CPUs, in turn, on the same weights, texts and threads.  See
README.md beside this file.

    VENV/bin/python tests/bench/peers/peers.py --build BUILD --minilm MODEL_DIR \\
        --texts sst2=FILE --texts ewt=FILE --out FOLDER

Each figure is kept in FOLDER/results.jsonl as soon as it is there, and a run that is started
again goes on where it ended; FOLDER/report.md and FOLDER/ratios.svg are made of that file."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import extras
import families
import report
import turns
import works

PEERS = ["onnxruntime", "ctranslate2", "openvino", "torch", "torch-compile"]
OF_PRECISION = {"fp32": PEERS, "bf16": ["ctranslate2", "openvino"],
                "int8": ["onnxruntime", "ctranslate2", "openvino"]}
BYTES = {"fp32": 4, "bf16": 2, "int8": 1}
LEAST_COSINE = {"fp32": 0.999, "bf16": 0.999, "int8": 0.9}


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True, help="the build folder of tenon")
    p.add_argument("--minilm", required=True, help="the directory of all-MiniLM-L6-v2")
    p.add_argument("--texts", required=True, action="append", metavar="NAME=FILE",
                   help="real sentences: .tsv (first column), .conllu, words with tags, or lines;"
                   " may be given again")
    p.add_argument("--out", required=True, help="a folder for models, results and the report")
    p.add_argument("--models", default="minilm,base", help="minilm and keys of families.py")
    p.add_argument("--threads", default="1,2")
    p.add_argument("--precisions", default="fp32,int8,bf16")
    p.add_argument("--lengths", default="16,128,384,512")
    p.add_argument("--batches", default="1,8,32")
    p.add_argument("--engines", default=",".join(PEERS))
    p.add_argument("--tokens", default="ids,text", help="what mixed texts are given as: ids "
                   "(made before), text (tokens are made on both sides) or both")
    p.add_argument("--most", type=int, default=640, help="texts of a file that are used")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--seconds", type=float, default=0.3, help="of a turn, at least one pass")
    p.add_argument("--clock", default="seconds", choices=["seconds", "cpu"],
                   help="cpu: time of the process, for one thread on a busy machine")
    p.add_argument("--set", action="append", default=[], metavar="PATH=VALUE",
                   help="a setting of tenon")
    p.add_argument("--stream", type=int, default=20000, help="sentences of the long stream")
    p.add_argument("--match", default="", metavar="REGEX", help="of the works only those whose "
                   "names match, as the report names them")
    p.add_argument("--only", default="all", choices=["all", "fixed", "mixed", "extras", "report"])
    return p.parse_args()


class Results:
    def __init__(self, path):
        self.path = path
        self.rows = []
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                self.rows = [json.loads(line) for line in f]

    def has(self, key):
        return any(row["key"] == key for row in self.rows)

    def add(self, row):
        self.rows.append(row)
        with open(self.path, "a", encoding="utf-8") as f:
            f.write(json.dumps(row) + "\n")
        print("  ".join(map(str, row["key"])), "  ", report.line_of(row), flush=True)


def flags():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        return set(next(x for x in f if x.startswith("flags")).split())


def can(precision):
    return precision != "bf16" or bool(flags() & {"avx512_bf16", "amx_bf16"})


class Group:
    """The engines of a model, a thread count and a precision, all open."""

    def __init__(self, args, model, directory, threads, precision):
        self.args, self.directory, self.threads = args, directory, threads
        self.label = [model, precision, threads]
        self.bytes = BYTES[precision]
        self.cost = works.Cost(directory)
        self.least = LEAST_COSINE[precision]
        settings = ["window.tokens=512"] + args.set
        self.tenon = turns.Tenon(args.build, directory, threads,
                                 settings + ["precision=" + precision])
        self.reference = self.tenon if precision == "fp32" else turns.Tenon(
            args.build, directory, threads, settings)
        self.reference.name = "tenon fp32"
        self.tenon.name = "tenon"
        self.peers, self.absent = [], {}
        forms = os.path.join(args.out, "forms-" + model)
        for name in OF_PRECISION[precision]:
            if name not in args.engines.split(","):
                continue
            try:
                self.peers.append(turns.Peer(name, directory, forms, threads, precision))
            except turns.Gone as gone:
                self.absent[name] = str(gone)
        self.settings = {e.name: e.opened.get("settings", settings)
                         for e in [self.tenon] + self.peers}

    def close(self):
        for e in {self.tenon, self.reference, *self.peers}:
            e.close()

    def measure(self, work, what, lengths, results):
        """One cell: every engine loads the work, is compared, and is timed in turn."""
        key = self.label + [work.name, what]
        if results.has(key):
            return
        with tempfile.TemporaryDirectory() as folder:
            said, expected = turns.load(self.reference, work, folder)
            engines, cosines, cells = [self.tenon], {}, {}
            if self.reference is not self.tenon:
                own = turns.load(self.tenon, work, folder)[1]
                if (own == expected).all():
                    results.add({"key": key, "note": "tenon answers in fp32"})
                    return
                cosines["tenon"] = turns.cosine(own, expected)
            refused = dict(self.absent)
            for peer in list(self.peers):
                try:
                    got, vectors = turns.load(peer, work, folder)
                except turns.Gone as gone:
                    refused[peer.name] = self.absent[peer.name] = str(gone)
                    self.peers.remove(peer)
                    continue
                cells[peer.name] = got["cells"]
                cosines[peer.name] = turns.cosine(vectors, expected)
                if got["tokens"] != said["tokens"]:
                    refused[peer.name] = "%d tokens, tenon %d" % (got["tokens"], said["tokens"])
                elif cosines[peer.name] < self.least:
                    refused[peer.name] = "cosine %.4f" % cosines[peer.name]
                else:
                    engines.append(peer)
        machines = [self.tenon.ask("machine %d" % self.threads)]
        times = turns.turns(engines, what, self.args.seconds, self.args.rounds, self.args.clock,
                            0.25 if self.threads > 1 else 0.02)
        machines.append(self.tenon.ask("machine %d" % self.threads))
        results.add({"key": key, "tokens": said["tokens"], "cells": cells, "times": times,
                     "cosines": cosines, "refused": refused, "settings": self.settings,
                     "peak": max(m[self.label[1]] for m in machines),
                     "peak_fp32": max(m["fp32"] for m in machines),
                     "read": max(m["read"] for m in machines),
                     "profile": turns.profile(self.tenon, min(times["tenon"])),
                     "flops": [self.cost.flops(x) for x in lengths],
                     "bytes": self.cost.weights * self.bytes})


def prepare(args, model, directory):
    command = [sys.executable, os.path.join(turns.HERE, "prepare.py")]
    if model in families.FAMILIES:
        subprocess.run(command + [model, args.minilm, directory], check=True)
    int8 = ["int8"] if "int8" in args.precisions.split(",") else []
    subprocess.run(command + [directory, os.path.join(args.out, "forms-" + model)] + int8,
                   check=True)


def cells(args, texts):
    """The works, each with what it is given as."""
    fixed = [(texts.fixed(int(n), int(b)), ["ids"]) for n in args.lengths.split(",")
             for b in args.batches.split(",")] if args.only in ("all", "fixed") else []
    mixed = []
    if args.only in ("all", "mixed"):
        given = args.tokens.split(",")
        for name in texts.files:
            mixed += [(texts.as_they_come(name), given), (texts.by_length(name), ["ids"]),
                      (texts.rare_long(name), ["ids"]), (texts.few(name), ["ids"])]
    return [(w, given) for w, given in fixed + mixed if re.search(args.match, w.name)]


def run_group(args, model, directory, threads, precision, todo, texts, results):
    wanted = [(w, t) for w, t in todo if w.of_base in (None, model in families.FAMILIES)]
    if all(results.has([model, precision, threads, w.name, x]) for w, t in wanted for x in t):
        return
    if not can(precision):
        results.add({"key": [model, precision, threads, "-", "-"],
                     "note": "not on this CPU"})
        return
    try:
        group = Group(args, model, directory, threads, precision)
    except turns.Gone as gone:
        results.add({"key": [model, precision, threads, "-", "-"], "note": str(gone)})
        return
    for work, given in wanted:
        lengths = [texts.lengths(batch) for batch in work.batches]
        for what in given:
            group.measure(work, what, lengths, results)
    group.close()


def main():
    args = arguments()
    os.makedirs(args.out, exist_ok=True)
    results = Results(os.path.join(args.out, "results.jsonl"))
    directories = {"minilm": args.minilm, **{x: os.path.join(args.out, x)
                                             for x in families.FAMILIES}}
    if args.only != "report":
        models = args.models.split(",")
        for model in models:
            prepare(args, model, directories[model])
        texts = works.Texts(args.minilm, dict(x.split("=", 1) for x in args.texts), args.most)
        todo = cells(args, texts)
        for precision in args.precisions.split(",") if todo else []:
            for threads in map(int, args.threads.split(",")):
                for model in models:
                    run_group(args, model, directories[model], threads, precision, todo, texts,
                              results)
        if args.only in ("all", "extras"):
            extras.run(args, texts, directories, results, can)
    report.write(results.rows, args.out)
    print("report: " + os.path.join(args.out, "report.md"))


if __name__ == "__main__":
    main()
