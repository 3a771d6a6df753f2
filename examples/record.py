# SPDX-License-Identifier: Apache-2.0
"""Records what `transformers` computes with a model directory, for `tenon verify`:

    python examples/record.py DIR --out FILE
    tenon verify DIR --against FILE

Texts: --text TEXT (repeatable), --input FILE (one text a line, or .jsonl with {"text"},
{"text","pair"}, {"question","context"} or {"words"}), else a small built-in set.

FILE is safetensors.  For each case I from 0: ids.I and type_ids.I I64 [T]; offsets.I I64
[T][2], bytes of the text (or the pair) that the token comes from, special tokens 0,0; with
words, the text is the words joined by single spaces; hidden.I F32 [T][H], the encoder's last
hidden state; pooled.I F32 [H] where the encoder has a pooler; logits.I F32, [labels],
[T][labels], [T][2] (start, end) or [T][vocabulary] by the class; embed.I F32, the sentence
vector, where modules.json is present.  Metadata: format, class, cases (JSON), versions.
Needs torch, transformers, safetensors; loads local safetensors weights only."""
import argparse
import json
import os
import sys

import torch
from safetensors.torch import load_file

CASES = [
    {"text": ""},
    {"text": "a"},
    {"text": "Hello, world!"},
    {"text": "The quick brown fox jumps over the lazy dog."},
    {"text": "Dr. Müller's café in São Paulo isn't open on 24.12.2021, is it?"},
    {"text": "  spaces\tand\u00a0 tabs \n and lines  "},
    {"text": "naïve e\u0301clair — “quoted” … 100 % €5 ½"},
    {"text": "東京は日本の首都です。 서울 Москва Ελλάδα"},
    {"text": "emoji 👩‍👩‍👧 and 🇩🇪, http://example.org/a?b=c#d @user #tag"},
    {"text": "Donaudampfschifffahrtsgesellschaftskapitän antidisestablishmentarianism"},
    {"text": "Who wrote it?", "pair": "It was written by Jane Austen in 1813."},
    {"text": "short", "pair": ""},
    {"text": " ".join("It is a truth universally acknowledged, that a single man in possession "
                      "of a good fortune, must be in want of a wife.".split() * 12)},
]


def byte_offsets(text):
    """Byte offset of each character, and of the end."""
    out = [0]
    for c in text:
        out.append(out[-1] + len(c.encode("utf-8", "surrogatepass")))
    return out


def encode(tokenizer, case, limit):
    """-> the encoding (lists), byte offsets, whether it was truncated."""
    words = case.get("words")
    first = words if words is not None else case["text"]
    kind = dict(is_split_into_words=words is not None, return_offsets_mapping=True,
                return_token_type_ids=True)
    args = (first,) if case.get("pair") is None else (first, case["pair"])
    whole = len(tokenizer(*args, **kind)["input_ids"])
    e = tokenizer(*args, truncation=True, max_length=limit, **kind)
    texts = [" ".join(words) if words is not None else case["text"], case.get("pair") or ""]
    at = [byte_offsets(t) for t in texts]
    begin = [0]
    for w in words or []:
        begin.append(begin[-1] + len(w) + 1)
    offsets = []
    for (b, f), s, w in zip(e["offset_mapping"], e.sequence_ids(), e.word_ids()):
        if s is None:
            offsets.append([0, 0])
            continue
        move = begin[w] if words is not None else 0
        offsets.append([at[s][b + move], at[s][f + move]])
    return e, offsets, whole > len(e["input_ids"])


