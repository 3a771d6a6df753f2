# SPDX-License-Identifier: Apache-2.0
"""What make.py and score.py share: data readers, the model with its three heads, files."""
import hashlib
import json
import os
import re
import string
from collections import Counter

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import nn
from torchcrf import CRF
from transformers import BertConfig, BertModel

SENTIMENT = ["negative", "positive"]
ENTITIES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
WINDOW, OVERLAP, MAX_ANSWER = 384, 128, 30
ILLEGAL = -1e4


# ---- data

def digest(text):
    return int(hashlib.sha1(text.encode()).hexdigest()[:8], 16)


def read_polarity(folder):
    """-> train, held-out lists of (text, label); one line in ten, by its hash, is held out."""
    parts = [], []
    for name, label in (("rt-polarity.neg", 0), ("rt-polarity.pos", 1)):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            for line in f:
                text = line.strip()
                if text:
                    parts[digest(text) % 10 == 0].append((text, label))
    return parts


def read_conll(path):
    """-> list of (words, labels)."""
    out, words, labels = [], [], []
    with open(path, encoding="utf-8") as f:
        for line in list(f) + [""]:
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) < 2:
                if words:
                    out.append((words, labels))
                words, labels = [], []
            else:
                words.append(cells[0])
                labels.append(cells[1])
    return out


def read_squad(path, skip=()):
    """-> list of {"id", "question", "context", "answers": [{"text", "answer_start"}]}."""
    with open(path, encoding="utf-8") as f:
        data = json.load(f)["data"]
    return [{"id": q["id"], "question": q["question"].strip(), "context": p["context"],
             "answers": q["answers"]}
            for article in data for p in article["paragraphs"] for q in p["qas"]
            if q["answers"] and q["id"] not in skip]


def read_jsonl(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


# ---- the model

def legal(labels, a, b):
    """May label b follow a?  a None: b is the first."""
    if not labels[b].startswith("I-"):
        return True
    return a is not None and labels[a][2:] == labels[b][2:] and labels[a] != "O"


class Demo(nn.Module):
    """One encoder, three heads: the mean of the rows -> 2; the row of each word's first
    piece -> BIO labels and a CRF; each row -> start and end of the answer."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.sentiment = nn.Linear(width, len(SENTIMENT))
        self.entities = nn.Linear(width, len(ENTITIES))
        self.crf = CRF(len(ENTITIES), batch_first=True)
        self.answer = nn.Linear(width, 2)
        self.forbid()

    def forbid(self):
        """Illegal transitions get -1e4; called after each step."""
        n = range(len(ENTITIES))
        with torch.no_grad():
            for b in n:
                if not legal(ENTITIES, None, b):
                    self.crf.start_transitions[b] = ILLEGAL
                for a in n:
                    if not legal(ENTITIES, a, b):
                        self.crf.transitions[a, b] = ILLEGAL

    def rows(self, ids, types=None):
        """ids: list of lists -> hidden [B][T][H] and the mask [B][T]."""
        t = max(map(len, ids))
        x = torch.tensor([i + [0] * (t - len(i)) for i in ids])
        mask = torch.tensor([[1] * len(i) + [0] * (t - len(i)) for i in ids])
        segment = None
        if types:
            segment = torch.tensor([i + [0] * (t - len(i)) for i in types])
        out = self.encoder(x, attention_mask=mask, token_type_ids=segment)
        return out.last_hidden_state, mask

    def sentiment_scores(self, ids):
        h, mask = self.rows(ids)
        m = mask.unsqueeze(-1).float()
        return self.sentiment((h * m).sum(1) / m.sum(1))

    def entity_scores(self, ids, firsts):
        """firsts: for each text the row of each word's first piece, -1 for none."""
        h, _ = self.rows(ids)
        w = max(map(len, firsts))
        index = torch.tensor([f + [-1] * (w - len(f)) for f in firsts])
        mask = torch.tensor([[True] * len(f) + [False] * (w - len(f)) for f in firsts])
        rows = h.gather(1, index.clamp(min=0).unsqueeze(-1).expand(-1, -1, h.shape[-1]))
        return self.entities(rows * (index >= 0).unsqueeze(-1)), mask

    def answer_scores(self, ids, types):
        h, mask = self.rows(ids, types)
        s = self.answer(h).masked_fill(mask.unsqueeze(-1) == 0, ILLEGAL)
        return s[..., 0], s[..., 1]


HEADS = {
    "sentiment": ({"classifier.weight": "sentiment.weight", "classifier.bias": "sentiment.bias"},
                  {"labels": SENTIMENT, "options": {"pooling": "mean"}}),
    "entities": ({"classifier.weight": "entities.weight", "classifier.bias": "entities.bias",
                  "crf.transitions": "crf.transitions",
                  "crf.start_transitions": "crf.start_transitions",
                  "crf.end_transitions": "crf.end_transitions"},
                 {"labels": ENTITIES, "options": {"word_pool": "first", "words": "pretokenizer"}}),
    "answer": ({"qa_outputs.weight": "answer.weight", "qa_outputs.bias": "answer.bias"},
               {"options": {"max_answer_tokens": MAX_ANSWER, "null_answer": False}}),
}


def save(model, tokenizer, out):
    os.makedirs(out, exist_ok=True)
    encoder = {k: v.half().contiguous() for k, v in model.encoder.state_dict().items()}
    save_file(encoder, os.path.join(out, "model.safetensors"), {"format": "pt"})
    config = model.encoder.config.to_diff_dict()
    config.update(architectures=["BertModel"], model_type="bert", dtype="float16")
    config = {k: v for k, v in config.items() if not k.startswith("_")
              and k not in ("add_pooling_layer", "gradient_checkpointing")}
    write_json(os.path.join(out, "config.json"), config)
    write_json(os.path.join(out, "tokenizer_config.json"), {
        "tokenizer_class": "BertTokenizer", "do_lower_case": True, "strip_accents": None,
        "tokenize_chinese_chars": True, "model_max_length": 512, "unk_token": "[UNK]",
        "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
        "mask_token": "[MASK]"})
    tokenizer.save(os.path.join(out, "tokenizer.json"), pretty=False)
    vocab = sorted(tokenizer.get_vocab().items(), key=lambda kv: kv[1])
    with open(os.path.join(out, "vocab.txt"), "w", encoding="utf-8") as f:
        f.writelines(piece + "\n" for piece, _ in vocab)
    state = model.state_dict()
    for name, (tensors, meta) in HEADS.items():
        save_file({k: state[v].float().contiguous() for k, v in tensors.items()},
                  os.path.join(out, name + ".safetensors"), {"tenon": json.dumps(meta)})


def load(folder):
    """The stored model, computing in fp32 -> model, tokenizer."""
    with open(os.path.join(folder, "config.json")) as f:
        config = BertConfig.from_dict(json.load(f))
    config.dtype = "float32"
    model = Demo(BertModel(config, add_pooling_layer=False))
    state = {}
    with safe_open(os.path.join(folder, "model.safetensors"), "pt") as f:
        state.update({"encoder." + k: f.get_tensor(k).float() for k in f.keys()})
    for name, (tensors, _) in HEADS.items():
        with safe_open(os.path.join(folder, name + ".safetensors"), "pt") as f:
            state.update({v: f.get_tensor(k) for k, v in tensors.items()})
    model.load_state_dict(state)
    return model.eval(), Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1, ensure_ascii=False)
        f.write("\n")


