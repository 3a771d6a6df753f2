# SPDX-License-Identifier: Apache-2.0
"""Random answers to questions, some of which have none, and the best thresholds for no answer as
the evaluation script of SQuAD 2.0 finds them: python golden_thresholds.py [OUT]."""
import json
import os
import random
import sys

from golden_metrics import f1, normalize_answer


# From evaluate-v2.0.py of SQuAD (Rajpurkar et al. 2018).
def find_best_thresh(preds, scores, na_probs, qid_to_has_ans):
    num_no_ans = sum(1 for k in qid_to_has_ans if not qid_to_has_ans[k])
    cur_score = num_no_ans
    best_score = cur_score
    best_thresh = 0.0
    qid_list = sorted(na_probs, key=lambda k: na_probs[k])
    for qid in qid_list:
        if qid not in scores:
            continue
        if qid_to_has_ans[qid]:
            diff = scores[qid]
        elif preds[qid]:
            diff = -1
        else:
            diff = 0
        cur_score += diff
        if cur_score > best_score:
            best_score = cur_score
            best_thresh = na_probs[qid]
    return 100.0 * best_score / len(scores), best_thresh


WORDS = "the Oslo fjord a 42 north-west bridge of Ada".split()


def case(n, none, step, r):
    questions = []
    for _ in range(n):
        def text():
            return " ".join(r.choice(WORDS) for _ in range(r.randint(1, 3)))
        golds = [] if r.random() < none else [text() for _ in range(r.randint(1, 3))]
        found = "" if r.random() < 0.15 else r.choice(golds) if golds and r.random() < 0.6 else text()
        margin = r.gauss(-1 if golds else 1, 2)
        questions.append({"gold": golds, "found": found,
                          "margin": round(margin / step) * step if step else margin})
    names = range(n)
    preds = {i: questions[i]["found"] for i in names}
    # Normal texts of gold answers are never empty here.
    golds = {i: [g for g in questions[i]["gold"] if normalize_answer(g)] or [""] for i in names}
    exact = {i: max(int(normalize_answer(g) == normalize_answer(preds[i])) for g in golds[i])
             for i in names}
    f1s = {i: max(f1(preds[i], g) or int(not normalize_answer(g) and not normalize_answer(preds[i]))
                  for g in golds[i]) for i in names}
    for q in questions:
        q["gold"] = [g for g in q["gold"] if normalize_answer(g)]
    has = {i: bool(questions[i]["gold"]) for i in names}
    margins = {i: questions[i]["margin"] for i in names}
    best_exact, exact_thresh = find_best_thresh(preds, exact, margins, has)
    best_f1, f1_thresh = find_best_thresh(preds, f1s, margins, has)
    return {"questions": questions, "exact": 100.0 * sum(exact.values()) / n,
            "f1": 100.0 * sum(f1s.values()) / n, "best_exact": best_exact,
            "best_exact_thresh": exact_thresh, "best_f1": best_f1, "best_f1_thresh": f1_thresh}


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    r = random.Random(8)
    cases = [case(n, none, step, r) for n, none, step in
             ((40, 0.5, 0), (60, 0.3, 0), (30, 0.9, 0), (50, 0.5, 0.5), (80, 0.4, 2), (1, 1, 0),
              (20, 1, 0), (25, 0.0, 0))]
    with open(os.path.join(out, "thresholds.json"), "w") as f:
        json.dump({"made_with": {"python": sys.version.split()[0]}, "cases": cases}, f)
        f.write("\n")


if __name__ == "__main__":
    main()
