#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of the tokenizers on one thread, with byte offsets, beside Hugging Face tokenizers,
tiktoken and sentencepiece where they are installed.

usage: tokenizing.py BUILD TEXT DIRECTORY|FILE.tiktoken|FILE.model ...
       tokenizing.py BUILD --linear DIRECTORY|FILE.model ...

TEXT is cut into documents of 1 KB at white space, of which the first 1,500 count.  In each of
three rounds every engine has a turn; the table has medians of MB/s by the processor's time, ours
with byte offsets, Hugging Face's with its offsets, tiktoken's without any.  A directory has a
tokenizer.json or a model of sentencepiece.  --linear: ns for each byte of 1, 2, 4 and 8 MB of one
character.
"""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS, TURN, MOST = 3, 0.5, 1500
HOSTILE = {"a": "a", "^": "^", "U+0301": "\u0301"}
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def documents(path):
    """Of 1 KB each, without line ends, so that they are lines of a file."""
    docs, part = [], ""
    for word in open(path, encoding="utf-8").read().split():
        if len(part) + len(word) > 1024:
            docs.append(part)
            part = ""
        part += " " * bool(part) + word
    return docs[:MOST]


class Tenon:
    name = "tenon"

    def __init__(self, build, directory):
        kind = kind_of(directory)
        self.command = [f"{build}/tests/tokenize",
                        f"{build}/plugins/.libs/tokenizer-{kind}.so", directory]

    def speeds(self, path):
        """Best of ten passes, as the program has it, in MB/s."""
        out = subprocess.run([*self.command, path], check=True, capture_output=True, text=True)
        return float(re.search(r" ([\d.]+) MB/s", out.stdout)[1])


class Engine:
    def __init__(self, name, run, docs):
        self.name, self.run, self.docs = name, run, docs
        self.size = sum(len(d.encode()) for d in docs)

    def turn(self):
        start, n, i = time.process_time(), 0, 0
        while True:
            for doc in self.docs[i:i + 50]:
                self.run(doc)
            n += sum(len(d.encode()) for d in self.docs[i:i + 50])
            i = i + 50 if i + 50 < len(self.docs) else 0
            spent = time.process_time() - start
            if spent >= TURN:
                return n / spent * 1e-6


def kind_of(directory):
    path = f"{directory}/tokenizer.json"
    if not os.path.exists(path):
        return "unigram"
    model = json.load(open(path))["model"]
    return model.get("type", "bpe" if "merges" in model else "unigram" if "unk_id" in model
                     else "wordpiece").lower()


def peers(path, directory, docs):
    """What is installed and reads these files."""
    found = []
    if os.path.exists(f"{directory}/tokenizer.json"):
        try:
            from tokenizers import Tokenizer
            t = Tokenizer.from_file(f"{directory}/tokenizer.json")
            t.no_padding()
            t.no_truncation()
            found.append(Engine("hf", lambda d: t.encode(d).offsets, docs))
        except ImportError:
            pass
    if path.endswith(".tiktoken"):
        try:
            import base64
            import tiktoken
            ranks = {base64.b64decode(a): int(b) for a, b in map(str.split, open(path))}
            enc = tiktoken.Encoding("bpe", pat_str=CL100K, mergeable_ranks=ranks,
                                    special_tokens={})
            found.append(Engine("tiktoken", enc.encode_ordinary, docs))
        except ImportError:
            pass
    if path.endswith(".model"):
        try:
            import sentencepiece
            m = sentencepiece.SentencePieceProcessor(model_file=path)
            found.append(Engine("spm", lambda d: m.encode(d, return_type="proto"), docs))
        except ImportError:
            pass
    return found


def from_tiktoken(path, directory):
    """tokenizer.json of the same pieces; a merge is each cut of a piece into two pieces."""
    import base64
    ranks = {base64.b64decode(a): int(b) for a, b in map(str.split, open(path))}
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    chars = {b: chr(b) for b in plain}
    for b in range(256):
        chars.setdefault(b, chr(256 + len(chars) - len(plain)))
    spell = lambda piece: "".join(map(chars.get, piece))
    merges = []
    for piece, rank in sorted(ranks.items(), key=lambda x: x[1]):
        cuts = [(piece[:i], piece[i:]) for i in range(1, len(piece))]
        merges += sorted((c for c in cuts if c[0] in ranks and c[1] in ranks),
                         key=lambda c: (ranks[c[0]], ranks[c[1]]))
    json.dump({"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": {
        "type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": CL100K}, "behavior": "Isolated",
             "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
             "use_regex": False}]},
        "post_processor": None, "decoder": {"type": "ByteLevel", "add_prefix_space": False,
                                            "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "ignore_merges": True, "vocab":
                  {spell(p): r for p, r in ranks.items()},
                  "merges": [[spell(a), spell(b)] for a, b in merges]}},
              open(f"{directory}/tokenizer.json", "w"))


def directory_of(path, made):
    if os.path.isdir(path):
        return path
    directory = tempfile.mkdtemp(dir=made)
    if path.endswith(".tiktoken"):
        from_tiktoken(path, directory)
    else:
        os.symlink(os.path.abspath(path), f"{directory}/spiece.model")
    return directory


def race(build, text, paths, made):
    docs = documents(text)
    lines = f"{made}/documents.txt"
    open(lines, "w", encoding="utf-8").write("\n".join(docs) + "\n")
    print(f"{len(docs)} documents, {os.path.getsize(lines) / len(docs):.0f} bytes each")
    print("| tokenizer | tenon MB/s | peer | MB/s | ratio |\n| --- | --: | --- | --: | --: |")
    for path in paths:
        directory = directory_of(path, made)
        ours, others, times = Tenon(build, directory), peers(path, directory, docs), {}
        for _ in range(ROUNDS):
            times.setdefault(ours.name, []).append(ours.speeds(lines))
            for peer in others:
                times.setdefault(peer.name, []).append(peer.turn())
        mine = statistics.median(times[ours.name])
        name = f"{os.path.basename(path.rstrip('/'))} ({kind_of(directory)})"
        for peer in others or [None]:
            theirs = statistics.median(times[peer.name]) if peer else None
            print(f"| {name} | {mine:.1f} | {peer.name if peer else ''} | "
                  + (f"{theirs:.2f} | {mine / theirs:.0f} |" if peer else " | |"), flush=True)


def linear(build, paths, made):
    print("ns for each byte\n| tokenizer | text | 1 MB | 2 MB | 4 MB | 8 MB |\n"
          "| --- | --- | --: | --: | --: | --: |")
    for path in paths:
        tenon = Tenon(build, directory_of(path, made))
        for name, c in HOSTILE.items():
            row = []
            for megabytes in (1, 2, 4, 8):
                file = f"{made}/hostile.txt"
                open(file, "w").write(c * ((megabytes << 20) // len(c.encode())))
                row.append(f"{1e3 / tenon.speeds(file):.1f}")
            print(f"| {os.path.basename(path.rstrip('/'))} | {name} | {' | '.join(row)} |",
                  flush=True)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    build, text, *paths = sys.argv[1:]
    with tempfile.TemporaryDirectory() as made:
        if text == "--linear":
            linear(build, paths, made)
        else:
            race(build, text, paths, made)


if __name__ == "__main__":
    main()