def dense_layer(folder):
    """The Dense module of a folder."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        activation = json.load(f)["activation_function"].rsplit(".", 1)[-1]
    tensors = load_file(os.path.join(folder, "model.safetensors"))
    act = torch.nn.Identity() if activation == "Identity" else getattr(torch.nn, activation)()
    return lambda v: act(torch.nn.functional.linear(v, tensors["linear.weight"],
                                                    tensors.get("linear.bias")))


def sentence_vector(folder):
    """A function hidden [T][H] -> vector, after modules.json; None without one."""
    path = os.path.join(folder, "modules.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        modules = json.load(f)
    steps = []
    for m in modules:
        kind = m["type"].rsplit(".", 1)[-1]
        if kind == "Pooling":
            with open(os.path.join(folder, m["path"], "config.json"), encoding="utf-8") as f:
                mode = json.load(f)
            parts = []
            if mode.get("pooling_mode_cls_token"):
                parts.append(lambda h: h[0])
            if mode.get("pooling_mode_max_tokens"):
                parts.append(lambda h: h.max(0).values)
            if mode.get("pooling_mode_mean_tokens"):
                parts.append(lambda h: h.mean(0))
            steps.append(lambda h: torch.cat([p(h) for p in parts]))
        elif kind == "Dense":
            steps.append(dense_layer(os.path.join(folder, m["path"])))
        elif kind == "Normalize":
            steps.append(lambda v: torch.nn.functional.normalize(v, dim=-1))
        elif kind != "Transformer":
            sys.exit("%s: module %s is not supported" % (path, m["type"]))

    def run(hidden):
        for step in steps:
            hidden = step(hidden)
        return hidden
    return run


def sentence_limit(folder):
    """max_seq_length of sentence-transformers, in tokens."""
    path = os.path.join(folder, "sentence_bert_config.json")
    if not os.path.exists(path):
        return 1 << 30
    with open(path, encoding="utf-8") as f:
        return json.load(f).get("max_seq_length") or 1 << 30


def model_class(config, transformers):
    for name in config.architectures or []:
        if hasattr(transformers, name):
            return name, getattr(transformers, name)
    return None, transformers.AutoModel


@torch.no_grad()
def run_case(model, encoding, offsets, embed, keep):
    """-> name -> tensor of one case; `keep` names what to record."""
    seen = {}
    hook = model.base_model.register_forward_hook(lambda m, a, out: seen.update(base=out))
    inputs = {k: torch.tensor([encoding[k]]) for k in ("input_ids", "attention_mask",
                                                       "token_type_ids") if k in encoding}
    try:
        out = model(**{k: v for k, v in inputs.items() if k in model.accepts})
    finally:
        hook.remove()
    base = seen["base"]
    types = encoding.get("token_type_ids", [0] * len(offsets))
    t = {"ids": torch.tensor(encoding["input_ids"]), "type_ids": torch.tensor(types),
         "offsets": torch.tensor(offsets), "hidden": base.last_hidden_state[0]}
    if getattr(base, "pooler_output", None) is not None:
        t["pooled"] = base.pooler_output[0]
    if "start_logits" in out:
        t["logits"] = torch.stack([out.start_logits[0], out.end_logits[0]], -1)
    elif "logits" in out:
        t["logits"] = out.logits[0]
    if embed:
        t["embed"] = embed(base.last_hidden_state[0])
    return {k: v.contiguous().float() if v.is_floating_point() else v.contiguous()
            for k, v in t.items() if k in keep}


def write(path, tensors, meta):
    """Safetensors with the metadata in order, so that a file is the same each time."""
    kinds = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16",
             torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8"}
    header, data, end = {"__metadata__": dict(sorted(meta.items()))}, [], 0
    for name, t in sorted(tensors.items(), key=lambda kv: (-kv[1].element_size(), kv[0])):
        data.append(t.contiguous().numpy().tobytes())
        header[name] = {"dtype": kinds[t.dtype], "shape": list(t.shape),
                        "data_offsets": [end, end + len(data[-1])]}
        end += len(data[-1])
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(len(head).to_bytes(8, "little") + head)
        f.writelines(data)


ALL = ("ids", "type_ids", "offsets", "hidden", "pooled", "logits", "embed")


def record(folder, cases, out, keep=ALL):
    """Runs `cases` with the model in `folder` and writes `out`."""
    import inspect

    import tokenizers
    import transformers
    transformers.logging.set_verbosity_error()
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    name, kind = model_class(config, transformers)
    model, info = kind.from_pretrained(folder, local_files_only=True, use_safetensors=True,
                                       dtype=torch.float32, attn_implementation="eager",
                                       output_loading_info=True)
    model.eval()
    missing = sorted(info["missing_keys"])
    if any("pooler." in k for k in missing):  # then its values would be random
        keep = [k for k in keep if k != "pooled"]
    missing = [k for k in missing if "pooler." not in k]
    if missing:
        sys.exit("%s: weights are missing: %s" % (folder, ", ".join(missing)))
    model.accepts = set(inspect.signature(model.forward).parameters)
    embed = sentence_vector(folder)
    limit = min(tokenizer.model_max_length, getattr(config, "max_position_embeddings", 1 << 30),
                sentence_limit(folder) if embed else 1 << 30)
    tensors, seen = {}, []
    for i, case in enumerate(cases):
        encoding, offsets, truncated = encode(tokenizer, case, limit)
        for k, v in run_case(model, encoding, offsets, embed, keep).items():
            tensors["%s.%d" % (k, i)] = v.clone()
        seen.append({**{k: case[k] for k in ("text", "pair", "words") if k in case},
                     **({"truncated": True} if truncated else {})})
    meta = {"format": "tenon-verify-1", "class": "SentenceTransformer" if embed else
            name or type(model).__name__, "cases": json.dumps(seen, ensure_ascii=False),
            "transformers": transformers.__version__, "torch": torch.__version__,
            "tokenizers": tokenizers.__version__}
    write(out, tensors, meta)
    return tensors, meta


def read_cases(path):
    with open(path, encoding="utf-8") as f:
        lines = [line.rstrip("\r\n") for line in f]
    if not path.endswith(".jsonl"):
        return [{"text": line} for line in lines]
    cases = []
    for line in filter(str.strip, lines):
        row = json.loads(line)
        if "question" in row:
            row = {"text": row["question"], "pair": row["context"]}
        cases.append({k: row[k] for k in ("text", "pair", "words") if row.get(k) is not None})
    return cases


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("dir")
    p.add_argument("--out", required=True)
    p.add_argument("--text", action="append", default=[])
    p.add_argument("--pair", help="the second text of each --text")
    p.add_argument("--input")
    args = p.parse_args()
    cases = [{"text": t, **({"pair": args.pair} if args.pair is not None else {})}
             for t in args.text]
    if args.input:
        cases += read_cases(args.input)
    tensors, meta = record(args.dir, cases or CASES, args.out)
    print("%s: %d cases, %d tensors, class %s" % (args.out, len(cases or CASES), len(tensors),
                                                  meta["class"]), file=sys.stderr)


if __name__ == "__main__":
    main()
