# SPDX-License-Identifier: Apache-2.0
"""Random tags, scored by seqeval in its default mode (which counts as conlleval), and answers,
scored as the evaluation script of SQuAD 1.1 does."""
import importlib.metadata
import json
import os
import random
import re
import string
import sys
import warnings
from collections import Counter

from seqeval.metrics import f1_score, precision_score, recall_score


# From evaluate-v1.1.py of SQuAD (Rajpurkar et al. 2016).
def normalize_answer(s):
    s = "".join(c for c in s.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", s).split())


def f1(found, gold):
    a, b = normalize_answer(found).split(), normalize_answer(gold).split()
    same = sum((Counter(a) & Counter(b)).values())
    if same == 0:
        return 0
    precision, recall = same / len(a), same / len(b)
    return 2 * precision * recall / (precision + recall)


def tag_case(letters, types, noise, r):
    tags = ["O"] + ["%s-%s" % (p, t) for p in letters for t in types]
    gold = [[r.choice(tags) for _ in range(r.randint(1, 12))] for _ in range(r.randint(1, 8))]
    found = [[r.choice(tags) if r.random() < noise else t for t in s] for s in gold]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        p, q, f = (float(m(gold, found)) for m in (precision_score, recall_score, f1_score))
    return {"gold": [" ".join(s) for s in gold], "found": [" ".join(s) for s in found],
            "precision": p, "recall": q, "f1": f}


WORDS = ["the", "The", "a", "A", "an", "AN", "Oslo", "oslo", "theory", "anna", "of", "in", "42",
         "1,000", "U.S.", "rock'n'roll", "(1990)", "don't", "semi-final", "\u2014", "\u201ca\u201d",
         "\u00c9t\u00e9", "\u00e9t\u00e9", "e\u0301t\u00e9", "\u0130zmir", "STRASSE", "stra\u00dfe",
         "\u0394\u03b5\u03bb\u03c4\u03b1", "\u041c\u043e\u0441\u043a\u0432\u0430", "\u6771\u4eac",
         "\u00a0", "\u3000", "\u2009", "\x1c", "\t", "...", "_", "a_", "\u00aba\u00bb", "a\u0301",
         "\u2160", "\u00bd", "\u0e01\u0e31", "an\u2019", "\U0001d5d4", "\U0001f600", "\u01c5"]


def answer_case(r):
    def text():
        return r.choice(["", " "]).join(r.choice(WORDS) for _ in range(r.randint(0, 6)))
    found = text()
    golds = [r.choice([text(), found.upper(), found + " " + r.choice(WORDS), found[1:]])
             for _ in range(r.randint(1, 3))]
    return scored(found, golds)


def scored(found, golds):
    return {"found": found, "gold": golds, "normal": normalize_answer(found),
            "exact": max(float(normalize_answer(found) == normalize_answer(g)) for g in golds),
            "f1": max(float(f1(found, g)) for g in golds)}


def every_letter():
    """Texts that hold each character that has a lower case, or with which a range of word
    characters begins or ends.  A final sigma is what tenon does not write."""
    interesting = [c for c in map(chr, range(0x80, 0x110000))
                   if c.lower() != c or c.isalnum() != chr(max(ord(c) - 1, 0x7f)).isalnum()]
    interesting = [c for c in interesting if c != "\u03a3" and not "\ud800" <= c <= "\udfff"]
    for i in range(0, len(interesting), 64):
        yield " ".join("a" + c for c in interesting[i:i + 64])


def make(out):
    r = random.Random(17)
    tags = [tag_case(letters, types, noise, r) for letters in ("BI", "I", "BIES")
            for types in (["A"], ["A", "B"], ["A", "B-C", "D"]) for noise in (0.1, 0.4, 1.0)]
    answers = [answer_case(r) for _ in range(200)]
    answers += [scored(t, [t.lower()]) for t in every_letter()]
    made = {"python": sys.version.split()[0], "seqeval": importlib.metadata.version("seqeval")}
    os.makedirs(os.path.join(out, "metrics"), exist_ok=True)
    with open(os.path.join(out, "metrics", "cases.json"), "w") as f:
        f.write('{"made_with": %s,\n"tags": [\n' % json.dumps(made))
        f.write(",\n".join(json.dumps(c) for c in tags) + '\n],\n"answers": [\n')
        f.write(",\n".join(json.dumps(c) for c in answers) + "\n]}\n")
