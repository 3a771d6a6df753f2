# SPDX-License-Identifier: Apache-2.0
"""What the `transformers` pipelines answer on the tiny models: token-classification with each
aggregation strategy (transformers 5), question-answering with its options (4.x: version 5
has no such pipeline)."""
import importlib.metadata
import json
import os

import torch
import transformers
from transformers import (AutoModelForQuestionAnswering, AutoModelForTokenClassification,
                           AutoTokenizer, pipeline)

STRATEGIES = ["none", "simple", "first", "average", "max"]
TEXTS = ["John walked in New York.", "Mary, the old dog of London, was not in Paris!",
         "cat", "Café in 東京 is newly old", "The film was very good and the playing bad. ",
         "the dogs walked  in\tParis newly playing old old film in London 1999",
         "who played? John-Mary @ cafés", "\U0001f600 runs zzz York"]


def plain(x):
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return x.item() if hasattr(x, "item") else x


def write(path, value):
    value["made_with"] = {k: importlib.metadata.version(k)
                          for k in ("transformers", "torch", "tokenizers")}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1, ensure_ascii=False)
        f.write("\n")


def tokens(folder, name):
    path = os.path.join(folder, name)
    model = AutoModelForTokenClassification.from_pretrained(path).eval()
    tokenizer = AutoTokenizer.from_pretrained(path)
    cases = []
    for text in TEXTS:
        row = {"text": text}
        for s in STRATEGIES:
            run = pipeline("token-classification", model=model, tokenizer=tokenizer,
                           aggregation_strategy=s, device="cpu")
            row[s] = plain(run(text))
        run = pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu",
                       aggregation_strategy="none", ignore_labels=[])
        row["none, no label ignored"] = plain(run(text))
        cases.append(row)
    write(os.path.join(folder, "pipelines", "token-classification-%s.json" % name),
          {"model": name, "cases": cases})


QA = [("who runs?", "The dog runs in Paris, and the old cat sat on the mat."),
      ("where is John?", "John walked in New York. Mary was in London, not in Paris."),
      ("is the film good?", "the film was not very good; the old one in the café was  bad"),
      ("was 東京 old", "東京 is old. Café played 1999-19."), ("who", "cat")]
OPTIONS = [{}, {"top_k": 5}, {"handle_impossible_answer": True},
           {"handle_impossible_answer": True, "top_k": 4}, {"max_answer_len": 3, "top_k": 3},
           {"max_seq_len": 32, "doc_stride": 8, "top_k": 3},
           {"align_to_words": False, "top_k": 3}]


def questions(folder, name):
    path = os.path.join(folder, name)
    run = pipeline("question-answering", device="cpu",
                   tokenizer=AutoTokenizer.from_pretrained(path),
                   model=AutoModelForQuestionAnswering.from_pretrained(path).eval())
    long = " ".join(c for _, c in QA[:3]) * 3
    cases = []
    for question, context in QA + [("where was the old cat?", long)]:
        for o in OPTIONS:
            cases.append({"question": question, "context": context, "options": o,
                          "answer": plain(run(question=question, context=context, **o))})
    write(os.path.join(folder, "pipelines", "question-answering-%s.json" % name),
          {"model": name, "cases": cases})


def make(out):
    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    os.makedirs(os.path.join(out, "pipelines"), exist_ok=True)
    if "question-answering" in transformers.pipelines.SUPPORTED_TASKS:
        for name in ("bert-qa-h40", "bert-qa-h100"):
            questions(out, name)
        return
    for name in ("bert-tokcls-h40", "bert-tokcls-h72"):
        tokens(out, name)
    print("pipelines: question answering needs transformers 4.x, run this part with one")
