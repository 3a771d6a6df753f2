# SPDX-License-Identifier: Apache-2.0
"""Twenty steps of AdamW by PyTorch, in double precision, without dropout and in the order of the
files: a classifier, a CRF (pytorch-crf's) and span question answering; the classifier once more with
the products of its linear layers in bf16.  Writes the jobs, their data and the mean loss of each
step."""
import importlib.metadata
import json
import os

import torch
import transformers
from torchcrf import CRF
from transformers import (AutoTokenizer, BertForQuestionAnswering, BertForSequenceClassification,
                          BertModel, get_linear_schedule_with_warmup)

from golden_losses import HERE, forbid, load
from safetensors.torch import load_file

OUT = os.path.join(HERE, "training")
STEPS, EPOCHS, BATCH = 20, 5, 2
LR, DECAY, CLIP, WARMUP = 2e-3, 0.1, 0.5, 0.1
TEXTS = [("the cat sat on the mat", "neutral"), ("a very good film", "positive"),
         ("not good at all", "negative"), ("John was walking in New York !", "neutral"),
         ("the old dog was good", "positive"), ("the film was not very good", "negative"),
         ("Mary runs", "neutral"), ("the newly old cat", "negative")]
WORDS = [("John walked in New York .", "B-PER O O B-LOC I-LOC O"),
         ("Mary and the newly old dog", "B-PER O O O O B-PER"), ("the cat sat", "O O O"),
         ("New York was good", "B-LOC I-LOC O O"), ("Paris", "B-LOC"),
         ("John and Mary in London", "B-PER O B-PER O B-LOC"), ("a dog runs", "O O O"),
         ("the mat in Paris", "O O O B-LOC")]
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
QUESTIONS = [("who runs?", "The dog runs in Paris.", "dog"),
             ("where is John?", "John walked in New York. Mary was in London.", "New York"),
             ("is the film good?", "the film was not very good, the old one was", None),
             ("where was Mary?", "John walked in New York. Mary was in London.", "London"),
             ("what sat?", "the cat sat on the mat", "cat"),
             ("where is the cat?", "the cat sat on the mat", "on the mat"),
             ("who walked?", "Mary and John walked", "Mary and John"),
             ("who sat?", "the film was good", None)]


def train(model, loss_of, n, lr=LR):
    """The mean loss of each step; loss_of(i) is the sum over example i."""
    decays = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decays, "weight_decay": DECAY},
                                   {"params": rest, "weight_decay": 0.0}], lr=lr)
    schedule = get_linear_schedule_with_warmup(optimizer, int(WARMUP * STEPS), STEPS)
    losses = []
    for step in range(STEPS):
        first = step * BATCH % n
        loss = sum(loss_of(i) for i in range(first, first + BATCH)) / BATCH
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def rounded(x):
    return x.to(torch.float32).to(torch.bfloat16).to(x.dtype)


class Bf16Product(torch.autograd.Function):
    """x w^T with factors in bf16, as are those of dx = dy w and dw = dy^T x."""
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return rounded(x) @ rounded(w).T

    @staticmethod
    def backward(ctx, dy):
        x, w = (rounded(t) for t in ctx.saved_tensors)
        dy = rounded(dy)
        return dy @ w, dy.flatten(0, -2).T @ x.flatten(0, -2)


def linear_in_bf16(x, w, bias=None):
    y = Bf16Product.apply(x, w)
    return y if bias is None else y + bias


def write(name, text):
    with open(os.path.join(OUT, name), "w", encoding="utf-8") as out:
        out.write(text)


def job(name, pipeline, data, lr=LR, more=""):
    write(name + "-job.cfg", f'''pipeline = "{pipeline}";
output = "{name}";
data = {{ train = "{data}"; }};
shuffle = false;
dropout = false;
optim = {{ lr = {lr}; weight_decay = {DECAY}; clip = {CLIP}; warmup = {WARMUP}; }};
batch = {{ examples = {BATCH}; }};
stop = {{ epochs = {EPOCHS}; }};
{more}''')


