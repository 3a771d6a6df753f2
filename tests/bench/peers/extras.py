# SPDX-License-Identifier: Apache-2.0
"""Rows that are no race of passes: cold start, memory, the share of a tagger's CRF, and a long
stream through `tenon run`."""
import os
import statistics
import subprocess
import tempfile
import time

import turns
import works

HEAD = os.path.join(turns.HERE, "..", "..", "..", "examples", "demo", "entities.safetensors")


def tenon_run(args, directory, rest, stdin=None):
    """Seconds of a whole command, start and end of the process included."""
    libraries = ":".join(os.path.join(args.build, x, ".libs")
                         for x in ("heads", "plugins", "backends"))
    begin = time.perf_counter()
    subprocess.run([os.path.join(args.build, "tenon"), "run", directory] + rest, check=True,
                   env=dict(os.environ, TENON_PLUGIN_PATH=libraries), stdin=stdin,
                   stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def cold_start(args, directory):
    """ms of `tenon run` with one sentence, the files being in the page cache."""
    times = [1e3 * tenon_run(args, directory, ["Ada Lovelace lives in Oslo."])
             for _ in range(21)]
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
    """Sentences a second of `tenon run` on a file, its start included, and those of the
    pipeline alone (driver.c), in turn."""
    of_file = next(iter(texts.files.values()))
    many = (of_file * (args.stream // len(of_file) + 1))[:args.stream]
    part = many[:max(args.stream // 10, 1)]
    engine = turns.Tenon(args.build, directory, threads, args.set)
    rates = {"run": [], "alone": []}
    with tempfile.TemporaryDirectory() as folder:
        path, batches = os.path.join(folder, "texts.txt"), os.path.join(folder, "batches.txt")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(many) + "\n")
        turns.write_batches(works.batched(part, 256), batches)
        engine.ask("load " + batches)
        for _ in range(3):
            seconds = tenon_run(args, directory, [
                "--input", path, "--format", "jsonl", "--set", "threads=%d" % threads]
                + [x for s in args.set for x in ("--set", s)])
            rates["run"].append(args.stream / seconds)
            passes = engine.ask("time text 1")["seconds"]
            rates["alone"].append(len(part) / statistics.median(passes))
    engine.close()
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
            except turns.Gone as gone:
                results.add({"key": key, "note": str(gone)})
