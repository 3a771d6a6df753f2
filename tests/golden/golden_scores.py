# SPDX-License-Identifier: Apache-2.0
"""Random labels with probabilities, scored by scikit-learn and in plain Python; random tags, scored
by seqeval in its default and its strict mode.  Writes scores.json beside it."""
import importlib.metadata
import json
import math
import os
import random
import warnings

import numpy
import sklearn
from scipy.optimize import minimize_scalar
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES
from sklearn import metrics

HERE = os.path.dirname(os.path.abspath(__file__))


def warm(p, temperature):
    q = numpy.exp(numpy.log(p) / temperature)
    return q / q.sum(1, keepdims=True)


def ece(p, gold, edges):
    """Guo et al. 2017, equation 3, with bins (a, b]."""
    sure, right = p.max(1), p.argmax(1) == gold
    total = 0.0
    for a, b in zip(edges, edges[1:]):
        inside = (sure > a) & (sure <= b)
        total += abs(right[inside].sum() - sure[inside].sum())
    return total / len(gold)


def ece_mass(p, gold, bins):
    order = numpy.argsort(p.max(1), kind="stable")
    n, total = len(gold), 0.0
    for k in range(bins):
        part = order[k * n // bins:(k + 1) * n // bins]
        total += abs((p[part].argmax(1) == gold[part]).sum() - p[part].max(1).sum())
    return total / n


def label_case(labels, n, sharp, r):
    gold = numpy.array([r.randrange(labels) for _ in range(n)])
    z = numpy.array([[r.gauss(1.0 if k == g else 0.0, 1) * sharp for k in range(labels)]
                     for g in gold])
    # As floats of 32 bits, which is what is read back.
    p = numpy.exp(z) / numpy.exp(z).sum(1, keepdims=True)
    p = p.astype(numpy.float32).astype(numpy.float64)
    found = p.argmax(1)
    onehot = numpy.eye(labels)[gold]
    q = warm(p, 1)
    best = minimize_scalar(lambda t: metrics.log_loss(gold, warm(p, math.exp(t)),
                                                      labels=range(labels)),
                           bounds=(math.log(0.05), math.log(20)), method="bounded",
                           options={"xatol": 1e-8})
    return {"labels": labels, "gold": gold.tolist(), "p": p.tolist(),
            "accuracy": metrics.accuracy_score(gold, found),
            "macro_f1": metrics.f1_score(gold, found, average="macro"),
            "mcc": metrics.matthews_corrcoef(gold, found),
            "nll": metrics.log_loss(gold, q, labels=range(labels)),
            "brier": ((q - onehot) ** 2).sum(1).mean(),
            "ece": ece(q, gold, numpy.linspace(0, 1, 16)), "ece_mass": ece_mass(q, gold, 10),
            "temperature": math.exp(best.x)}


def surface(words, gold, found):
    """Precision, recall and F1 over different surface forms, by the definition of WNUT 2017
    (Derczynski et al. 2017): a form is words with a type, found where one span of them is right."""
    def spans(tags):
        return {(i, *e) for i, s in enumerate(tags) for e in get_entities(s)}

    def forms(spans):
        return {(tuple(words[i][b:e + 1]), t) for i, t, b, e in spans}
    a, b = spans(gold), spans(found)
    n_gold, n_found, n_right = len(forms(a)), len(forms(b)), len(forms(a & b))
    return [2 * n_right / (n_gold + n_found), n_right / n_found, n_right / n_gold]


def tag_case(letters, scheme, r):
    tags = ["O"] + [f"{a}-{t}" for a in letters for t in ("LOC", "PER")]
    gold = [[r.choice(tags) for _ in range(r.randint(1, 12))] for _ in range(20)]
    found = [[r.choice(tags) if r.random() < 0.4 else t for t in s] for s in gold]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loose = [float(m(gold, found)) for m in (f1_score, precision_score, recall_score)]
        strict = [float(m(gold, found, mode="strict", scheme=scheme))
                  for m in (f1_score, precision_score, recall_score)]
    words = [[r.choice("abc") for _ in s] for s in gold]
    right = sum(a == b for s, t in zip(gold, found) for a, b in zip(s, t))
    return {"scheme": letters, "words": [" ".join(s) for s in words],
            "surface": surface(words, gold, found), "gold": [" ".join(s) for s in gold],
            "found": [" ".join(s) for s in found], "loose": loose, "strict": strict,
            "token_accuracy": right / sum(len(s) for s in gold)}


def main():
    r = random.Random(4)
    made = {"scikit-learn": sklearn.__version__, "seqeval": importlib.metadata.version("seqeval"),
            "numpy": numpy.__version__}
    cases = {"made_with": made,
             "labels": [label_case(2, 40, 1.0, r), label_case(5, 60, 2.5, r),
                        label_case(9, 50, 0.3, r)],
             "tags": [tag_case("BI", IOB2, r) for _ in range(4)] +
                     [tag_case("BIES", IOBES, r) for _ in range(2)]}
    with open(os.path.join(HERE, "scores.json"), "w", encoding="utf-8") as out:
        json.dump(cases, out)
        out.write("\n")


if __name__ == "__main__":
    main()
