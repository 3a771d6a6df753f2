#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare.py MODEL DATA [--engines tenon,pytorch] [--recipes NAME,...] [--seeds 1,2,3]
[--threads 2] [--table]: the recipes by tenon and by pytorch.py, run after run.

MODEL is the directory of all-MiniLM-L6-v2 and DATA the folder that prepare.py made.  Each run adds
a line to results.jsonl beside this script, with the score of the dev part behind each epoch; what
stands there is not run again.  --table prints the medians of the last epochs as Markdown and runs
nothing.  TENON names the command (./tenon of the checkout), PYTHON the interpreter that has torch."""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = f"{HERE}/results.jsonl"
TENON = os.environ.get("TENON", f"{HERE}/../../tenon")
PYTHON = os.environ.get("PYTHON", sys.executable)
# What is compared: in tenon's log, in pytorch.py's lines; the metric's name.
METRICS = {"sst2": ("accuracy",) * 3, "polarity": ("accuracy",) * 3,
           "clinc150": ("accuracy",) * 3, "ewt": ("token_accuracy", "accuracy", "accuracy"),
           "wnut17-crf": ("f1", "f1", "span F1"),
           "wnut17-softmax": ("f1", "f1", "span F1"), "squad": ("f1",) * 3}


def run_tenon(recipe, seed, a):
    with open(f"{HERE}/{recipe}.cfg", encoding="utf-8") as f:
        text = f.read()
    given = [f"pipeline={os.path.abspath(a.model)}", f"seed={seed}"]
    for part in ("train", "dev"):
        name = re.search(rf'{part} = "data/([^"]*)"', text).group(1)
        given.append(f"data.{part}={os.path.abspath(a.data)}/{name}")
    settings = re.search(r"set      = \( (.*?) \);", text).group(1)
    with tempfile.TemporaryDirectory() as out:
        given += [f"output={out}/run", f'set=( {settings}, "threads={a.threads}" )']
        command = [TENON, "train", f"{HERE}/{recipe}.cfg"]
        subprocess.run(command + [x for g in given for x in ("--set", g)], check=True,
                       stderr=subprocess.DEVNULL)
        with open(f"{out}/run/log.jsonl", encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
    key = METRICS[recipe][0]
    scores = [m[key] for r in rows for m in r.get("dev", {}).values() if key in m]
    version = subprocess.run([TENON, "--version"], stdout=subprocess.PIPE, text=True, check=True)
    return scores, version.stdout.split("\n")[0]


def run_pytorch(recipe, seed, a):
    command = [PYTHON, f"{HERE}/pytorch.py", recipe, a.model, a.data, "--seed", str(seed),
               "--threads", str(a.threads)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    return [r[METRICS[recipe][1]] for r in rows], "PyTorch " + rows[-1]["torch"]


def read_results():
    if not os.path.exists(RESULTS):
        return []
    with open(RESULTS, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def table(rows):
    print("| recipe | score | tenon | its seeds | PyTorch | its seeds | difference |")
    print("|---|---|---|---|---|---|---|")
    for recipe in METRICS:
        last = {e: [r["scores"][-1] for r in rows if (r["recipe"], r["engine"]) == (recipe, e)]
                for e in ("tenon", "pytorch")}
        if not all(last.values()):
            continue
        ours, theirs = (statistics.median(last[e]) for e in ("tenon", "pytorch"))
        spread = [" ".join(f"{x:.2f}" for x in sorted(last[e])) for e in ("tenon", "pytorch")]
        print(f"| {recipe} | {METRICS[recipe][2]} | {ours:.2f} | {spread[0]} | {theirs:.2f} | "
              f"{spread[1]} | {ours - theirs:+.2f} |")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("data")
    p.add_argument("--engines", default="tenon,pytorch")
    p.add_argument("--recipes", default=",".join(METRICS))
    p.add_argument("--seeds", default="1,2,3")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--table", action="store_true")
    a = p.parse_args()
    if a.table:
        return table(read_results())
    for seed in map(int, a.seeds.split(",")):
        for recipe in a.recipes.split(","):
            for engine in a.engines.split(","):
                done = {(r["engine"], r["recipe"], r["seed"]) for r in read_results()}
                if (engine, recipe, seed) in done:
                    continue
                scores, version = (run_tenon if engine == "tenon" else run_pytorch)(
                    recipe, seed, a)
                with open(RESULTS, "a", encoding="utf-8") as f:
                    f.write(json.dumps({"engine": engine, "recipe": recipe, "seed": seed,
                                        "scores": scores, "version": version}) + "\n")
                print(engine, recipe, seed, scores, flush=True)
    return None


if __name__ == "__main__":
    main()
