#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fuzz_tokenizers.py for the tokenizers bpe, unigram and wordlevel: random vocabularies and merges,
all switches of the model, random sequences of normalizers, pre-tokenizers and decoders, each
post-processor.

usage: fuzz_bpe.py TOKENIZE PLUGIN.so SEED ROUNDS

The name of the plugin tells the model.
"""
import sys

from fuzz_tokenizers import add_random_token, main, random_normalizer
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import (BertProcessing, ByteLevel, RobertaProcessing, Sequence,
                                   TemplateProcessing)

CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+"
          r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CLIP = (r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|"
        r"[^\s\p{L}\p{N}]+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
         r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
         r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}"
         r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
REGEXES = [O200K, CL100K % "", CL100K % "{1,3}", CLIP, r"\s+", r"\s", r"\s{2,}", " {2,}", " +", r"\n+",
           r"[\r\n]", "[0-9]", "[0-9][0-9][0-9]", r"\p{N}", r"\p{N}{1,3}", "ab"]
BEHAVIORS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())


def steps(rng, makers, sequence):
    chosen = [maker() for maker in rng.choices(makers, k=rng.choice([0, 1, 1, 2, 3]))]
    if not chosen:
        return None
    return chosen[0] if len(chosen) == 1 and rng.random() < 0.8 else sequence(chosen)


def pattern(rng):
    return Regex(rng.choice(REGEXES)) if rng.random() < 0.7 else rng.choice([" ", "a", "\u0301"])


def random_normalizers(rng):
    n = normalizers
    return steps(rng, [
        n.NFC, n.NFD, n.NFKC, n.NFKD, n.Lowercase, n.StripAccents, n.NFC,
        lambda: n.Strip(rng.random() < 0.5, rng.random() < 0.5),
        lambda: n.Prepend(rng.choice(["\u2581", "x", "ab"])),
        lambda: n.Replace(rng.choice([" ", "a", Regex(r"\s+"), Regex(" {2,}")]),
                          rng.choice(["\u2581", "", "bc", "\u00e9"])),
        lambda: random_normalizer(rng) or n.NFC(), n.ByteLevel, n.Nmt], n.Sequence)


def random_pre_tokenizers(rng):
    p = pre_tokenizers
    return steps(rng, [
        lambda: p.ByteLevel(rng.random() < 0.5, use_regex=rng.random() < 0.6),
        lambda: p.ByteLevel(False, use_regex=rng.random() < 0.6),
        lambda: p.Metaspace("\u2581", rng.choice(["always", "first", "never"]),
                            rng.random() < 0.7),
        lambda: p.Split(pattern(rng), rng.choice(BEHAVIORS), rng.random() < 0.3),
        lambda: p.Split(Regex(rng.choice(REGEXES[:3])), "isolated"),
        lambda: p.Digits(rng.random() < 0.5), lambda: p.Punctuation(rng.choice(BEHAVIORS)),
        lambda: p.CharDelimiterSplit(rng.choice("a \u0301")),
        lambda: p.FixedLength(rng.choice([1, 3, 10])), p.UnicodeScripts, p.Whitespace, p.WhitespaceSplit, p.BertPreTokenizer], p.Sequence)


def random_decoders(rng):
    d = decoders
    return steps(rng, [
        d.ByteLevel, d.ByteFallback, d.Fuse,
        lambda: d.Metaspace("\u2581", rng.choice(["always", "first", "never"])),
        lambda: d.WordPiece(rng.choice(["##", "", "a"]), rng.random() < 0.5),
        lambda: d.CTC(rng.choice(["<s>", "a"]), rng.choice(["|", "b"]), rng.random() < 0.5),
        lambda: d.Strip(rng.choice(" a"), 1, 0), lambda: d.BPEDecoder(suffix="</w>"),
        lambda: d.Replace(rng.choice(["\u2581", "a", Regex(r"\s+")]), rng.choice([" ", "", "b"]))],
        d.Sequence)


def random_post(rng):
    template = TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1",
                                  special_tokens=[("<s>", 0), ("</s>", 1)])
    # A window that begins in the middle is trimmed by its own first token in Hugging Face.
    roberta = RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=rng.random() < 0.7,
                                add_prefix_space=False)
    return rng.choice([None, template, roberta, BertProcessing(("</s>", 1), ("<s>", 0)),
                       Sequence([ByteLevel(False, trim_offsets=rng.random() < 0.5),
                                 template])])


def random_model(rng, words, plain=False):
    prefix = None if plain else rng.choice([None, None, None, "", "##"])
    suffix = None if plain else rng.choice([None, None, "", "</w>"])
    used = sorted({c for word in words for c in word})
    pieces = ["<s>", "</s>", "<unk>"]
    for c in used:
        if rng.random() < 0.9:
            pieces += [c, (prefix or "") + c, c + (suffix or ""), (prefix or "") + c + (suffix or "")]
    if rng.random() < 0.5:
        pieces += [f"<0x{i:02X}>" for i in range(256) if rng.random() < rng.choice([1, 1, 0.98])]
    if rng.random() < 0.3:
        pieces += BYTES
    vocab = {p: i for i, p in enumerate(dict.fromkeys(pieces))}
    merges = []
    for _ in range(rng.choice([0, 20, 200])):
        word = rng.choice(words)
        parts = [p for p in vocab if len(p) < 9] if rng.random() < 0.2 else None
        if parts:
            a, b = rng.choice(parts), rng.choice(parts)
        else:
            i = rng.randrange(len(word))
            k = rng.randint(1, 4)
            a, b = word[i:i + k], (prefix or "") + word[i + k:i + k + rng.randint(1, 4)]
            b += (suffix or "") * rng.choice([0, 1])
        if a not in vocab or b not in vocab or " " in a + b or not a or not b:
            continue
        if prefix and not b.startswith(prefix):
            continue
        merges.append((a, b))
        vocab.setdefault(a + b[len(prefix or ""):], len(vocab))
    options = dict(unk_token="<unk>" if plain else rng.choice([None, "<unk>"]), continuing_subword_prefix=prefix,
                   end_of_word_suffix=suffix)
    return models.BPE(vocab, merges, **{k: v for k, v in options.items() if v is not None},
                      fuse_unk=rng.random() < 0.5,
                      # With these the library's offsets lie outside of the text.
                      byte_fallback=not prefix and not suffix and rng.random() < 0.5,
                      ignore_merges=not plain and rng.random() < 0.3)


def marked(rng, texts):
    """Llama 2's shape."""
    n = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    words = [w for text in texts for part in n.normalize_str(text).split("\u2581")
             for w in ("\u2581" + part, part) if w]
    t = Tokenizer(random_model(rng, words + ["\u2581", "\u2581\u2581"], True))
    t.normalizer = n
    return t