def classify(name="cls", lr=LR, more=""):
    model, tokenizer = load(BertForSequenceClassification, "bert-seqcls-h100")
    write("cls.tsv", "".join(f"{t}\t{label}\n" for t, label in TEXTS))
    job(name, "../bert-seqcls-h100", "cls.tsv", lr, more)

    def loss_of(i):
        text, label = TEXTS[i]
        target = torch.tensor([model.config.label2id[label]])
        return model(**tokenizer(text, return_tensors="pt"), labels=target).loss
    return train(model, loss_of, len(TEXTS), lr)


def tag():
    bert, tokenizer = load(BertModel, "bert-model-h40")
    write("tags.conll", "".join("".join(f"{w}\t{t}\n" for w, t in zip(words.split(), tags.split()))
                                + "\n" for words, tags in WORDS))
    job("tags", "../losses-crf.cfg", "tags.conll")
    model = torch.nn.Module()
    bert.pooler = None
    model.bert, model.classifier = bert, torch.nn.Linear(bert.config.hidden_size, len(LABELS))
    model.crf = CRF(len(LABELS), batch_first=True)
    model.load_state_dict(load_file(os.path.join(HERE, "losses-crf.safetensors")), strict=False)
    model.double()
    forbid(model.crf, LABELS)
    # What the scheme forbids is no parameter: it has no gradient, and does not decay here.
    mask = model.crf.transitions > -1e8
    raw = torch.nn.Parameter(model.crf.transitions.detach().clone())
    start_mask = model.crf.start_transitions > -1e8
    start = torch.nn.Parameter(model.crf.start_transitions.detach().clone())
    free = load_file(os.path.join(HERE, "losses-crf.safetensors"))
    with torch.no_grad():
        raw.copy_(free["crf.transitions"])
        start.copy_(free["crf.start_transitions"])
    del model.crf.transitions, model.crf.start_transitions
    model.raw, model.start = raw, start

    def loss_of(i):
        words, tags = WORDS[i][0].split(), [LABELS.index(t) for t in WORDS[i][1].split()]
        model.crf.transitions = torch.where(mask, model.raw, torch.tensor(-1e9).double())
        model.crf.start_transitions = torch.where(start_mask, model.start,
                                                  torch.tensor(-1e9).double())
        batch = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        ids = batch.word_ids()
        first = [ids.index(w) for w in range(len(words))]
        emissions = model.classifier(model.bert(**batch).last_hidden_state[0, first])
        return -model.crf(emissions[None], torch.tensor([tags]), reduction="sum")
    return train(model, loss_of, len(WORDS))


def answer():
    model, tokenizer = load(BertForQuestionAnswering, "bert-qa-h40")
    lines, spans = [], []
    for question, context, text in QUESTIONS:
        begin = context.index(text) if text else 0
        spans.append((begin, begin + len(text)) if text else None)
        answers = [{"text": text, "answer_start": begin}] if text else []
        lines.append(json.dumps({"question": question, "context": context, "answers": answers}))
    write("qa.jsonl", "\n".join(lines) + "\n")
    job("qa", "../bert-qa-h40", "qa.jsonl")

    def loss_of(i):
        question, context, _ = QUESTIONS[i]
        batch = tokenizer(question, context, return_tensors="pt")
        first = last = 0
        if spans[i]:
            first = batch.char_to_token(spans[i][0], sequence_index=1)
            last = batch.char_to_token(spans[i][1] - 1, sequence_index=1)
        return model(**batch, start_positions=torch.tensor([first]),
                     end_positions=torch.tensor([last])).loss
    return train(model, loss_of, len(QUESTIONS))


def main():
    made = {"torch": torch.__version__, "transformers": transformers.__version__,
            "pytorch-crf": importlib.metadata.version("pytorch-crf")}
    losses = {"cls": classify(), "tags": tag(), "qa": answer()}
    torch.nn.functional.linear = linear_in_bf16
    losses["cls-bf16"] = classify("cls-bf16", LR / 10, 'precision = "bf16";\n')
    write("losses.json", json.dumps({"made_with": made, "losses": losses}, indent=1) + "\n")


if __name__ == "__main__":
    main()
