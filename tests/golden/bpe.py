#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/bpe: small tokenizers of the kinds that models use, and what Hugging Face
tokenizers 0.22.2 makes of tests/golden/wordpiece/sample.txt with them.

usage: bpe.py OUT SAMPLE.txt STRINGS.json

They are trained on the books of the sample.  NAME.fnv has for every third line of the sample the
32-bit FNV-1a hash of its tokens: id, word, begin and end (bytes) as little-endian int32, "-" for
the others.  strings.json has all tokens of STRINGS.json, the strings of tests/golden/wordpiece,
and what they are decoded to.
"""
import json
import os
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import ByteLevel, RobertaProcessing, Sequence, TemplateProcessing
from tokenizers.trainers import BpeTrainer

from wordpiece import decode_bad, fnv, tokens

BOOKS = 7500    # lines of the sample that are from books
LONGEST = 400   # bytes of a string whose tokens are written out
SPECIALS = ["<s>", "</s>", "<unk>", "<pad>"]
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CLIP = (r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|"
        r"[^\s\p{L}\p{N}]+")


def trained(lines, normalizer, pre_tokenizer, bytes_=(), suffix=None, **model):
    t = Tokenizer(models.BPE(unk_token="<unk>", **model))
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = pre_tokenizer
    t.train_from_iterator(lines, BpeTrainer(
        vocab_size=1000, show_progress=False, special_tokens=[*SPECIALS, *bytes_],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if not bytes_ else [],
        limit_alphabet=300 if not bytes_ else 90,
        **({"end_of_word_suffix": suffix} if suffix else {})))
    return t


def roberta(lines):
    t = trained(lines, None, pre_tokenizers.ByteLevel(add_prefix_space=False))
    t.post_processor = RobertaProcessing(("</s>", 1), ("<s>", 0), add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    t.add_tokens([AddedToken("Holmes", single_word=True)])
    return t


def prefixed(lines):
    """GPT-2 with a space before."""
    t = trained(lines, None, pre_tokenizers.ByteLevel(add_prefix_space=True))
    t.post_processor = ByteLevel(add_prefix_space=True, trim_offsets=True)
    t.decoder = decoders.ByteLevel()
    return t


def lines_apart(lines):
    """Llama 3 and Qwen2."""
    t = trained(lines, normalizers.NFC(), pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(CL100K), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]), ignore_merges=True)
    t.post_processor = Sequence([ByteLevel(trim_offsets=False), TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 0)])])
    t.decoder = decoders.ByteLevel()
    t.add_tokens([AddedToken(" " * n, normalized=False) for n in range(2, 9)])
    return t


def marks(lines):
    """Llama 2 and Phi-3."""
    t = trained(lines, None, pre_tokenizers.Metaspace(),
                bytes_=[f"<0x{i:02X}>" for i in range(256)], byte_fallback=True, fuse_unk=True)
    t.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"),
                                         normalizers.Replace(" ", "\u2581")])
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(),
                                   decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    t.post_processor = TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B:1",
                                          special_tokens=[("<s>", 0)])
    data = json.loads(t.to_str())
    data["pre_tokenizer"] = None
    t = Tokenizer.from_str(json.dumps(data))
    t.add_special_tokens([AddedToken("<|end|>", rstrip=True, normalized=False)])
    return t


def clip(lines):
    t = trained(lines, normalizers.Sequence([normalizers.NFC(),
                                             normalizers.Replace(Regex(r"\s+"), " "),
                                             normalizers.Lowercase()]),
                pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CLIP), "removed", invert=True),
                                         pre_tokenizers.ByteLevel(add_prefix_space=False)]),
                suffix="</w>", end_of_word_suffix="</w>", continuing_subword_prefix="")
    t.decoder = decoders.Sequence([decoders.BPEDecoder(), decoders.ByteLevel()])
    return t


def falcon(lines):
    t = trained(lines, normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(),
                                             normalizers.Strip()]),
                pre_tokenizers.Sequence([
                    pre_tokenizers.Punctuation("contiguous"),
                    pre_tokenizers.ByteLevel(add_prefix_space=False),
                    pre_tokenizers.Digits(), pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"),
                                                                  "isolated")]))
    t.decoder = decoders.ByteLevel()
    return t


def main():
    out, sample, strings = sys.argv[1:]
    lines = open(sample, "rb").read().split(b"\n")[:-1]
    books = [decode_bad(line)[0] for line in lines[:BOOKS]]
    made = {"roberta": roberta, "prefixed": prefixed, "lines": lines_apart, "marks": marks,
            "clip": clip, "falcon": falcon}
    t = {name: make(books) for name, make in made.items()}
    for k, name in enumerate(t):
        os.makedirs(f"{out}/{name}", exist_ok=True)
        t[name].save(f"{out}/{name}/tokenizer.json", pretty=False)
        with open(f"{out}/{name}.fnv", "w") as f:
            f.writelines(f"{fnv(tokens(t[name], x)):08x}\n" if i % 3 == k % 3 else "-\n"
                         for i, x in enumerate(lines))
    os.makedirs(f"{out}/plain", exist_ok=True)
    t["roberta"].model.save(f"{out}/plain")
    records = []
    for s in json.load(open(strings)):
        data = bytes.fromhex(s["hex"])
        if len(data) > LONGEST:
            continue
        record = {"name": s["name"], "hex": s["hex"]}
        for name in t:
            rows = tokens(t[name], data)
            ids = [1] + [r[0] for r in rows] + [2]
            record[name] = {"tokens": rows, "words": tokens(t[name], None, data.split()),
                            "decoded": t[name].decode(ids, skip_special_tokens=False),
                            "skipped": t[name].decode(ids)}
        records.append(record)
    with open(f"{out}/strings.json", "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in records) + "\n]\n")


if __name__ == "__main__":
    main()
