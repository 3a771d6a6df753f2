# SPDX-License-Identifier: Apache-2.0
"""Makes the demo model: the first layers of all-MiniLM-L6-v2 with its commonest pieces,
one encoder fine-tuned with three heads at once, stored as F16.

    python make.py --minilm DIR --polarity DIR --squad DIR --btc DIR --out DIR

Needs torch, transformers, tokenizers, safetensors, pytorch-crf.  Prints the figures of
README.md.  --resume goes on from the last checkpoint."""
import argparse
import json
import os
import random
import time
from collections import Counter

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertModel, logging

import score
from common import (ENTITIES, SENTIMENT, WINDOW, Demo, digest, encode_words, load, qa_input,
                    read_conll, read_polarity, read_squad, save)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def cut_tokenizer(path, corpora, size):
    """The commonest `size` pieces over the corpora, each corpus weighing the same; the
    special tokens and each piece of one ASCII or Latin-1 character stay.  -> tokenizer,
    kept ids in order."""
    with open(path, encoding="utf-8") as f:
        spec = json.load(f)
    spec["truncation"] = spec["padding"] = None
    full = Tokenizer.from_str(json.dumps(spec))
    share = Counter()
    for texts in corpora:
        count = Counter(i for e in full.encode_batch(texts, add_special_tokens=False)
                        for i in e.ids)
        total = sum(count.values())
        for i, n in count.items():
            share[i] += n / total
    vocab = spec["model"]["vocab"]
    must = {i for piece, i in vocab.items() if piece in SPECIAL
            or (len(piece.removeprefix("##")) == 1 and ord(piece[-1]) < 256)}
    order = sorted((i for i in vocab.values() if i not in must), key=lambda i: (-share[i], i))
    keep = sorted(must | set(order[:size - len(must)]))
    new = {old: i for i, old in enumerate(keep)}
    spec["model"]["vocab"] = {p: new[i] for p, i in sorted(vocab.items(), key=lambda kv: kv[1])
                              if i in new}
    for token in spec["added_tokens"]:
        token["id"] = new[token["id"]]
    for name, token in spec["post_processor"].get("special_tokens", {}).items():
        token["ids"] = [spec["model"]["vocab"][name]]
    for key in ("sep", "cls"):
        if key in spec["post_processor"]:
            piece = spec["post_processor"][key][0]
            spec["post_processor"][key] = [piece, spec["model"]["vocab"][piece]]
    return Tokenizer.from_str(json.dumps(spec)), keep


def cut_encoder(folder, keep, layers):
    encoder = BertModel.from_pretrained(folder, num_hidden_layers=layers,
                                        add_pooling_layer=False, hidden_dropout_prob=0.0,
                                        attention_probs_dropout_prob=0.0)
    rows = encoder.embeddings.word_embeddings.weight.data[keep].clone()
    encoder.embeddings.word_embeddings = nn.Embedding.from_pretrained(
        rows, freeze=False, padding_idx=0)
    encoder.config.vocab_size = len(keep)
    return encoder


def repair(labels):
    """An I- that continues nothing becomes B-."""
    out = []
    for y in labels:
        if y.startswith("I-") and (not out or out[-1] == "O" or out[-1][2:] != y[2:]):
            y = "B-" + y[2:]
        out.append(y)
    return out


class Sampler:
    """Batches of neighbours in length, drawn with replacement; batch n depends on the
    seed and n alone."""

    def __init__(self, items, length, seed):
        self.items = sorted(items, key=length)
        self.seed = seed

    def batch(self, n, size):
        rng = random.Random(self.seed * 1000003 + n)
        pool = min(len(self.items), size * 8)
        at = rng.randrange(len(self.items) - pool + 1)
        return rng.sample(self.items[at:at + pool], size), rng


def answer_tokens(encoding, begin, end):
    """The first and last token of characters begin..end-1, or None."""
    hit = [i for i, (b, e) in enumerate(encoding.offsets) if b < end and e > begin]
    return (hit[0], hit[-1]) if hit else None


