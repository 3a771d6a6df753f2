# SPDX-License-Identifier: Apache-2.0
"""200 real sentences with their all-MiniLM-L6-v2 vectors."""
import glob
import hashlib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples"))
from record import record  # noqa: E402

CRUDE = re.compile(r"@|gmail|http|sex|kiss|fuck|shit|bitch|whore|nigg|nude|lmfao|\bass", re.I)


def chosen(texts, n, low, high):
    texts = {t for t in texts if low <= len(t) <= high and not CRUDE.search(t)}
    return sorted(texts, key=lambda t: hashlib.sha1(t.encode()).hexdigest())[:n]


def book_sentences(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*.md"))):
        with open(path, encoding="utf-8") as f:
            for line in f:
                for s in re.split(r"(?<=[.!?])\s+(?=[A-Z\"“])", line.strip()):
                    if s[:1].isalpha() and s[-1:] in ".!?":
                        yield s


def tweets(path):
    words = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            cell = line.rstrip("\n").split("\t")[0]
            if cell:
                words.append(cell)
            else:
                yield " ".join(words)
                words = []


def make(out, model, books, tweet_file, ewt):
    with open(ewt, encoding="utf-8") as f:
        web = [line[9:].strip() for line in f if line.startswith("# text = ")]
    texts = (chosen(book_sentences(books), 120, 20, 110) + chosen(tweets(tweet_file), 50, 15, 90) +
             chosen(web, 30, 15, 100))
    folder = os.path.join(out, "minilm")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "sentences.txt"), "w", encoding="utf-8") as f:
        f.writelines(t + "\n" for t in texts)
    record(model, [{"text": t} for t in texts], os.path.join(folder, "expected.safetensors"),
           keep=("ids", "offsets", "embed"))
    print("minilm: %d sentences" % len(texts))
