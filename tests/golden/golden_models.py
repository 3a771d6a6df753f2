# SPDX-License-Identifier: Apache-2.0
"""Tiny random BERT directories, one for each class, with recorded outputs."""
import json
import os
import random
import shutil
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertTokenizerFast

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples"))
from record import record  # noqa: E402

PIECES = (["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list("abcdefghiklmnoprstuwy") +
          ["##" + c for c in "abcdefghiklmnoprstuwy"] + list("0123456789") + ["##1", "##9"] +
          list(".,!?'-@#") +
          ["the", "cat", "dog", "runs", "sat", "on", "mat", "in", "paris", "london", "john",
           "mary", "good", "bad", "film", "very", "cafe", "who", "where", "is", "was", "not",
           "##ing", "##ed", "##ly", "walk", "play", "new", "york", "東", "京", "ω",
           "straße", "##ter", "old"])
CASED = PIECES + ["The", "Paris", "John", "café", "##é", "É"]
WORDS = ("the cat dog runs sat on mat in Paris London John Mary good bad film very was not walking "
         "played newly york cafés old water").split()
BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def text_of(rng, n_tokens, tokenizer, pair=None):
    """A text that gives exactly n_tokens tokens (with the pair, in all)."""
    words = []
    while True:
        left = n_tokens - len(tokenizer(" ".join(words), pair)["input_ids"])
        if left == 0:
            return " ".join(words)
        word = rng.choice(WORDS) if left > 6 else "dog"
        words.append(word)


def plain_cases(rng):
    out = [{"text": t} for t in (
        "", "cat", "the cat", "The cat sat on the mat.", "John was not walking in New York!",
        "Café naïve É e\u0301, straße?", "東京 is old 漢字", "who \U0001f600 runs\u200d 1999-19",
        "  spaces\tand\u00a0tabs\r\n end ", "[MASK] and [SEP] in the text",
        "zzz qqq jjj \u03c9\u03a9")]
    for n in (7, 8, 9, 17, 31):
        out.append({"text": " ".join(rng.choice(WORDS) for _ in range(n))})
    out += [{"text": "who runs?", "pair": "The dog runs in Paris, the cat sat."},
            {"text": "", "pair": "cat"}, {"text": "cat", "pair": ""},
            {"text": "the old dog", "pair": "a very good film " * 6}]
    return out


def long_cases(rng, tokenizer, kinds):
    """kinds: numbers of tokens, or "pair": 512 tokens in two texts."""
    question = "where is the old cafe?"
    return [{"text": question, "pair": pair_of(rng, 512, tokenizer, question)} if k == "pair"
            else {"text": text_of(rng, k, tokenizer)} for k in kinds]


def pair_of(rng, n_tokens, tokenizer, question):
    words = []
    while True:
        left = n_tokens - len(tokenizer(question, " ".join(words))["input_ids"])
        if left == 0:
            return " ".join(words)
        words.append(rng.choice(WORDS) if left > 6 else "dog")


def word_cases(rng):
    out = [{"words": w} for w in (
        ["John"], ["John", "walked", "in", "New", "York", "."],
        ["Café", "É", "東京", "\U0001f600", "mat"], ["@mary", "#film", "don't", "stop"])]
    return out + [{"words": [rng.choice(WORDS) for _ in range(n)]} for n in (2, 13, 40)]


def qa_cases(rng):
    questions = ["who runs?", "where is John?", "is the film good?", "", "what was old"]
    contexts = ["The dog runs in Paris.", "John walked in New York. Mary was in London.",
                "the film was not very good, the old one was", "cat",
                " ".join(rng.choice(WORDS) for _ in range(60))]
    return [{"text": q, "pair": c} for q, c in zip(questions, contexts)]


def fill(model, seed):
    """Weights that give logits of about 1."""
    g = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        r = torch.randn(p.shape, generator=g)
        if "LayerNorm.weight" in name:
            p.data = 1 + 0.2 * r
        elif p.dim() == 1:
            p.data = 0.2 * r
        elif "embeddings" in name:
            p.data = (0.3 if "position" in name else 0.7) * r
        else:
            p.data = r * (1.3 / p.shape[1] ** 0.5)
    model.tie_weights()


# name: class, options
MODELS = {
    "bert-model-h40": ("BertModel", dict(hidden=40, heads=5, inner=70, long=(512, "pair"))),
    "bert-model-h96": ("BertModel", dict(hidden=96, heads=1, inner=61, layers=1, act="gelu_new",
                                         eps=1e-5, cased=True)),
    "bert-model-bf16-sharded": ("BertModel", dict(hidden=48, heads=2, inner=50, dtype="bfloat16",
                                                  shards=3)),
    "bert-model-legacy": ("BertModel", dict(hidden=40, heads=2, inner=33, legacy=True)),
    "bert-sentence-h72": ("BertModel", dict(hidden=72, heads=3, inner=50, layers=1, sentence=True)),
    "bert-seqcls-h100": ("BertForSequenceClassification",
                         dict(hidden=100, heads=4, inner=39, layers=1,
                              problem="single_label_classification",
                              labels=["negative", "neutral", "positive"])),
    "bert-seqcls-long-h40": ("BertForSequenceClassification",
                             dict(hidden=40, heads=5, inner=77, labels=["no", "yes"],
                                  long=("pair",))),
    "bert-seqcls-multi-h48": ("BertForSequenceClassification",
                              dict(hidden=48, heads=2, inner=60, dtype="float16",
                                   problem="multi_label_classification",
                                   labels=["news", "sport", "film", "city"])),
    "bert-seqcls-regression-h72": ("BertForSequenceClassification",
                                   dict(hidden=72, heads=3, inner=45, layers=1, act="relu",
                                        problem="regression", labels=["score"])),
    "bert-tokcls-h40": ("BertForTokenClassification",
                        dict(hidden=40, heads=5, inner=70, labels=BIO, long=(511,), words=True)),
    "bert-tokcls-h72": ("BertForTokenClassification",
                        dict(hidden=72, heads=3, inner=81, labels=BIO, words=True, cased=True)),
    "bert-qa-h40": ("BertForQuestionAnswering",
                    dict(hidden=40, heads=5, inner=70, long=("pair",), qa=True)),
    "bert-qa-h100": ("BertForQuestionAnswering",
                     dict(hidden=100, heads=4, inner=59, layers=1, qa=True)),
    "bert-mlm-tied-h40": ("BertForMaskedLM", dict(hidden=40, heads=5, inner=70, long=(512,),
                                                  mlm=True)),
    "bert-mlm-untied-h48": ("BertForMaskedLM", dict(hidden=48, heads=2, inner=61, tied=False,
                                                    mlm=True)),
    "bert-sentence-dense-h24": ("BertModel", dict(hidden=24, heads=2, inner=20, layers=1,
                                                  sentence=True, dense=(20, "Tanh"))),
}


def tokenizer_of(folder, cased, limit, pieces=None):
    pieces = pieces or (CASED if cased else PIECES)
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as f:
        f.writelines(p + "\n" for p in pieces)
    t = BertTokenizerFast(vocab={p: i for i, p in enumerate(pieces)}, do_lower_case=not cased,
                          model_max_length=limit)
    t.save_pretrained(folder)
    return t, len(pieces)


def rename_legacy(path):
    """The names of the oldest checkpoints: LayerNorm.gamma and beta, position_ids, a prefix."""
    tensors = {}
    for k, v in load_file(path).items():
        k = k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias",
                                                                     "LayerNorm.beta")
        tensors["bert." + k] = v
    n = tensors["bert.embeddings.position_embeddings.weight"].shape[0]
    tensors["bert.embeddings.position_ids"] = torch.arange(n).unsqueeze(0)
    save_file(tensors, path, {"format": "pt"})