def squad_items(tokenizer, data):
    items, contexts = [], {}
    for q in data:
        a = q["answers"][0]
        context = contexts.get(q["context"])
        if context is None:
            context = contexts[q["context"]] = tokenizer.encode(q["context"],
                                                                add_special_tokens=False)
        at = answer_tokens(context, a["answer_start"], a["answer_start"] + len(a["text"]))
        question = tokenizer.encode(q["question"], add_special_tokens=False)
        if at and at[1] - at[0] < 30 and len(question.ids) < 60:
            items.append((question, context, at))
    return items


def qa_batch(items, rng, special, crop, full):
    """A window of about `crop` context tokens around each answer, at a random place; in
    a share `full` of the batches the largest window."""
    room = WINDOW if rng.random() < full else crop
    ids, types, starts, ends = [], [], [], []
    for question, context, (a, b) in items:
        r = min(room, WINDOW - 3 - len(question.ids))
        n = len(context.ids)
        low, high = max(0, b + 1 - r), max(0, min(a, n - r))
        first = rng.randint(min(low, high), high)
        x, t, row = qa_input(question, context, first, min(first + r, n), *special)
        ids.append(x)
        types.append(t)
        starts.append(row + a - first)
        ends.append(row + b - first)
    return ids, types, torch.tensor(starts), torch.tensor(ends)


def losses(model, samplers, step, args, special):
    ce = nn.functional.cross_entropy
    items, rng = samplers["answer"].batch(step, args.qa_batch)
    ids, types, starts, ends = qa_batch(items, rng, special, args.crop, args.full)
    start, end = model.answer_scores(ids, types)
    qa = (ce(start, starts) + ce(end, ends)) / 2

    items, _ = samplers["entities"].batch(step, args.ner_batch)
    scores, mask = model.entity_scores([i[0] for i in items], [i[1] for i in items])
    tags = torch.zeros(mask.shape, dtype=torch.long)
    for row, (_, _, labels) in zip(tags, items):
        row[:len(labels)] = torch.tensor(labels)
    ner = -model.crf(scores, tags, mask=mask, reduction="token_mean")

    items, _ = samplers["sentiment"].batch(step, args.cls_batch)
    cls = ce(model.sentiment_scores([i[0] for i in items]),
             torch.tensor([i[1] for i in items]))
    return qa, ner, cls


def rate(step, args):
    """Warmup, flat, then linear to zero over the last part."""
    if step < args.warmup:
        return (step + 1) / args.warmup
    decay = int(args.steps * args.decay)
    return min(1.0, (args.steps - step) / max(decay, 1))


def train(model, tokenizer, samplers, args):
    heads = [p for n, p in model.named_parameters() if not n.startswith("encoder.")]
    optim = torch.optim.AdamW([{"params": list(model.encoder.parameters()), "lr": args.lr},
                               {"params": heads, "lr": args.head_lr}],
                              weight_decay=0.01, fused=True)
    base = [g["lr"] for g in optim.param_groups]
    special = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    checkpoint, first = args.checkpoint, 0
    if args.resume and os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optim.load_state_dict(state["optim"])
        first = state["step"]
    model.train()
    mean, began = [0.0] * 3, time.time()
    for step in range(first, args.steps):
        for group, lr in zip(optim.param_groups, base):
            group["lr"] = lr * rate(step, args)
        parts = losses(model, samplers, step, args, special)
        sum(parts).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optim.step()
        optim.zero_grad()
        model.forbid()
        mean = [0.98 * m + 0.02 * float(p) for m, p in zip(mean, parts)]
        if (step + 1) % 50 == 0:
            scale = 1 - 0.98 ** (step + 1 - first)
            print("step %d  answer %.3f  entities %.3f  sentiment %.3f  %.0f s"
                  % (step + 1, *[m / scale for m in mean], time.time() - began), flush=True)
        if checkpoint and (step + 1) % 200 == 0:
            torch.save({"model": model.state_dict(), "optim": optim.state_dict(),
                        "step": step + 1}, checkpoint + ".new")
            os.replace(checkpoint + ".new", checkpoint)


