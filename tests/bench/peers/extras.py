# SPDX-License-Identifier: Apache-2.0
"""Rows that are no race of passes: cold start, memory, the share of a tagger's CRF, and a long
stream through `tenon run`."""
import json
import os
import resource
import subprocess
import tempfile
import time

import turns

HEAD = os.path.join(turns.HERE, "..", "..", "..", "examples", "demo", "entities.safetensors")


def tenon(args, words, **how):
    """Runs the tenon command, not the script that libtool leaves in its place; a
    CompletedProcess and its seconds by args.clock."""
    core = os.path.join(args.build, "core", ".libs")
    libraries = ":".join(os.path.join(args.build, x, ".libs")
                         for x in ("heads", "plugins", "backends"))
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([os.path.join(core, "tenon")] + words, check=True, text=True, env=dict(
        os.environ, TENON_PLUGIN_PATH=libraries, LD_LIBRARY_PATH=core), **how)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return done, cpu if args.clock == "cpu" else wall


def cold_start(args, directory):
    """ms of `tenon run` with one sentence, the files being in the page cache."""
    words = ["run", directory, "Ada Lovelace lives in Oslo."]
    times = [1e3 * tenon(args, words, stdout=subprocess.DEVNULL)[1] for _ in range(21)]
    return {"ms": times[1:]}


def memory(args, texts, directory, precision):
    """MB at a batch of 8 x 128: the process at its most, and the weights."""
    engine = turns.Tenon(args.build, directory, 1, args.set + ["precision=" + precision])
    with tempfile.TemporaryDirectory() as folder:
        turns.load(engine, texts.fixed(128, 8), folder)
    peak = engine.ask("peak")["peak"] * 1024 / 1e6
    engine.close()
    weights = os.path.getsize(os.path.join(directory, "model.safetensors")) / 1e6
    return {"peak": peak, "weights": weights / 4 * {"fp32": 4, "bf16": 2, "int8": 1}[precision]}


def crf(args, texts, directory):
    """The share of a pass behind its scores: Viterbi, probabilities of spans, answers."""
    engine = turns.Tenon(args.build, directory, 1, args.set + [
        "heads.entities.use=bio-crf", "heads.entities.weights=" + os.path.abspath(HEAD)])
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "batches.txt")
        turns.write_batches(texts.as_they_come(next(iter(texts.files))).batches, path)
        engine.ask("load " + path)
        for _ in range(5):
            t = engine.ask("time ids 0.5")
            shares += [a / b for a, b in zip(t["answering"], t["seconds"])]
    engine.close()
    return {"share": shares}


def stream(args, texts, directory, threads):
    """Sentences a second of `tenon run` on a file, its start included, and of `tenon bench`
    on the first tenth of it, in turn."""
    of_file = next(iter(texts.files.values()))
    many = (of_file * (args.stream // len(of_file) + 1))[:args.stream]
    settings = [x for s in args.set + ["threads=%d" % threads] for x in ("--set", s)]
    rates = {"run": [], "bench": []}
    with tempfile.TemporaryDirectory() as folder:
        whole, part = os.path.join(folder, "whole.txt"), os.path.join(folder, "part.txt")
        for path, lines in ((whole, many), (part, many[:max(args.stream // 10, 1)])):
            with open(path, "w", encoding="utf-8") as f:
                f.write("\n".join(lines) + "\n")
        for _ in range(3):
            seconds = tenon(args, ["run", directory, "--input", whole, "--format", "jsonl"]
                            + settings, stdout=subprocess.DEVNULL)[1]
            said = tenon(args, ["bench", directory, "--input", part, "--batch", "256", "--time", "2",
                                "--repeat", "1", "--format", "jsonl"] + settings,
                         stdout=subprocess.PIPE)[0].stdout
            row = json.loads(said.split("\n")[0])
            rates["run"].append(args.stream / seconds)
            rates["bench"].append(row["texts_per_s"] / (
                row["cpus_used"] if args.clock == "cpu" else 1))
    return rates


def run(args, texts, directories, results, can):
    minilm = directories["minilm"]
    todo = [(["minilm", "fp32", 0, "cold start", "-"], lambda: cold_start(args, minilm))]
    for model in args.models.split(","):
        for precision in filter(can, args.precisions.split(",")):
            todo.append(([model, precision, 1, "memory 8 x 128", "-"],
                         lambda m=model, p=precision: memory(args, texts, directories[m], p)))
    todo.append((["minilm", "fp32", 1, "CRF of a tagger", "-"],
                 lambda: crf(args, texts, minilm)))
    for threads in map(int, args.threads.split(",")):
        todo.append((["minilm", "fp32", threads, "stream of %d" % args.stream, "-"],
                     lambda n=threads: stream(args, texts, minilm, n)))
    for key, measure in todo:
        if not results.has(key):
            try:
                results.add(dict(measure(), key=key))
            except (turns.Gone, subprocess.CalledProcessError) as gone:
                results.add({"key": key, "note": str(gone)})