def write_sentence(folder, width, dense):
    def put(name, value):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(value, f, indent=1)
            f.write("\n")
    kind = "sentence_transformers.models."
    names = ["Transformer", "Pooling"] + (["Dense"] if dense else []) + ["Normalize"]
    put("modules.json", [{"idx": i, "name": str(i), "path": "%d_%s" % (i, name) if i else "",
                          "type": kind + name} for i, name in enumerate(names)])
    if dense:
        put("2_Dense/config.json", {
            "in_features": width, "out_features": dense[0], "bias": True,
            "activation_function": "torch.nn.modules.activation." + dense[1]})
        torch.manual_seed(dense[0])
        save_file({"linear.weight": torch.randn(dense[0], width) / width ** 0.5,
                   "linear.bias": torch.randn(dense[0]) / 2},
                  os.path.join(folder, "2_Dense", "model.safetensors"), {"format": "pt"})
    put("1_Pooling/config.json", {
        "word_embedding_dimension": width, "pooling_mode_cls_token": False,
        "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False})
    put("sentence_bert_config.json", {"max_seq_length": 128, "do_lower_case": False})


def make_model(out, name, kind, o, seed):
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    limit = 512 if o.get("long") else 128
    tokenizer, n_pieces = tokenizer_of(folder, o.get("cased", False), limit)
    config = BertConfig(
        vocab_size=n_pieces, hidden_size=o["hidden"], num_attention_heads=o["heads"],
        intermediate_size=o["inner"], num_hidden_layers=o.get("layers", 2),
        max_position_embeddings=limit,
        hidden_act=o.get("act", "gelu"), layer_norm_eps=o.get("eps", 1e-12))
    if "labels" in o:
        config.id2label = dict(enumerate(o["labels"]))
        config.label2id = {y: i for i, y in enumerate(o["labels"])}
    if "problem" in o:
        config.problem_type = o["problem"]
    config.tie_word_embeddings = o.get("tied", True)
    model = getattr(transformers, kind)(config).eval()
    fill(model, seed)
    if "dtype" in o:
        model = model.to(getattr(torch, o["dtype"]))
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    model.save_pretrained(folder, max_shard_size=size // o["shards"] if "shards" in o else "1GB")
    if o.get("legacy"):
        rename_legacy(os.path.join(folder, "model.safetensors"))
    if o.get("sentence"):
        write_sentence(folder, o["hidden"], o.get("dense"))
    rng = random.Random(seed)
    cases = qa_cases(rng) if o.get("qa") else plain_cases(rng)
    if o.get("words"):
        cases += word_cases(rng)
    if o.get("mlm"):
        cases = [{"text": t} for t in ("The [MASK] runs in [MASK].", "[MASK]",
                                       "was the film good?", "Mary walk[MASK] on")] + cases[:6]
    if o.get("long"):
        cases += long_cases(rng, tokenizer, o["long"])
    with open(os.path.join(folder, "cases.jsonl"), "w", encoding="utf-8") as f:
        f.writelines(json.dumps(c, ensure_ascii=False) + "\n" for c in cases)
    tensors, _ = record(folder, cases, os.path.join(folder, "expected.safetensors"))
    peak = max((float(v.abs().max()) for k, v in tensors.items() if k.startswith("logits")),
               default=0)
    for place, _, files in os.walk(folder):
        for file in files:
            os.chmod(os.path.join(place, file), 0o644)
    print("%s: %d cases, largest logit %.2f" % (name, len(cases), peak))


def make(out):
    for seed, (name, (kind, o)) in enumerate(MODELS.items(), 1):
        make_model(out, name, kind, o, seed)
