#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/unigram: small models of sentencepiece, tokenizers made of it, and what
sentencepiece 0.2.3, Hugging Face tokenizers 0.22.2 and the slow tokenizers of transformers
4.57.6 (families.json) make of tests/golden/wordpiece/sample.txt.

usage: unigram.py OUT SAMPLE.txt STRINGS.json

The model is trained on the books of the sample.  NAME.fnv has for each line of the sample the
32-bit FNV-1a hash of its tokens: id, word, begin and end (bytes) as little-endian int32; "-"
where the line holds a special token, which sentencepiece does not look for.  strings.json has all
tokens of STRINGS.json, the strings of tests/golden/wordpiece, and what they are decoded to.
"""
import json
import os
import sys
import unicodedata

import sentencepiece
import transformers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "parity"))
from compare_sentencepiece import rows_of  # noqa: E402
from wordpiece import decode_bad, fnv, tokens  # noqa: E402

BOOKS = 7500    # lines of the sample that are from books
LONGEST = 400   # bytes of a string whose tokens are written out
FOLDED = [(0xa0, 0x2ff), (0x370, 0x3ff), (0x1e00, 0x214f), (0x2460, 0x24ff), (0x3000, 0x30ff),
          (0x3300, 0x33ff), (0xac00, 0xac7f), (0xfb00, 0xfb4f), (0xfdf0, 0xfdff), (0xff00, 0xffef)]


def rules():
    """Compatibility forms and compositions of some blocks; controls go, line ends are spaces."""
    table = {chr(c): "" for c in [*range(1, 9), 0xb, *range(0xe, 0x20), 0x7f, 0x200b, 0xfeff]}
    table.update((c, " ") for c in "\t\n\r\x85\u2028\u2029\ufffd")
    for first, last in FOLDED:
        for c in map(chr, range(first, last + 1)):
            folded, parts = unicodedata.normalize("NFKC", c), unicodedata.normalize("NFD", c)
            if folded != c:
                table[c] = folded
            if parts != c and unicodedata.normalize("NFC", parts) == c:
                table[parts] = folded
    table["\u301c"] = "\uff5e"
    return table


def train(out, name, lines, **options):
    with open(f"{out}/rules.tsv", "w") as f:
        for source, target in rules().items():
            f.write("\t".join(" ".join(f"{ord(c):X}" for c in s) for s in (source, target)) + "\n")
    os.makedirs(f"{out}/{name}", exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(decode_bad(line)[0] for line in lines[:BOOKS]),
        model_prefix=f"{out}/{name}/spiece", byte_fallback=True,
        normalization_rule_tsv=f"{out}/rules.tsv", user_defined_symbols=["Sherlock", "<ent>"],
        control_symbols=["<pad>", "<mask>", "[CLS]", "[SEP]", "[MASK]", "<cls>", "<sep>"],
        num_threads=1, minloglevel=2, **options)
    os.remove(f"{out}/{name}/spiece.vocab")
    os.remove(f"{out}/rules.tsv")
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(open(f"{out}/{name}/spiece.model", "rb").read())
    return proto


def tokenizer(proto, with_bytes, pre_tokenizer, before=(), behind=()):
    vocab = [(p.piece, p.score) for p in proto.pieces if with_bytes or p.type != 6]
    t = Tokenizer(models.Unigram(vocab, unk_id=0, byte_fallback=with_bytes))
    charsmap = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    t.normalizer = normalizers.Sequence([*before, charsmap, *behind]) if before or behind \
        else charsmap
    t.pre_tokenizer = pre_tokenizer
    t.decoder = decoders.Metaspace(prepend_scheme="always")
    t.post_processor = TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(s, t.token_to_id(s)) for s in ("<s>", "</s>")])
    t.add_special_tokens(["<unk>", "<s>", "</s>", "<pad>",
                          AddedToken("<mask>", lstrip=True, special=True)])
    return t


def word_level(lines):
    """The words that the books have most."""
    t = Tokenizer(models.WordLevel({}, unk_token="<unk>"))
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)])
    uses = {}
    for line in lines[:BOOKS]:
        text = t.normalizer.normalize_str(decode_bad(line)[0])
        for word, _ in t.pre_tokenizer.pre_tokenize_str(text):
            uses[word] = uses.get(word, 0) + 1
    words = ["<unk>", "<s>", "</s>"] + sorted(uses, key=lambda w: (-uses[w], w))[:1500]
    t.model = models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>")
    t.post_processor = TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 1), ("</s>", 2)])
    t.add_special_tokens(words[:3])
    t.add_tokens([AddedToken("Sherlock", single_word=True), AddedToken("Dr. Watson")])
    return t


def spm_tokens(model, specials, data, words=False):
    text, starts = decode_bad(data)
    if any(s in text for s in specials):
        return None
    at = [starts[i] for i, c in enumerate(text) for _ in c.encode()] + [starts[-1]]
    return [[i, 0, at[begin], at[end]] for i, begin, end in
            rows_of(model, text, words)]


def families(path, lines):
    """What the slow tokenizers of transformers make of some lines, and of ids 7 and 8."""
    slow = {"xlm-roberta": transformers.XLMRobertaTokenizer(path),
            "camembert": transformers.CamembertTokenizer(path),
            "deberta-v2": transformers.DebertaV2Tokenizer(path, unk_token="<unk>",
                                                          pad_token="<pad>"),
            "albert": transformers.AlbertTokenizer(path),
            "xlnet": transformers.XLNetTokenizer(path),
            "t5": transformers.T5Tokenizer(path, legacy=True)}
    texts = [" ".join(decode_bad(line)[0].split()) for line in lines[100:BOOKS:150]]
    texts += ["``In 1984, 9,5'' he said", "Caf\u00e9 na\u00efve \u2603"]
    return {"texts": texts, "families": {
        name: {"ids": [t(x, add_special_tokens=False)["input_ids"] for x in texts],
               "single": t.build_inputs_with_special_tokens([7]),
               "pair": t.build_inputs_with_special_tokens([7], [8]),
               "types": t.create_token_type_ids_from_sequences([7], [8])}
        for name, t in slow.items()}}


def main():
    out, sample, strings = sys.argv[1:]
    lines = open(sample, "rb").read().split(b"\n")[:-1]
    proto = train(out, "model", lines, vocab_size=1800)
    train(out, "merged", lines, vocab_size=1500, model_type="bpe")
    train(out, "word", lines, vocab_size=1500, model_type="word")
    train(out, "char", lines, vocab_size=330, model_type="char", hard_vocab_limit=False)
    spm = {name: sentencepiece.SentencePieceProcessor(model_file=f"{out}/{name}/spiece.model")
           for name in ("model", "merged", "word", "char")}
    specials = [p.piece for p in proto.pieces if p.type in (2, 3)]
    t = {"words": tokenizer(proto, False, pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])),
         "marks": tokenizer(proto, True, pre_tokenizers.Metaspace(prepend_scheme="first"))}
    metaspace = pre_tokenizers.Metaspace()
    t["folded"] = tokenizer(
        proto, False, metaspace,
        [normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(),
         normalizers.StripAccents(), normalizers.Lowercase()],
        [normalizers.Replace(Regex(" {2,}"), " ")])
    t["stripped"] = tokenizer(
        proto, False, metaspace, (),
        [normalizers.Strip(left=False), normalizers.Replace(Regex(" {2,}"), "\u2581")])
    t["general"] = tokenizer(
        proto, True, pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation(),
             pre_tokenizers.Metaspace(prepend_scheme="never", split=False)]))
    t["general"].add_tokens(["Sherlock Holmes", AddedToken("\ufb01", single_word=True)])
    t["level"] = word_level(lines)
    t["words"].add_tokens([AddedToken("Holmes", single_word=True, normalized=False),
                           AddedToken("Sir Henry", rstrip=True, normalized=False)])
    for name in t:
        os.makedirs(f"{out}/{name}", exist_ok=True)
        t[name].save(f"{out}/{name}/tokenizer.json", pretty=False)
    json.dump(families(f"{out}/model/spiece.model", lines), open(f"{out}/families.json", "w"),
              separators=(",", ":"))
    every = {**{name: lambda data, t=t[name]: tokens(t, data) for name in t},
             **{name: lambda data, name=name, m=m: spm_tokens(m, specials, data, name == "word")
                for name, m in spm.items()}}
    for name, encode in every.items():
        rows = map(encode, lines)
        with open(f"{out}/{name}.fnv", "w") as f:
            f.writelines("-\n" if r is None else f"{fnv(r):08x}\n" for r in rows)
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
        for name, m in spm.items():
            rows = spm_tokens(m, specials, data, name == "word")
            if rows is not None:
                record[name] = {"tokens": rows, "skipped": m.decode([r[0] for r in rows])}
        records.append(record)
    with open(f"{out}/strings.json", "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in records) + "\n]\n")


if __name__ == "__main__":
    main()
