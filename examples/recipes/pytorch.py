#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pytorch.py RECIPE MODEL DATA [--seed N] [--start DIR] [--steps N] [--out FILE]: a recipe as
transformers and PyTorch run it, with padding, to compare tenon with.

MODEL is the model's directory and DATA the folder that prepare.py made.  With --start the weights
are those of a model directory that tenon wrote (tenon train RECIPE.cfg --set optim.lr=0 --set
stop.steps=1), and examples come in the order of the file (tenon: --set shuffle=false), so that the
losses of both can be compared step by step.  One line of JSON for each epoch, and with --out the
loss of each step."""
import argparse
import json
import math
import os
import random
import re
import time

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModel, AutoTokenizer, get_linear_schedule_with_warmup

HERE = os.path.dirname(os.path.abspath(__file__))
PENALTY = -1e9


class Recipe:
    """What the job's file says."""

    def __init__(self, name):
        self.name = name
        with open(f"{HERE}/{name}.cfg", encoding="utf-8") as f:
            self.text = f.read()
        self.train, self.dev = (re.search(rf'{k} = "data/([^"]*)"', self.text).group(1)
                                for k in ("train", "dev"))
        self.lr, self.decay, self.warmup = (self.number(k) for k in
                                            ("lr", "weight_decay", "warmup"))
        self.batch, self.epochs = int(self.number("examples")), int(self.number("epochs"))
        self.head = re.search(r'"heads\.(\w+)\.use=([\w-]+)"', self.text)
        self.groups = re.findall(r'match = "([^"]*)"; lr = ([^;]*);', self.text)

    def number(self, key):
        return float(re.search(rf"\b{key} = ([^;]*);", self.text).group(1))