def random_unigram(rng, words):
    pieces = ["<s>", "</s>", "<unk>"]
    pieces += [c for c in sorted({c for word in words for c in word}) if rng.random() < 0.9]
    for _ in range(rng.choice([0, 20, 200])):
        word = rng.choice(words)
        i = rng.randrange(len(word))
        pieces.append(word[i:i + rng.randint(1, 5)])
    with_bytes = rng.random() < 0.5
    if with_bytes:
        pieces += [f"<0x{i:02X}>" for i in range(256) if rng.random() < rng.choice([1, 1, 0.98])]
    vocab = [(p, -rng.choice([0, 1, 2.5, rng.random() * 9])) for p in dict.fromkeys(pieces)]
    return models.Unigram(vocab, unk_id=2, byte_fallback=with_bytes)


def random_word_level(rng, words):
    known = ["<s>", "</s>", "<unk>"] + [w for w in words if rng.random() < 0.7]
    return models.WordLevel({w: i for i, w in enumerate(dict.fromkeys(known))}, unk_token="<unk>")


def random_tokenizer(rng, texts, _):
    if MODEL is random_model and rng.random() < 0.2:
        return finished(rng, marked(rng, texts), texts)
    normalizer, pre = random_normalizers(rng), random_pre_tokenizers(rng)
    words = []
    for text in texts:
        if normalizer:
            text = normalizer.normalize_str(text)
        words += [w for w, _ in pre.pre_tokenize_str(text)] if pre else [text]
    t = Tokenizer(MODEL(rng, [w for w in words if w] or ["a"]))
    if normalizer:
        t.normalizer = normalizer
    if pre:
        t.pre_tokenizer = pre
    return finished(rng, t, texts)


def finished(rng, t, texts):
    decoder, post = random_decoders(rng), random_post(rng)
    if decoder:
        t.decoder = decoder
    if post:
        t.post_processor = post
    for _ in range(rng.randint(0, 5)):
        add_random_token(rng, t, texts)
    return t


MODEL = random_unigram if "unigram" in sys.argv[2] else \
    random_word_level if "wordlevel" in sys.argv[2] else random_model
main(random_tokenizer)
