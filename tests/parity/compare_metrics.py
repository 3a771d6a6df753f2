# SPDX-License-Identifier: Apache-2.0
"""Outputs of systems, scored by tests/metrics and by seqeval or the rules of SQuAD's script; see
metrics.sh."""
import json
import os
import subprocess
import sys
import warnings

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))


def sentences(path):
    out = [[]]
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.strip():
                out[-1].append(line.split()[-1])
            elif out[-1]:
                out.append([])
    return [s for s in out if s]


def spans(gold_path, found_path):
    """-> precision, recall, F1; sentences are those of the gold file."""
    from seqeval.metrics import f1_score, precision_score, recall_score
    gold = sentences(gold_path)
    flat = iter([t for s in sentences(found_path) for t in s])
    found = [[next(flat) for _ in s] for s in gold]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [100 * float(m(gold, found)) for m in (precision_score, recall_score, f1_score)]


def answers(gold_path, found_path):
    """-> exact match, F1."""
    from golden_metrics import f1, normalize_answer
    with open(gold_path) as f:
        articles = json.load(f)["data"]
    with open(found_path) as f:
        found = json.load(f)
    exact = total = n = 0
    for qa in (qa for a in articles for p in a["paragraphs"] for qa in p["qas"]):
        n += 1
        if qa["id"] not in found:
            continue
        golds = [a["text"] for a in qa["answers"]]
        text = found[qa["id"]]
        exact += max(normalize_answer(text) == normalize_answer(g) for g in golds)
        total += max(f1(text, g) for g in golds)
    return [100 * exact / n, 100 * total / n]


def main():
    program, what, gold, *files = sys.argv[1:]
    different = 0
    for path in files:
        expected = (spans if what == "spans" else answers)(gold, path)
        line = subprocess.run([program, what, gold, path], check=True, capture_output=True,
                              text=True).stdout.split()
        mine = [float(x) for x in line[-len(expected):]]
        same = all(abs(a - b) < 1e-8 for a, b in zip(mine, expected))
        different += not same
        print(os.path.basename(path), *("%.4f" % x for x in mine), "same" if same else
              "differs: %s" % expected)
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
