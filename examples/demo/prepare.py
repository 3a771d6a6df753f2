#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""prepare.py MINILM DATA OUT: what train.cfg starts from, with the standard library alone.

MINILM is the directory of all-MiniLM-L6-v2; DATA has the folders sentence-polarity
(rt-polarity.{neg,pos}), broad-twitter-corpus (btc.train) and squad-1.1 (train-v1.1.json) as they
are published.  OUT gets the model cut to its first layers and commonest pieces (start/) and three
files to train on.  No text of heldout/ is in them.  TENON names the command (tenon)."""
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LAYERS, PIECES, QUESTIONS = 4, 9800, 20000
ROOM = 75			# words of a context that are kept around an answer
WHOLE = 10			# each tenth context stays whole


def digest(text):
    return int(hashlib.sha1(text.encode()).hexdigest()[:8], 16)


def heldout(name):
    with open(f"{HERE}/heldout/{name}", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def polarity(folder):
    """Sentences with their label."""
    held = {row["text"] for row in heldout("sentiment.jsonl")}
    rows = []
    for name, label in (("neg", "negative"), ("pos", "positive")):
        with open(f"{folder}/rt-polarity.{name}", encoding="utf-8") as f:
            rows += [{"text": text, "label": label} for text in map(str.strip, f)
                     if text and text not in held]
    return rows


def tweets(path):
    """Lists of (word, tag); an I- that continues nothing becomes B-."""
    out, rows, before = [], [], "O"
    with open(path, encoding="utf-8") as f:
        for line in [*f, "\n"]:
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) < 2:
                out += [rows] if rows else []
                rows, before = [], "O"
            elif cells[0].strip():
                tag = cells[1]
                if tag.startswith("I-") and before[2:] != tag[2:]:
                    tag = "B" + tag[1:]
                rows.append((cells[0], tag))
                before = tag
    return out


def crop(context, begin, end, seed):
    """About ROOM words of a context with the answer somewhere in them -> text, new begin."""
    starts = [m.start() for m in re.finditer(r"\S+", context)]
    first = max([i for i, s in enumerate(starts) if s <= begin], default=0)
    last = max([i for i, s in enumerate(starts) if s < end], default=first)
    spare = ROOM - (last - first + 1)
    if seed % WHOLE == 0 or len(starts) <= ROOM or spare <= 0:
        return context, begin
    low = max(0, min(first - seed // WHOLE % (spare + 1), len(starts) - ROOM))
    stop = starts[low + ROOM] if low + ROOM < len(starts) else len(context)
    return context[starts[low]:stop].rstrip(), begin - starts[low]


def questions(folder):
    """Questions with an answer whose place is certain, some of each article."""
    with open(f"{folder}/train-v1.1.json", encoding="utf-8") as f:
        data = json.load(f)["data"]
    rows = []
    for paragraph in (p for article in data for p in article["paragraphs"]):
        for q in paragraph["qas"]:
            a = q["answers"][0]
            if paragraph["context"].count(a["text"]) == 1:
                rows.append((digest(q["id"] + q["question"]), q, paragraph["context"], a))
    out = []
    for seed, q, context, a in sorted(rows, key=lambda r: r[0])[:QUESTIONS]:
        text, begin = crop(context, a["answer_start"], a["answer_start"] + len(a["text"]), seed)
        assert text[begin:begin + len(a["text"])] == a["text"]
        out.append({"id": q["id"], "question": q["question"].strip(), "context": text,
                    "answers": [{"text": a["text"], "answer_start": begin}]})
    return out


def count(model, texts):
    """How often each piece stands in texts."""
    tenon = os.environ.get("TENON", "tenon")
    found = subprocess.run([tenon, "tokenize", model, "--format", "jsonl"], check=True,
                           input="\n".join(" ".join(t.split()) for t in texts), text=True,
                           stdout=subprocess.PIPE).stdout
    return Counter(t["piece"] for line in found.splitlines() for t in json.loads(line)["tokens"])


def choose(vocabulary, counts):
    """The commonest pieces over corpora that weigh the same, in their old order; special tokens
    and pieces of one ASCII or Latin-1 character stay."""
    share = Counter()
    for c in counts:
        for piece, n in c.items():
            share[piece] += n / sum(c.values())
    must = {p for p in vocabulary if p in SPECIAL
            or len(p.removeprefix("##")) == 1 and ord(p[-1]) < 256}
    rest = sorted((p for p in vocabulary if p not in must),
                  key=lambda p: (-share[p], vocabulary[p]))
    return sorted(must | set(rest[:PIECES - len(must)]), key=vocabulary.get)


def cut_tokenizer(spec, pieces):
    new = {piece: i for i, piece in enumerate(pieces)}
    spec["truncation"] = spec["padding"] = None
    spec["model"]["vocab"] = new
    for token in spec["added_tokens"]:
        token["id"] = new[token["content"]]
    post = spec["post_processor"]
    for name, token in post.get("special_tokens", {}).items():
        token["ids"] = [new[name]]
    for key in {"sep", "cls"} & set(post):
        post[key] = [post[key][0], new[post[key][0]]]


def cut_weights(source, target, rows):
    """The rows of the word embeddings that stay, and the first layers."""
    with open(source, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        data = f.read()
    header.pop("__metadata__", None)
    out, blob = {"__metadata__": {"format": "pt"}}, b""
    for name, t in sorted(header.items()):
        layer = re.search(r"\.layer\.(\d+)\.", name)
        if "pooler" in name or name.endswith("position_ids") or \
                layer and int(layer.group(1)) >= LAYERS:
            continue
        begin, end = t["data_offsets"]
        part, shape = data[begin:end], t["shape"]
        if name.endswith("word_embeddings.weight"):
            step = (end - begin) // shape[0]
            part, shape = b"".join(part[i * step:(i + 1) * step] for i in rows), \
                [len(rows), shape[1]]
        out[name] = {"dtype": t["dtype"], "shape": shape,
                     "data_offsets": [len(blob), len(blob) + len(part)]}
        blob += part
    text = json.dumps(out).encode()
    text += b" " * (-len(text) % 8)
    with open(target, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + blob)


def cut_model(model, out, corpora):
    os.makedirs(out, exist_ok=True)
    with open(f"{model}/tokenizer.json", encoding="utf-8") as f:
        spec = json.load(f)
    vocabulary = spec["model"]["vocab"]
    pieces = choose(vocabulary, [count(model, texts) for texts in corpora])
    cut_weights(f"{model}/model.safetensors", f"{out}/model.safetensors",
                [vocabulary[p] for p in pieces])
    cut_tokenizer(spec, pieces)
    with open(f"{model}/config.json", encoding="utf-8") as f:
        config = json.load(f)
    config.update(num_hidden_layers=LAYERS, vocab_size=len(pieces), architectures=["BertModel"],
                  pad_token_id=pieces.index("[PAD]"))
    for name, value in (("tokenizer.json", spec), ("config.json", config)):
        with open(f"{out}/{name}", "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False, indent=None if name[0] == "t" else 2)
    with open(f"{out}/vocab.txt", "w", encoding="utf-8") as f:
        f.writelines(p + "\n" for p in pieces)
    shutil.copyfile(f"{HERE}/tokenizer_config.json", f"{out}/tokenizer_config.json")


def main():
    model, data, out = sys.argv[1:]
    sentences = polarity(f"{data}/sentence-polarity")
    tagged = tweets(f"{data}/broad-twitter-corpus/btc.train")
    asked = questions(f"{data}/squad-1.1")
    cut_model(model, f"{out}/start", [[row["text"] for row in sentences],
                                      [" ".join(w for w, _ in rows) for rows in tagged],
                                      sorted({q["context"] for q in asked}) +
                                      [q["question"] for q in asked]])
    for name, rows in (("sentiment", sentences), ("answer", asked)):
        with open(f"{out}/{name}.jsonl", "w", encoding="utf-8") as f:
            f.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with open(f"{out}/entities.conll", "w", encoding="utf-8") as f:
        f.writelines("".join(f"{w}\t{t}\n" for w, t in rows) + "\n" for rows in tagged)
    print(f"{len(sentences)} sentences, {len(tagged)} tweets, {len(asked)} questions")


if __name__ == "__main__":
    main()
