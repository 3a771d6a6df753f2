#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares a tokenizer plugin live with Hugging Face tokenizers (0.22).

usage: compare_tokenizers.py TOKENIZE PLUGIN.so DIRECTORY SHARE [TEXT-FILE ...]

Ids, pieces, byte offsets, word numbers, sequence numbers and types are compared token by
token, on all single texts, and on a SHARE (0 to 1) of them as pairs, word lists, truncated pairs
and overlapping windows.  The ids of the single texts are decoded on both sides, and shuffled ones.
Without files the strings of tests/golden/wordpiece are taken.
"""
import collections
import json
import os
import random
import struct
import subprocess
import sys
import threading

import numpy
import tokenizers

MAX, STRIDE = 48, 13
SINGLE, PAIR, WORDS, WINDOWS, PAIR_WINDOWS, LONGEST, DECODE = (
    "single texts", "pairs", "word lists", "windows", "windows over the second", "longest first",
    "decoded")
ALL, NO_SPECIALS = 2, 3
WINDOW, TRUNCATE = 0, 1
CUT_LONGEST, CUT_FIRST, CUT_SECOND = 0, 1, 2


class Case:
    """One request: the texts of A and of B (None), and how long it may be."""

    def __init__(self, mode, a, b=None, words=False, limit=0, overlap=0, overflow=TRUNCATE,
                 cut=CUT_LONGEST):
        self.mode, self.a, self.b, self.words = mode, a, b, words
        self.limit, self.overlap, self.overflow, self.cut = limit, overlap, overflow, cut

    def request(self):
        texts = self.a + (self.b or [])
        head = struct.pack("7I", self.words, len(self.a), len(self.b or []), self.limit,
                           self.overlap, self.overflow, self.cut)
        for text in texts:
            data = text if isinstance(text, bytes) else text.encode()
            head += struct.pack("I", len(data)) + data
        return head


def modes(texts, share, rng):
    for text in texts:
        yield Case(SINGLE, [text])
        if rng.random() < share:
            yield Case(WINDOWS, [text], limit=MAX, overlap=STRIDE, overflow=WINDOW)
        words = text.split()
        if words and rng.random() < share:
            yield Case(WORDS, words, words=True)
    for a, b in zip(texts[::2], texts[1::2]):
        if rng.random() < share:
            yield Case(PAIR, [a], [b])
        if rng.random() < share:
            yield Case(LONGEST, [a], [b], limit=MAX)
        if rng.random() < share:
            yield Case(PAIR_WINDOWS, [a[:10]], [b], limit=MAX, overlap=STRIDE, overflow=WINDOW,
                       cut=CUT_SECOND)


class Oracle:
    def __init__(self, directory):
        path = os.path.join(directory, "tokenizer.json")
        self.t = tokenizers.Tokenizer.from_file(path)
        self.t.no_padding()
        self.size = self.t.get_vocab_size()

    def encode(self, cases):
        """The cases of one mode."""
        first = cases[0]
        self.t.no_truncation()
        if first.limit:
            self.t.enable_truncation(
                first.limit, stride=first.overlap,
                strategy=("longest_first", "only_first", "only_second")[first.cut])
        texts = [(c.a if c.words else c.a[0]) if c.b is None else (c.a[0], c.b[0]) for c in cases]
        return self.t.encode_batch(texts, is_pretokenized=first.words)

    def rows(self, encoding, case, maps):
        """Six columns, as struct tn_window_token; offsets in bytes."""
        n = len(encoding.ids)
        out = numpy.empty((n, 6), numpy.int64)
        out[:, 0] = encoding.ids
        words = encoding.word_ids
        sequences = encoding.sequence_ids
        out[:, 1] = [-1 if w is None else w for w in words]
        out[:, 4] = [-1 if s is None else s for s in sequences]
        out[:, 5] = encoding.type_ids
        offsets = numpy.array(encoding.offsets, numpy.int64).reshape(n, 2)
        for i in range(n if any(m is not None for row in maps for m in row) else 0):
            if sequences[i] is not None:
                m = maps[sequences[i]][words[i] if case.words else 0]
                if m is not None:
                    offsets[i] = m[offsets[i]]
        out[:, 2:4] = offsets
        return out


def byte_map(text):
    """Code point to byte; None when they are the same."""
    if text.isascii():
        return None
    widths = [len(c.encode()) for c in text]
    return numpy.concatenate([[0], numpy.cumsum(widths)])


def as_text(data):
    return data if isinstance(data, str) else data.decode(errors="replace")


class Plugin:
    def __init__(self, program, plugin, directory):
        self.p = subprocess.Popen([program, plugin, directory], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)

    def read(self, n):
        data = self.p.stdout.read(n)
        if len(data) != n:
            sys.exit("the plugin's program ended")
        return data

    def run(self, cases):
        writer = threading.Thread(target=self.write, args=(cases,))
        writer.start()
        answers = [self.answer() for _ in cases]
        writer.join()
        return answers

    def write(self, cases):
        for case in cases:
            self.p.stdin.write(case.request())
        self.p.stdin.flush()

    def close(self):
        self.p.stdin.close()
        self.p.stdout.close()
        self.p.wait()

    def decode(self, lists, how):
        writer = threading.Thread(target=self.write_ids, args=(lists, how))
        writer.start()
        texts = [self.text() for _ in lists]
        writer.join()
        return texts

    def write_ids(self, lists, how):
        for ids in lists:
            self.p.stdin.write(struct.pack("7I", how, len(ids), 0, 0, 0, 0, 0))
            self.p.stdin.write(struct.pack(f"{len(ids)}i", *ids))
        self.p.stdin.flush()

    def text(self):
        n, = struct.unpack("i", self.read(4))
        if n >= 0:
            return self.read(n).decode()
        size, = struct.unpack("i", self.read(4))
        return "error: " + self.read(size).decode()

    def answer(self):
        n, = struct.unpack("i", self.read(4))
        if n < 0:
            size, = struct.unpack("i", self.read(4))
            return self.read(size).decode()
        windows = []
        for _ in range(n):
            head = struct.unpack("4i", self.read(16))
            rows = numpy.frombuffer(self.read(24 * head[0]), numpy.int32).reshape(-1, 6)
            windows.append((head, rows))
        return windows


def differs(case, encoding, answer, oracle):
    if isinstance(answer, str):
        return answer
    expected = [encoding] + encoding.overflowing if case.overflow == WINDOW else [encoding]
    if len(expected) != len(answer):
        return f"{len(answer)} windows, expected {len(expected)}"
    maps = [[byte_map(t) for t in side] for side in (case.a, case.b or [])]
    for i, (e, (head, rows)) in enumerate(zip(expected, answer)):
        want = oracle.rows(e, case, maps)
        if i and case.b and want.shape == rows.shape:
            # BertProcessing and RobertaProcessing forget whose tokens these are, and templates
            # leave the second text its type 1.
            lost = (want[:, 4] == -1) & (rows[:, 4] != -1)
            want[lost, 2:5] = rows[lost, 2:5]
            second = rows[:, 4] == 1
            want[second, 5] = rows[second, 5]
        if want.shape != rows.shape or not (want == rows).all():
            k = next((k for k in range(min(len(want), len(rows))) if (want[k] != rows[k]).any()),
                     min(len(want), len(rows)))
            return (f"window {i} token {k}: {rows[k:k + 1].tolist()}, "
                    f"expected {want[k:k + 1].tolist()} {e.tokens[k:k + 1]}")
    return None


def compare_decoded(encodings, oracle, plugin, count, shown, rng):
    lists = [e.ids for e in encodings]
    every = [i for ids in lists for i in ids]
    rng.shuffle(every)
    lists += [every[i:i + 7] for i in range(0, len(every), 7)][:len(lists)]
    for how in (ALL, NO_SPECIALS):
        expected = oracle.t.decode_batch(lists, skip_special_tokens=how == NO_SPECIALS)
        for ids, want, got in zip(lists, expected, plugin.decode(lists, how)):
            count[DECODE][0] += 1
            count[DECODE][2] += len(ids)
            if want != got:
                count[DECODE][1] += 1
                if len(shown) < 10:
                    shown.append(f"{DECODE}: {ids[:20]}: {got!r:.200}, expected {want!r:.200}")


def compare(cases, oracle, plugin, count, shown):
    by_mode = collections.defaultdict(list)
    for case in cases:
        by_mode[case.mode].append(case)
    for mode, group in by_mode.items():
        encodings = oracle.encode(group)
        if mode == SINGLE:
            compare_decoded(encodings, oracle, plugin, count, shown, random.Random(len(group)))
        for case, encoding, answer in zip(group, encodings, plugin.run(group)):
            count[mode][0] += 1
            count[mode][2] += len(encoding.ids)
            wrong = differs(case, encoding, answer, oracle)
            if wrong:
                count[mode][1] += 1
                if len(shown) < 10:
                    shown.append(f"{mode}: {wrong}\n  {case.a[:3]!r:.300} {case.b!r:.300}")


def strings(value):
    """All texts of a JSON tree of a fair length."""
    if isinstance(value, str):
        if len(value) > 1:
            yield value
    elif isinstance(value, dict):
        for v in value.values():
            yield from strings(v)
    elif isinstance(value, list):
        for v in value:
            yield from strings(v)


def texts_of(path):
    data = open(path, "rb").read().decode(errors="replace")
    if path.endswith("wordpiece/strings.json"):
        return [bytes.fromhex(r["hex"]).decode(errors="replace") for r in json.loads(data)]
    if path.endswith(".json"):
        seen = dict.fromkeys(strings(json.loads(data)))
        return list(seen)
    if path.endswith((".conllu", ".conll", ".annotated")) or "btc." in path:
        return [" ".join(line.split("\t")[1 if path.endswith("u") else 0]
                         for line in block.split("\n")
                         if line and not line.startswith("#")) for block in data.split("\n\n")]
    if path.endswith(".md"):
        return [" ".join(x.split("\n")) if i % 2 else x for i, x in enumerate(data.split("\n\n"))]
    return data.split("\n")


def main():
    program, so, directory, share, *files = sys.argv[1:]
    oracle, plugin = Oracle(directory), Plugin(program, so, directory)
    rng, shown = random.Random(1), []
    count = collections.defaultdict(lambda: [0, 0, 0])
    if not files:
        files = [os.path.join(os.path.dirname(__file__), "..", "golden", "wordpiece",
                              "strings.json")]
    for path in files:
        texts = texts_of(path)
        for i in range(0, len(texts), 2000):
            compare(modes(texts[i:i + 2000], float(share), rng), oracle, plugin, count, shown)
    for line in shown:
        print(line)
    print(f"{directory}: {len(files)} files against tokenizers {tokenizers.__version__}")
    for mode, (n, different, tokens) in count.items():
        print(f"  {mode:24} {n:9} compared {tokens:10} tokens {different:6} different")
    sys.exit(any(different for _, different, _ in count.values()))


if __name__ == "__main__":
    main()
