# SPDX-License-Identifier: Apache-2.0
"""What is run: batches of real texts, and what they cost at least."""
import json
import os

import tokenizers


def read_texts(path):
    """A text each line; of .tsv the first column; of .conllu the "# text" lines; a file of
    words with tags behind a tab, sentences between empty lines: the words."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    if path.endswith(".conllu"):
        texts = [x[9:] for x in lines if x.startswith("# text = ")]
    elif path.endswith(".tsv"):
        texts = [x.split("\t")[0] for x in lines]
    elif any("\t" in x for x in lines):
        texts, words = [], []
        for x in lines + [""]:
            if x.strip():
                words.append(x.split("\t")[0])
            elif words:
                texts.append(" ".join(words))
                words = []
    else:
        texts = lines
    texts = [" ".join(x.split()) for x in texts]
    return [x for x in texts if x]


class Work:
    """batches: lists of texts.  peers: the batches of the peers where they get others;
    place[i] is then where text i of batches stands in them.  of_base: for models of base size
    alone, False: for the others alone, None: for all."""

    def __init__(self, name, batches, peers=None, place=None, of_base=None):
        self.name, self.batches, self.of_base = name, batches, of_base
        self.peers, self.place = peers or batches, place

    @property
    def mixed(self):
        return not self.name.startswith("fixed")


def batched(texts, size=32):
    return [texts[i:i + size] for i in range(0, len(texts), size)]


class Texts:
    def __init__(self, directory, files, most):
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.files = {name: read_texts(path) for name, path in files.items()}
        self.most = most

    def lengths(self, texts):
        return [len(e.ids) for e in self.tokenizer.encode_batch(texts)]

    def of_length(self, length, count):
        """Texts of exactly `length` tokens: sentences one after the other, cut behind a
        token."""
        texts, pending = [], ""
        source = iter(next(iter(self.files.values())) * 50)
        while len(texts) < count:
            pending = (pending + " " + next(source)).strip()
            e = self.tokenizer.encode(pending)
            if len(e.ids) < length:
                continue
            text = pending[:e.offsets[length - 2][1]]
            pending = ""
            if self.lengths([text]) == [length]:
                texts.append(text)
        return texts

    def fixed(self, length, batch):
        return Work("fixed %d x %d" % (batch, length), [self.of_length(length, batch)])

    def as_they_come(self, name):
        return Work(name, batched(self.files[name][:self.most]), of_base=False)

    def few(self, name, count=96):
        return Work("%s, %d texts" % (name, count), batched(self.files[name][:count]),
                    of_base=True)

    def by_length(self, name):
        """tenon gets the batches as they come, the peers the whole file in length order."""
        texts = self.files[name][:self.most]
        lengths = self.lengths(texts)
        order = sorted(range(len(texts)), key=lambda i: lengths[i])
        place = [0] * len(texts)
        for at, i in enumerate(order):
            place[i] = at
        return Work(name + ", peers sorted", batched(texts), batched([texts[i] for i in order]),
                    place, of_base=False)

    def rare_long(self, name):
        """Every 64th text is one of 256 tokens."""
        texts = self.files[name][:self.most]
        for at, text in enumerate(self.of_length(256, len(texts) // 64)):
            texts[at * 64 + 40] = text
        return Work(name + ", rare long", batched(texts), of_base=False)


class Cost:
    """Floating point operations of a model's pass; `weights` are those of its linears."""

    def __init__(self, directory):
        with open(os.path.join(directory, "config.json"), encoding="utf-8") as f:
            c = json.load(f)
        self.width = c.get("hidden_size") or c["dim"]
        self.layers = c.get("num_hidden_layers") or c["n_layers"]
        between = c.get("intermediate_size") or c["hidden_dim"]
        self.window = c.get("local_attention", 0)
        kinds = c.get("layer_types") or ["full_attention"] * self.layers
        self.all = kinds.count("full_attention")    # layers that see the whole text
        gated = c["model_type"] in ("modernbert", "nomic_bert")
        self.weights = self.layers * (4 * self.width ** 2 + (2 + gated) * self.width * between)

    def flops(self, lengths):
        """Of the linears and of attention in one batch of texts of these lengths."""
        cells = sum(n * (self.all * n + (self.layers - self.all) * min(n, self.window + 1))
                    for n in lengths)
        return 2 * self.weights * sum(lengths), 4 * self.width * cells