def write_heldout(out, polarity, btc, squad):
    held = os.path.join(out, "heldout")
    os.makedirs(held, exist_ok=True)

    def lines(name, rows):
        with open(os.path.join(held, name), "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    lines("sentiment.jsonl", ({"text": t, "label": SENTIMENT[y]} for t, y in polarity))
    lines("answer.jsonl", squad)
    with open(os.path.join(held, "entities.conll"), "w", encoding="utf-8") as f:
        for words, labels in btc:
            f.writelines("%s\t%s\n" % pair for pair in zip(words, labels) if pair[0].strip())
            f.write("\n")


def arguments():
    p = argparse.ArgumentParser()
    for name in ("minilm", "polarity", "squad", "btc", "out"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--pieces", type=int, default=9800)
    p.add_argument("--layers", type=int, default=3)
    p.add_argument("--steps", type=int, default=2000)
    p.add_argument("--warmup", type=int, default=100)
    p.add_argument("--decay", type=float, default=0.4)
    p.add_argument("--lr", type=float, default=1.5e-4)
    p.add_argument("--head-lr", type=float, default=1e-3)
    p.add_argument("--qa-batch", type=int, default=12)
    p.add_argument("--ner-batch", type=int, default=6)
    p.add_argument("--cls-batch", type=int, default=5)
    p.add_argument("--crop", type=int, default=90, help="context tokens of most QA windows")
    p.add_argument("--full", type=float, default=0.1, help="share of full QA windows")
    p.add_argument("--questions", type=int, default=40000, help="SQuAD questions to draw from")
    p.add_argument("--heldout-questions", type=int, default=300)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--checkpoint", default="", help="a file to keep the training state in")
    p.add_argument("--resume", action="store_true")
    return p.parse_args()


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    logging.set_verbosity_error()
    cls_train, cls_held = read_polarity(args.polarity)
    ner_train = read_conll(os.path.join(args.btc, "btc.train"))
    ner_held = read_conll(os.path.join(args.btc, "btc.test"))
    skip = os.path.join(args.squad, "train-v1.1.ambiguous-start.json")
    if os.path.exists(skip):
        with open(skip) as f:
            skip = set(json.load(f))
    squad = read_squad(os.path.join(args.squad, "train-v1.1.json"), skip)
    squad = sorted(squad, key=lambda q: digest(q["id"] + q["question"]))[:args.questions]
    dev = sorted(read_squad(os.path.join(args.squad, "dev-v1.1.json")),
                 key=lambda q: digest(q["id"]))[:2000]

    tokenizer, keep = cut_tokenizer(
        os.path.join(args.minilm, "tokenizer.json"),
        [[t for t, _ in cls_train], [" ".join(w) for w, _ in ner_train],
         sorted({q["context"] for q in squad}) + [q["question"] for q in squad]], args.pieces)
    model = Demo(cut_encoder(args.minilm, keep, args.layers))
    index = {y: i for i, y in enumerate(ENTITIES)}
    samplers = {
        "sentiment": Sampler([(tokenizer.encode(t).ids[:256], y) for t, y in cls_train],
                             lambda i: len(i[0]), args.seed),
        "entities": Sampler([(*encode_words(tokenizer, w), [index.get(y, 0) for y in repair(l)])
                             for w, l in ner_train], lambda i: len(i[0]), args.seed),
        "answer": Sampler(squad_items(tokenizer, squad),
                          lambda i: len(i[1].ids), args.seed),
    }
    print({k: len(s.items) for k, s in samplers.items()}, flush=True)
    train(model, tokenizer, samplers, args)
    save(model, tokenizer, args.out)
    small = dev[:args.heldout_questions]
    write_heldout(args.out, cls_held, ner_held, small)

    model, tokenizer = load(args.out)
    print("sentiment: accuracy %.2f, majority %.2f"
          % (score.sentiment(model, tokenizer, cls_held), score.majority_best(cls_held)))
    print("entities: P %.2f R %.2f span F1 %.2f, gazetteer P %.2f R %.2f F1 %.2f"
          % (*score.entities(model, tokenizer, ner_held), *score.gazetteer(ner_train, ner_held)))
    found = score.answers(model, tokenizer, dev)
    for name, n in (("heldout/answer.jsonl", len(small)), ("2000 of dev", len(dev))):
        print("answer, %s: exact %.2f F1 %.2f, sliding window exact %.2f F1 %.2f"
              % (name, *score.answer(found[:n], dev[:n]), *score.sliding_window(dev[:n])))


if __name__ == "__main__":
    main()