def read(path):
    """Texts with labels, words with tags, or questions."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if path.endswith(".tsv"):
        return [tuple(line.split("\t")) for line in text.splitlines()]
    if path.endswith(".jsonl"):
        return [json.loads(line) for line in text.splitlines()]
    out, words = [], []
    for line in text.splitlines() + [""]:
        columns = line.rstrip().split("\t")
        if not line.strip():
            out += [tuple(zip(*words))] if words else []
            words = []
        elif path.endswith(".conllu"):
            if columns[0].isdigit():
                words.append((columns[1], columns[3]))
        else:
            words.append((columns[0], columns[-1]))
    return out


def labels_of(data, tags):
    if not tags:
        return sorted({label for _, label in data})
    found = {t for _, ts in data for t in ts}
    found |= {x for t in found if t.startswith("B-") for x in ("I" + t[1:], "O")}
    return sorted(found, key=lambda t: (t != "O", t))


class Task(torch.nn.Module):
    """A model with a linear layer."""

    def __init__(self, model, outputs):
        super().__init__()
        config = AutoConfig.from_pretrained(model, hidden_dropout_prob=0.0,
                                            attention_probs_dropout_prob=0.0)
        self.bert = AutoModel.from_pretrained(model, config=config, add_pooling_layer=False)
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.classifier = torch.nn.Linear(config.hidden_size, outputs)
        torch.nn.init.normal_(self.classifier.weight, std=0.02)
        torch.nn.init.zeros_(self.classifier.bias)

    def start(self, directory, head):
        from safetensors.torch import load_file
        trunk = load_file(f"{directory}/model.safetensors")
        self.bert.load_state_dict({k.removeprefix("bert."): v for k, v in trunk.items()},
                                  strict=False)
        path = f"{directory}/{head}.safetensors"
        own = load_file(path) if os.path.exists(path) else trunk
        name = "qa_outputs" if "qa_outputs.weight" in own else "classifier"
        self.classifier.load_state_dict({k: own[f"{name}.{k}"] for k in ("weight", "bias")})


class Classifier(Task):
    def __init__(self, model, data):
        self.labels = labels_of(data, False)
        super().__init__(model, len(self.labels))

    def scores(self, batch):
        x = self.tokenizer([t for t, _ in batch], padding=True, truncation=True, max_length=256,
                           return_tensors="pt")
        mask = x["attention_mask"][..., None]
        hidden = self.bert(**x).last_hidden_state
        return self.classifier((hidden * mask).sum(1) / mask.sum(1))

    def loss(self, batch):
        return cross_entropy(self.scores(batch),
                             torch.tensor([self.labels.index(y) for _, y in batch]))

    def judge(self, data):
        right = 0
        for i in range(0, len(data), 64):
            found = self.scores(data[i:i + 64]).argmax(-1).tolist()
            right += sum(self.labels[k] == y for k, (_, y) in zip(found, data[i:i + 64]))
        return {"accuracy": 100 * right / len(data)}


class Tagger(Task):
    def __init__(self, model, data, crf):
        from torchcrf import CRF
        self.labels = labels_of(data, True)
        super().__init__(model, len(self.labels))
        self.crf = CRF(len(self.labels), batch_first=True) if crf else None
        if crf:
            for p in self.crf.parameters():
                torch.nn.init.zeros_(p)
            self.bio = any(label.startswith("B-") for label in self.labels)

    def edges(self):
        """Transitions with those that BIO does not have."""
        n = len(self.labels)
        start, edge = torch.zeros(n), torch.zeros(n, n)
        for j, label in enumerate(self.labels if self.bio else []):
            if label.startswith("I-"):
                start[j] = PENALTY
                for i, before in enumerate(self.labels):
                    if before[2:] != label[2:]:
                        edge[i, j] = PENALTY
        return start, edge

    def scores(self, batch):
        x = self.tokenizer([list(w) for w, _ in batch], is_split_into_words=True, padding=True,
                           truncation=True, max_length=256, return_tensors="pt")
        hidden = self.bert(**x).last_hidden_state
        rows, longest = [], 0
        for i in range(len(batch)):
            seen, first = set(), []
            for t, word in enumerate(x.word_ids(i)):
                if word is not None and word not in seen:
                    seen.add(word)
                    first.append(t)
            rows.append(hidden[i, first])
            longest = max(longest, len(first))
        mask = torch.zeros(len(batch), longest, dtype=torch.bool)
        packed = torch.zeros(len(batch), longest, hidden.shape[-1])
        for i, row in enumerate(rows):
            packed[i, :len(row)] = row
            mask[i, :len(row)] = True
        return self.classifier(packed), mask

    def with_edges(self, run):
        if not self.crf:
            return run(None)
        start, edge = self.edges()
        kept = self.crf.start_transitions, self.crf.transitions
        del self.crf.start_transitions, self.crf.transitions
        self.crf.start_transitions, self.crf.transitions = kept[0] + start, kept[1] + edge
        result = run(self.crf)
        del self.crf.start_transitions, self.crf.transitions
        self.crf.start_transitions, self.crf.transitions = kept
        return result

    def loss(self, batch):
        scores, mask = self.scores(batch)
        target = torch.zeros(mask.shape, dtype=torch.long)
        for i, (_, tags) in enumerate(batch):
            n = int(mask[i].sum())
            target[i, :n] = torch.tensor([self.labels.index(t) for t in tags[:n]])
        if self.crf:
            return self.with_edges(lambda crf: -crf(scores, target, mask=mask)) / len(batch)
        return cross_entropy(scores[mask], target[mask])

    def judge(self, data):
        from seqeval.metrics import f1_score
        gold, found, right, n = [], [], 0, 0
        for i in range(0, len(data), 64):
            scores, mask = self.scores(data[i:i + 64])
            paths = self.with_edges(lambda crf: crf.decode(scores, mask=mask)) if self.crf else \
                [s[m].argmax(-1).tolist() for s, m in zip(scores, mask)]
            for path, (words, tags) in zip(paths, data[i:i + 64]):
                path = [self.labels[k] for k in path] + ["O"] * (len(words) - len(path))
                gold.append(list(tags))
                found.append(path)
                right += sum(a == b for a, b in zip(path, tags))
                n += len(tags)
        return {"accuracy": 100 * right / n, "f1": 100 * f1_score(gold, found)}


class Answerer(Task):
    def __init__(self, model, data):
        super().__init__(model, 2)

    def windows(self, batch):
        return self.tokenizer([e["question"] for e in batch], [e["context"] for e in batch],
                              truncation="only_second", max_length=384, stride=128,
                              return_overflowing_tokens=True, return_offsets_mapping=True,
                              padding=True, return_tensors="pt")

    def scores(self, x):
        names = ("input_ids", "attention_mask", "token_type_ids")
        hidden = self.bert(**{k: x[k] for k in names}).last_hidden_state
        return self.classifier(hidden).masked_fill(x["attention_mask"][..., None] == 0, PENALTY)

    def loss(self, batch):
        x = self.windows(batch)
        first, last = [], []
        for w, e in enumerate(x["overflow_to_sample_mapping"].tolist()):
            answer = batch[e]["answers"][0]
            begin, end = answer["answer_start"], answer["answer_start"] + len(answer["text"])
            inside = [t for t, s in enumerate(x.sequence_ids(w)) if s == 1]
            a, b = x.char_to_token(w, begin, 1), x.char_to_token(w, end - 1, 1)
            whole = inside and a is not None and b is not None
            first.append(a if whole else 0)
            last.append(b if whole else 0)
        scores = self.scores(x)
        return (cross_entropy(scores[..., 0], torch.tensor(first)) +
                cross_entropy(scores[..., 1], torch.tensor(last))) / 2

    def judge(self, data):
        exact = f1 = 0
        for i in range(0, len(data), 16):
            batch = data[i:i + 16]
            x = self.windows(batch)
            scores = self.scores(x)
            best = [(-math.inf, "") for _ in batch]
            for w, e in enumerate(x["overflow_to_sample_mapping"].tolist()):
                inside = [t for t, s in enumerate(x.sequence_ids(w)) if s == 1]
                s = scores[w, inside, 0][:, None] + scores[w, inside, 1][None]
                n = len(inside)
                legal = torch.ones(n, n).triu() - torch.ones(n, n).triu(30)
                s = s.masked_fill(legal == 0, -math.inf)
                k = int(s.argmax())
                a, b = x["offset_mapping"][w][inside[k // n]], x["offset_mapping"][w][inside[k % n]]
                if float(s.max()) > best[e][0]:
                    best[e] = float(s.max()), batch[e]["context"][int(a[0]):int(b[1])]
            for (_, text), e in zip(best, batch):
                pairs = [compare(text, a["text"]) for a in e["answers"]]
                exact += max(p[0] for p in pairs)
                f1 += max(p[1] for p in pairs)
        return {"f1": 100 * f1 / len(data), "exact": 100 * exact / len(data)}


def compare(found, gold):
    """As evaluate-v1.1.py."""
    def normal(text):
        text = re.sub(r"[!-/:-@\[-`{-~]", "", text.lower())
        return re.sub(r"\b(a|an|the)\b", " ", text).split()
    a, b = normal(found), normal(gold)
    common = sum(min(a.count(w), b.count(w)) for w in set(a))
    f1 = 2 * common / (len(a) + len(b)) if common else 0.0
    return float(a == b), f1


def make_task(recipe, model, data):
    use = recipe.head.group(2)
    if use == "cls":
        return Classifier(model, data)
    if use == "span-qa":
        return Answerer(model, data)
    return Tagger(model, data, "aggregation" not in recipe.text)


def make_optimizer(recipe, task):
    groups = {}
    for name, p in task.named_parameters():
        lr = recipe.lr
        for match, rate in recipe.groups:
            own = not name.startswith("bert.")
            if own and (".crf." not in match or name.startswith("crf.")):
                lr = float(rate)
        key = lr, recipe.decay if p.dim() > 1 else 0.0
        groups.setdefault(key, []).append(p)
    return torch.optim.AdamW([{"params": ps, "lr": lr, "weight_decay": decay}
                              for (lr, decay), ps in groups.items()])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--start")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out")
    a = parser.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    random.seed(a.seed)
    torch.manual_seed(a.seed)
    recipe = Recipe(a.recipe)
    train, dev = read(f"{a.data}/{recipe.train}"), read(f"{a.data}/{recipe.dev}")
    task = make_task(recipe, a.model, train)
    if a.start:
        task.start(a.start, recipe.head.group(1))
    optimizer = make_optimizer(recipe, task)
    steps = recipe.epochs * math.ceil(len(train) / recipe.batch)
    schedule = get_linear_schedule_with_warmup(optimizer, math.ceil(recipe.warmup * steps), steps)
    losses, begin = [], time.time()
    for epoch in range(recipe.epochs):
        order = list(range(len(train)))
        if not a.start:
            random.shuffle(order)
        for i in range(0, len(order), recipe.batch):
            if a.steps and len(losses) == a.steps:
                break
            loss = task.loss([train[k] for k in order[i:i + recipe.batch]])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(task.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        took = time.time() - begin
        with torch.inference_mode():
            print(json.dumps({"recipe": a.recipe, "seed": a.seed, "epoch": epoch + 1,
                              **task.judge(dev), "seconds": round(took, 1),
                              "torch": torch.__version__}), flush=True)
        if a.steps and len(losses) == a.steps:
            break
    if a.out:
        with open(a.out, "w", encoding="utf-8") as f:
            json.dump(losses, f)


if __name__ == "__main__":
    main()
