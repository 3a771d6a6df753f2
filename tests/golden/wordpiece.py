#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/wordpiece: a sample text, three small tokenizers and what Hugging
Face tokenizers 0.22.2 makes of the sample with each.

usage: wordpiece.py OUT UNCASED-VOCAB CASED-VOCAB STRINGS.json BOOK...

The vocabularies are the vocab.txt of bert-base-uncased and bert-base-cased (Apache-2.0);
STRINGS.json is [{"name", "text" or "hex"}]; the books are plain text in the public domain.
sample.txt is their text and lines of hostile characters from a fixed seed.  NAME.fnv has
for each line of it the 32-bit FNV-1a hash of its tokens: id, word, begin and end (bytes)
as little-endian int32.  strings.json has all tokens of the strings.
"""
import codecs
import json
import os
import random
import struct
import sys

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BLOCKS = [(0x20, 0x7e), (0, 0x1f), (0x7f, 0xa0), (0xa1, 0x17f), (0x180, 0x24f), (0x300, 0x36f),
          (0x370, 0x3ff), (0x400, 0x4ff), (0x590, 0x5ff), (0x600, 0x6ff), (0x8d0, 0x8ff),
          (0x900, 0x97f), (0xe00, 0xe7f), (0xf00, 0xfff), (0x1100, 0x11ff), (0x1ab0, 0x1aff),
          (0x1d00, 0x1dff), (0x1e00, 0x1fff), (0x2000, 0x206f), (0x20a0, 0x20ff),
          (0x2100, 0x214f), (0x2190, 0x2bff), (0x2e00, 0x2e7f), (0x3000, 0x30ff),
          (0x3400, 0x4dbf), (0x4e00, 0x9fff), (0xa640, 0xa69f), (0xac00, 0xd7a3),
          (0xe000, 0xe0ff), (0xf900, 0xfaff), (0xfb00, 0xfdff), (0xfe00, 0xfe0f),
          (0xfe20, 0xfe4f), (0xff00, 0xffff), (0x10400, 0x1044f), (0x11000, 0x1107f),
          (0x1d100, 0x1d1ff), (0x1d400, 0x1d7ff), (0x1e900, 0x1e95f), (0x1f300, 0x1faff),
          (0x20000, 0x2ffff), (0xe0000, 0xe01ef)]


def hostile_lines(rng):
    """About 190 KB of lines that no writer would write."""
    def char(ends):
        while True:
            c = rng.randint(*ends)
            if c != 10 and not 0xd800 <= c < 0xe000:
                return chr(c)

    words = SPECIALS + ["[QUERY]", "<ent>", " ", "  ", "\t", "Holmes", "SHERLOCK", "Caf\u00e9",
                        "cafe\u0301", "Sir Henry", "don't", "the", "ing", "##ing", "\u00c9", "."]
    for _ in range(800):
        ends = rng.choice(BLOCKS), rng.choice(BLOCKS)
        yield "".join(char(rng.choice(ends)) for _ in range(rng.randint(1, 60))).encode()
    for _ in range(700):
        yield "".join(char((0, 0x10ffff)) for _ in range(rng.randint(1, 40))).encode()
    for _ in range(1000):
        yield "".join(rng.choice(words) if rng.random() < 0.6 else char(rng.choice(BLOCKS[:6]))
                      for _ in range(rng.randint(1, 30))).encode()
    for _ in range(500):
        yield bytes(rng.choice((rng.randint(11, 255), 0x61, 0xcc, 0x81, 0xe2, 0xf0))
                    for _ in range(rng.randint(1, 60)))
    for base in ("a", "e\u0301", "\u0301", "\u0323\u0301", "\u4e00", "\u1df9\u0334", ".", "\ud55c"):
        yield (base * 1500).encode()
        yield ("x" + base * 99 + " " + base * 100 + " " + base * 101).encode()


def decode_bad(data):
    """The text with U+FFFD for each maximal bad part, and the byte of each character."""
    bad = {}

    def handler(error):
        bad[error.start] = error.end
        return "\ufffd", error.end

    codecs.register_error("note", handler)
    text, at, starts = data.decode(errors="note"), 0, []
    for c in text:
        starts.append(at)
        at = bad[at] if at in bad else at + len(c.encode())
    return text, starts + [at]


def cut_vocab(path, lines, lower, size):
    """The pieces that the lines need most, all ASCII characters, the special tokens."""
    pieces = open(path, encoding="utf-8").read().split("\n")[:-1]
    full = tokenizer(pieces, lower)
    uses = dict.fromkeys(pieces, 0)
    for line in lines:
        for token in full.encode(decode_bad(line)[0], add_special_tokens=False).tokens:
            uses[token] += 1
    keep = set(SPECIALS)
    keep.update(p for p in pieces if len(p) == 1 and p.isascii()
                or len(p) == 3 and p.startswith("##") and p.isascii())
    for piece in sorted(pieces, key=lambda p: -uses[p]):
        if len(keep) < size:
            keep.add(piece)
    return [p for p in pieces if p in keep]


def tokenizer(pieces, lower):
    ids = {p: i for i, p in enumerate(pieces)}
    t = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer(lowercase=lower)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(s, ids[s]) for s in ("[CLS]", "[SEP]")])
    t.add_special_tokens(SPECIALS)
    return t


def tokens(t, data, words=None):
    """[id, word, begin, end] of each token, in bytes of the data (or of each word)."""
    parts = [decode_bad(w) for w in words] if words is not None else [decode_bad(data)]
    texts = [p[0] for p in parts]
    e = t.encode(texts if words is not None else texts[0], is_pretokenized=words is not None,
                 add_special_tokens=False)
    rows = []
    for i, word, (begin, end) in zip(e.ids, e.word_ids, e.offsets):
        starts = parts[word if words is not None else 0][1]
        rows.append([i, word, starts[begin], starts[end]])
    return rows


def fnv(rows):
    h = 0x811c9dc5
    for byte in b"".join(struct.pack("<4i", *row) for row in rows):
        h = (h ^ byte) * 0x01000193 & 0xffffffff
    return h


def main():
    out, uncased, cased, strings, *books = sys.argv[1:]
    rng = random.Random(20)
    lines = [line for b in books for line in open(b, "rb").read().split(b"\n") if line]
    lines += hostile_lines(rng)
    open(f"{out}/sample.txt", "wb").write(b"".join(line + b"\n" for line in lines))
    small = cut_vocab(uncased, lines, True, 5000)
    t = {"uncased": tokenizer(small, True),
         "cased": tokenizer(cut_vocab(cased, lines, False, 3000), False),
         "added": tokenizer(cut_vocab(uncased, lines, True, 1500), True)}
    t["cased"].add_special_tokens([AddedToken("[MASK]", lstrip=True, special=True),
                                   AddedToken("[QUERY]", rstrip=True, special=True)])
    t["cased"].add_tokens([AddedToken("<ent>", single_word=True, normalized=False)])
    t["added"].add_tokens([
        AddedToken("Holmes", single_word=True), AddedToken("Caf\u00e9"), AddedToken("the"),
        AddedToken("Sir Henry", lstrip=True, rstrip=True),
        AddedToken("SHERLOCK", normalized=False)])
    for name in t:
        os.makedirs(f"{out}/{name}", exist_ok=True)
        if name != "uncased":
            t[name].save(f"{out}/{name}/tokenizer.json", pretty=False)
        with open(f"{out}/{name}.fnv", "w") as f:
            f.writelines(f"{fnv(tokens(t[name], line)):08x}\n" for line in lines)
    open(f"{out}/uncased/vocab.txt", "w", encoding="utf-8").write("\n".join(small) + "\n")
    json.dump({"do_lower_case": True, "model_max_length": 512},
              open(f"{out}/uncased/tokenizer_config.json", "w"))
    records = []
    for s in json.load(open(strings)):
        data = bytes.fromhex(s["hex"]) if "hex" in s else s["text"].encode()
        record = {"name": s["name"], "hex": data.hex()}
        for name in t:
            rows = tokens(t[name], data)
            ids = [0] + [r[0] for r in rows] + [3]
            record[name] = {"tokens": rows, "words": tokens(t[name], None, data.split()),
                            "decoded": t[name].decode(ids, skip_special_tokens=False),
                            "skipped": t[name].decode(ids)}
        records.append(record)
    with open(f"{out}/strings.json", "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in records) + "\n]\n")


if __name__ == "__main__":
    main()
