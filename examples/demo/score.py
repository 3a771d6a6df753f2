# SPDX-License-Identifier: Apache-2.0
"""Scores the demo model on its held-out files with PyTorch (stored weights, fp32):

    python score.py [FOLDER]

make.py calls the functions here; the trivial baselines are here as well."""
import os
import re
import sys
from collections import Counter, defaultdict

import torch

from common import (ENTITIES, MAX_ANSWER, answer_score, encode_words, load, qa_input,
                    qa_windows, read_conll, read_jsonl, span_f1)


def batches(order, size):
    return (order[i:i + size] for i in range(0, len(order), size))


@torch.no_grad()
def sentiment(model, tokenizer, data, size=32):
    """data: (text, label) pairs -> accuracy in percent."""
    ids = [tokenizer.encode(text).ids for text, _ in data]
    right = 0
    for part in batches(sorted(range(len(data)), key=lambda i: len(ids[i])), size):
        scores = model.sentiment_scores([ids[i][:511] + ids[i][-1:] if len(ids[i]) > 512
                                         else ids[i] for i in part])
        right += sum(int(s) == data[i][1] for s, i in zip(scores.argmax(-1), part))
    return 100 * right / len(data)


@torch.no_grad()
def entities(model, tokenizer, data, size=32):
    """data: (words, labels) pairs -> precision, recall, F1 of spans in percent."""
    inputs = [encode_words(tokenizer, words) for words, _ in data]
    found = [None] * len(data)
    for part in batches(sorted(range(len(data)), key=lambda i: len(inputs[i][0])), size):
        scores, mask = model.entity_scores([inputs[i][0] for i in part],
                                           [inputs[i][1] for i in part])
        for i, path in zip(part, model.crf.decode(scores, mask)):
            found[i] = [ENTITIES[k] for k in path]
    return span_f1([labels for _, labels in data], found)


def best_span(start, end):
    """start, end: [T] -> score, first, last; at most MAX_ANSWER tokens."""
    total = start.unsqueeze(1) + end.unsqueeze(0)
    keep = torch.ones_like(total, dtype=torch.bool).triu().tril(MAX_ANSWER - 1)
    total = total.masked_fill(~keep, -1e9)
    k = int(total.argmax())
    return float(total.flatten()[k]), k // len(start), k % len(start)


@torch.no_grad()
def answers(model, tokenizer, data, size=16):
    """data: questions with "question", "context" -> list of texts."""
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    jobs, contexts = [], []
    for n, q in enumerate(data):
        question = tokenizer.encode(q["question"], add_special_tokens=False)
        context = tokenizer.encode(q["context"], add_special_tokens=False)
        contexts.append(context)
        for first, last in qa_windows(question, context):
            ids, types, row = qa_input(question, context, first, last, cls, sep)
            jobs.append((n, first, last, ids, types, row))
    best = [(-1e9, "")] * len(data)
    jobs.sort(key=lambda j: len(j[3]))
    for part in batches(jobs, size):
        start, end = model.answer_scores([j[3] for j in part], [j[4] for j in part])
        for (n, first, last, _, _, row), s, e in zip(part, start, end):
            score, a, b = best_span(s[row:row + last - first], e[row:row + last - first])
            if score > best[n][0]:
                offsets = contexts[n].offsets
                best[n] = (score, data[n]["context"][offsets[first + a][0]:
                                                     offsets[first + b][1]])
    return [text for _, text in best]


def texts_of(q):
    return [a["text"] for a in q["answers"]]


def answer(found, data):
    """-> exact match and F1 in percent."""
    scores = [answer_score(text, texts_of(q)) for text, q in zip(found, data)]
    return [100 * sum(s[k] for s in scores) / len(scores) for k in (0, 1)]


# ---- trivial baselines

def majority(train, held):
    label = Counter(y for _, y in train).most_common(1)[0][0]
    return 100 * sum(y == label for _, y in held) / len(held)


def majority_best(held):
    """The better of the constant answers."""
    return 100 * Counter(y for _, y in held).most_common(1)[0][1] / len(held)


def gazetteer(train, held):
    """Each word gets the label that it has most often in the training data."""
    counts = defaultdict(Counter)
    for words, labels in train:
        for w, y in zip(words, labels):
            counts[w.lower()][y] += 1
    tag = {w: c.most_common(1)[0][0] for w, c in counts.items()}
    found = [[tag.get(w.lower(), "O") for w in words] for words, _ in held]
    return span_f1([labels for _, labels in held], found)


STOP = set("a an the of in on at to for by with from as is are was were be been did do does "
           "what which who whom whose when where why how many much and or that this it its "
           "his her their has have had can could would will".split())


def sliding_window(data, width=20, longest=4):
    """The window of `width` words that shares the most rare words with the question;
    of it, the longest run of at most `longest` words that are neither the question's nor
    stop words."""
    found = []
    for q in data:
        words = [(m.group().lower(), m.start(), m.end())
                 for m in re.finditer(r"\w+", q["context"])]
        asked = set(re.findall(r"\w+", q["question"].lower())) - STOP
        count = Counter(w for w, _, _ in words)
        gain = [1 / (1 + count[w]) if w in asked else 0.0 for w, _, _ in words]
        starts = range(max(1, len(words) - width + 1))
        at = max(starts, key=lambda i: sum(gain[i:i + width]))
        runs, run = [], []
        for w, b, e in words[at:at + width] + [("the", 0, 0)]:
            if w in asked or w in STOP:
                if run:
                    runs.append(run[:longest])
                run = []
            else:
                run.append((b, e))
        run = max(runs, key=len) if runs else [(words[at][1], words[at][2])]
        found.append(q["context"][run[0][0]:run[-1][1]])
    return answer(found, data)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    model, tokenizer = load(folder)
    held = os.path.join(folder, "heldout")
    data = [(x["text"], ["negative", "positive"].index(x["label"]))
            for x in read_jsonl(os.path.join(held, "sentiment.jsonl"))]
    print("sentiment  accuracy %.2f  baseline %.2f" % (sentiment(model, tokenizer, data),
                                                       majority_best(data)))
    data = read_conll(os.path.join(held, "entities.conll"))
    print("entities   precision %.2f recall %.2f span F1 %.2f"
          % entities(model, tokenizer, data))
    data = read_jsonl(os.path.join(held, "answer.jsonl"))
    print("answer     exact %.2f F1 %.2f  baseline exact %.2f F1 %.2f"
          % (*answer(answers(model, tokenizer, data), data), *sliding_window(data)))


if __name__ == "__main__":
    main()
