#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the tokenizer wordpiece with Hugging Face tokenizers (0.22) on random small
tokenizers (switches of the normalizer, prefix, added tokens with all their flags) and random
strings, in the modes of compare_tokenizers.py.

usage: fuzz_tokenizers.py TOKENIZE PLUGIN.so SEED ROUNDS

A round that differs leaves its tokenizer in the directory that is printed.
"""
import collections
import random
import shutil
import sys
import tempfile

from compare_tokenizers import Oracle, Plugin, compare, modes
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import RobertaProcessing, TemplateProcessing

BLOCKS = [(0x20, 0x7e), (0x20, 0x7e), (0, 0x1f), (0x7f, 0xa0), (0xa1, 0x17f), (0x300, 0x36f),
          (0x370, 0x3ff), (0x400, 0x4ff), (0x590, 0x5ff), (0x8d0, 0x8ff), (0x900, 0x97f),
          (0xf00, 0xfff), (0x1ab0, 0x1aff), (0x1d00, 0x1dff), (0x1e00, 0x1fff),
          (0x2000, 0x206f), (0x2e00, 0x2e7f), (0x3000, 0x30ff), (0x4e00, 0x4eff),
          (0xac00, 0xacff), (0xf900, 0xfaff), (0xfb00, 0xfdff), (0xfe00, 0xfe4f),
          (0xff00, 0xffff), (0x1d100, 0x1d1ff), (0x2b820, 0x2b920), (0x1f300, 0x1f9ff)]
COMMON = list("abAB .,'[] \u0120") + ["e\u0301", "\u0301", "\u0323", "\u1df9"]


def random_normalizer(rng):
    if rng.random() < 0.1:
        return None
    return normalizers.BertNormalizer(
        clean_text=rng.random() < 0.7, handle_chinese_chars=rng.random() < 0.7,
        strip_accents=rng.choice([None, True, False]), lowercase=rng.random() < 0.6)


def random_vocab(rng, texts, normalizer, prefix, alphabet):
    pieces = ["[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    for text in texts:
        for word in (normalizer.normalize_str(text) if normalizer else text).split():
            i = rng.randrange(len(word))
            piece = word[i:i + rng.randint(1, 4)]
            pieces.append((prefix if i and rng.random() < 0.9 else "") + piece)
    for c in alphabet:
        pieces += [c] * (rng.random() < 0.8) + [prefix + c] * (rng.random() < 0.8)
    return {p: i for i, p in enumerate(dict.fromkeys(p for p in pieces if p))}


def add_random_token(rng, t, texts):
    base = rng.choice(texts) or "x"
    i = rng.randrange(len(base))
    content = base[i:i + rng.randint(1, 5)]
    if t.normalizer and not t.normalizer.normalize_str(content):
        return
    flags = dict(lstrip=rng.random() < 0.3, rstrip=rng.random() < 0.3,
                 single_word=rng.random() < 0.4, normalized=rng.random() < 0.5)
    if rng.random() < 0.4:
        t.add_special_tokens([AddedToken(content, special=True, **flags)])
    else:
        t.add_tokens([AddedToken(content, **flags)])


def random_tokenizer(rng, texts, alphabet):
    prefix = rng.choice(["##", "##", "##", "", "@"])
    normalizer = random_normalizer(rng)
    vocab = random_vocab(rng, texts[:40], normalizer, prefix, alphabet)
    t = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", continuing_subword_prefix=prefix,
                                   max_input_chars_per_word=rng.choice([100, 100, 3, 10])))
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    if rng.random() < 0.3:
        # A window that begins in the middle is trimmed by its own first token in Hugging Face.
        t.post_processor = RobertaProcessing(("[SEP]", 2), ("[CLS]", 1), add_prefix_space=False)
    for _ in range(rng.randint(0, 6)):
        add_random_token(rng, t, texts)
    return t


def main(random_tokenizer=random_tokenizer):
    program, so, seed, rounds = sys.argv[1:]
    count, shown = collections.defaultdict(lambda: [0, 0, 0]), []
    rng = random.Random(int(seed))
    for _ in range(int(rounds)):
        alphabet = [chr(rng.randint(*rng.choice(BLOCKS))) for _ in range(12)] + COMMON
        texts = ["".join(rng.choice(alphabet) for _ in range(rng.randint(0, 40)))
                 for _ in range(60)]
        directory = tempfile.mkdtemp(prefix="tenon-fuzz-")
        random_tokenizer(rng, texts, alphabet).save(f"{directory}/tokenizer.json")
        plugin = Plugin(program, so, directory)
        before = len(shown)
        try:
            compare(modes(texts, 1, rng), Oracle(directory), plugin, count, shown)
        except BaseException as e:
            # The library panics or fails where it finds no room for a window.
            if type(e).__name__ != "PanicException" and "Truncation error" not in str(e):
                raise
        plugin.close()
        if len(shown) > before:
            print(directory, *shown[before:], sep="\n")
        else:
            shutil.rmtree(directory)
    for mode, (n, different, tokens) in count.items():
        print(f"  {mode:24} {n:9} compared {tokens:10} tokens {different:6} different")
    sys.exit(any(different for _, different, _ in count.values()))


if __name__ == "__main__":
    main()
