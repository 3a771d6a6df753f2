#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""prepare.py FROM TO: the public data sets of the recipes, as their repositories publish them, in
files that tenon reads.  FROM has the folders

    sst2               train.tsv dev.tsv test.tsv   (clairett/pytorch-sentiment-classification)
    sentence-polarity  rt-polarity.pos rt-polarity.neg              (NLTK's sentence_polarity)
    clinc150           data_full.json                                        (clinc/oos-eval)
    ud-english-ewt     en_ewt-ud-{train,dev,test}.conllu
    wnut17             wnut17train.conll emerging.dev.conll emerging.test.annotated
    squad-1.1          train-v1.1.json dev-v1.1.json

and a folder that is missing is left out.  No text is changed; sentence polarity is cut 8:1:1, every
tenth sentence being for dev and every tenth for test, and of SQuAD come 8000 and 2000 questions."""
import json
import os
import shutil
import sys


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [line.rstrip("\n").strip() for line in f]


def write(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(row + "\n" for row in rows)


def sst2(source, out):
    for part in ("train", "dev", "test"):
        shutil.copyfile(f"{source}/{part}.tsv", f"{out}/sst2-{part}.tsv")


def polarity(source, out):
    rows = {"train": [], "dev": [], "test": []}
    for label in ("neg", "pos"):
        for i, text in enumerate(lines(f"{source}/rt-polarity.{label}")):
            part = {8: "dev", 9: "test"}.get(i % 10, "train")
            rows[part].append(f"{text}\t{label}")
    for part, texts in rows.items():
        write(f"{out}/polarity-{part}.tsv", texts)


def clinc(source, out):
    with open(f"{source}/data_full.json", encoding="utf-8") as f:
        data = json.load(f)
    for part, name in (("train", "train"), ("val", "dev"), ("test", "test")):
        write(f"{out}/clinc150-{name}.tsv", [f"{text}\t{label}" for text, label in data[part]])


def ewt(source, out):
    for part in ("train", "dev", "test"):
        shutil.copyfile(f"{source}/en_ewt-ud-{part}.conllu", f"{out}/ewt-{part}.conllu")


def wnut(source, out):
    for name, part in (("wnut17train.conll", "train"), ("emerging.dev.conll", "dev"),
                       ("emerging.test.annotated", "test")):
        shutil.copyfile(f"{source}/{name}", f"{out}/wnut17-{part}.conll")


def squad(source, out):
    for part, most in (("train", 8000), ("dev", 2000)):
        with open(f"{source}/{part}-v1.1.json", encoding="utf-8") as f:
            data = json.load(f)
        questions = [(p["context"], q) for a in data["data"] for p in a["paragraphs"]
                     for q in p["qas"]]
        # Evenly over all articles.
        chosen = [questions[i * len(questions) // most] for i in range(min(most, len(questions)))]
        write(f"{out}/squad-{part}.jsonl", [json.dumps(
            {"id": q["id"], "question": q["question"], "context": context,
             "answers": [{"text": a["text"], "answer_start": a["answer_start"]}
                         for a in q["answers"]]}, ensure_ascii=False) for context, q in chosen])


def main():
    source, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    for folder, make in (("sst2", sst2), ("sentence-polarity", polarity), ("clinc150", clinc),
                         ("ud-english-ewt", ewt), ("wnut17", wnut), ("squad-1.1", squad)):
        if os.path.isdir(f"{source}/{folder}"):
            make(f"{source}/{folder}", out)
        else:
            print(f"{folder}: not there, left out", file=sys.stderr)


if __name__ == "__main__":
    main()