# ---- inputs

def encode_words(tokenizer, words, limit=512):
    """-> ids with [CLS] and [SEP], and the row of each word's first piece (-1: none)."""
    e = tokenizer.encode(words, is_pretokenized=True)
    firsts = [-1] * len(words)
    for row in reversed(range(min(len(e.ids), limit - 1))):
        if e.word_ids[row] is not None and not e.special_tokens_mask[row]:
            firsts[e.word_ids[row]] = row
    ids = e.ids if len(e.ids) <= limit else e.ids[:limit - 1] + [e.ids[-1]]
    return ids, firsts


def qa_windows(question, context, window=WINDOW, overlap=OVERLAP):
    """question, context: encodings without specials -> (first, last) ranges of context
    tokens, each window overlapping the one before by `overlap` tokens."""
    room = window - 3 - len(question.ids)
    n, out, first = len(context.ids), [], 0
    while True:
        out.append((first, min(first + room, n)))
        if first + room >= n:
            return out
        first += max(room - overlap, 1)


def qa_input(question, context, first, last, cls, sep):
    """-> ids, type ids, row of the first context token."""
    a = [cls] + question.ids + [sep]
    b = context.ids[first:last] + [sep]
    return a + b, [0] * len(a) + [1] * len(b), len(a)


# ---- metrics

def spans(labels):
    """BIO labels -> set of (type, begin, end); an I- that continues nothing begins a span."""
    out, kind, begin = set(), None, 0
    for i, label in enumerate(list(labels) + ["O"]):
        if kind and (label[:2] != "I-" or label[2:] != kind):
            out.add((kind, begin, i))
            kind = None
        if label != "O" and kind is None:
            kind, begin = label[2:], i
    return out


def span_f1(gold, found):
    """Lists of label lists -> precision, recall, F1 over whole spans, in percent."""
    tp = n_gold = n_found = 0
    for g, p in zip(gold, found):
        g, p = spans(g), spans(p)
        tp, n_gold, n_found = tp + len(g & p), n_gold + len(g), n_found + len(p)
    precision, recall = tp / max(n_found, 1), tp / max(n_gold, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return 100 * precision, 100 * recall, 100 * f1


def normal(text):
    """The SQuAD scorer's normal form."""
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def answer_score(found, golds):
    """-> exact match and F1 against the best of the gold texts."""
    exact = best = 0.0
    p = normal(found).split()
    for gold in golds:
        g = normal(gold).split()
        same = sum((Counter(p) & Counter(g)).values())
        if not p or not g:
            f1 = float(p == g)
        else:
            f1 = 2 * same / (len(p) + len(g)) if same else 0.0
        exact, best = max(exact, float(p == g)), max(best, f1)
    return exact, best
