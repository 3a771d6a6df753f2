# SPDX-License-Identifier: Apache-2.0
"""Tiny random directories of the families whose attention looks at distances (ModernBERT, DeBERTa,
NomicBERT), one for each class, with recorded outputs.  Windows and buckets are small, so that
short texts cross their edges; one text is longer than the blocks that kernels work in."""
import json
import os
import random
import shutil

import torch
import transformers
from transformers import DebertaV2Config, ModernBertConfig, NomicBertConfig

from golden_models import BIO, plain_cases, qa_cases, text_of, tokenizer_of, word_cases
from record import record

LIMIT = 320
MASKED = ("The [MASK] runs in [MASK].", "[MASK]", "was the film good?", "Mary walk[MASK] on")
MODERN = dict(hidden_size=24, num_attention_heads=2, intermediate_size=21, num_hidden_layers=3,
              local_attention=8, global_rope_theta=900.0, local_rope_theta=50.0)
DEBERTA = dict(hidden_size=24, num_attention_heads=2, intermediate_size=21, num_hidden_layers=2,
               hidden_act="gelu", layer_norm_eps=1e-7, relative_attention=True, position_buckets=8,
               max_relative_positions=20, norm_rel_ebd="layer_norm", share_att_key=True,
               pos_att_type="p2c|c2p", position_biased_input=False, type_vocab_size=0,
               pooler_hidden_act="gelu", pooler_dropout=0.1)
OWN_KEYS = dict(DEBERTA, share_att_key=False, norm_rel_ebd="none")
NOMIC = dict(hidden_size=24, num_attention_heads=2, intermediate_size=21, num_hidden_layers=2)
# name: class, options of the config, other options
MODELS = {
    "modernbert-model-h24": ("ModernBertModel", MODERN, dict(lengths=(4, 5, 6, 9, 10, 290))),
    "modernbert-seqcls-h24": ("ModernBertForSequenceClassification",
                              dict(MODERN, classifier_pooling="cls", norm_bias=True),
                              dict(labels=["no", "yes", "both"], lengths=(17, 142))),
    "modernbert-seqcls-mean-h36": ("ModernBertForSequenceClassification",
                                   dict(MODERN, hidden_size=36, num_attention_heads=3,
                                        intermediate_size=10, local_attention=5, global_attn_every_n_layers=2,
                                        classifier_pooling="mean", classifier_bias=True,
                                        classifier_activation="silu"),
                                   dict(labels=["score"], older=True, lengths=(129,))),
    "modernbert-tokcls-h30": ("ModernBertForTokenClassification",
                              dict(MODERN, hidden_size=30, num_attention_heads=3,
                                   attention_bias=True, mlp_bias=True,
                                   hidden_activation="gelu_new"),
                              dict(labels=BIO, words=True)),
    "modernbert-qa-h24": ("ModernBertForQuestionAnswering", MODERN, dict(qa=True)),
    "modernbert-mlm-tied-h24": ("ModernBertForMaskedLM", MODERN, dict(mlm=True)),
    "modernbert-mlm-untied-h20": ("ModernBertForMaskedLM",
                                  dict(MODERN, hidden_size=20, num_attention_heads=1,
                                       decoder_bias=False, tie_word_embeddings=False,
                                       num_hidden_layers=2), dict(mlm=True)),
    "deberta-model-h24": ("DebertaV2Model", DEBERTA,
                          dict(lengths=(4, 5, 6, 20, 21, 22, 129, 150))),
    "deberta-model-conv-h21": ("DebertaV2Model",
                               dict(OWN_KEYS, hidden_size=21, num_attention_heads=1,
                                    conv_kernel_size=3, conv_act="gelu", embedding_size=15),
                               dict(lengths=(3,))),
    "deberta-seqcls-h24": ("DebertaV2ForSequenceClassification", DEBERTA,
                           dict(labels=["no", "yes", "both"], lengths=(33, 71))),
    "deberta-seqcls-plain-h20": ("DebertaV2ForSequenceClassification",
                                 dict(DEBERTA, hidden_size=20, relative_attention=False,
                                      position_biased_input=True, type_vocab_size=2,
                                      pooler_hidden_act="tanh"), dict(labels=["score"])),
    "deberta-tokcls-c2p-h30": ("DebertaV2ForTokenClassification",
                               dict(OWN_KEYS, hidden_size=30, num_attention_heads=3,
                                    pos_att_type=["c2p"], position_buckets=-1,
                                    max_relative_positions=7, type_vocab_size=2),
                               dict(labels=BIO, words=True)),
    "deberta-qa-p2c-h24": ("DebertaV2ForQuestionAnswering",
                           dict(OWN_KEYS, pos_att_type=["p2c"], position_buckets=16,
                                max_relative_positions=-1), dict(qa=True)),
    "deberta-mlm-h24": ("DebertaV2ForMaskedLM", dict(DEBERTA, legacy=False,
                                                      tie_word_embeddings=False), dict(mlm=True)),
    "deberta-mlm-legacy-h24": ("DebertaV2ForMaskedLM", dict(OWN_KEYS, embedding_size=16),
                               dict(mlm=True)),
    "nomic-model-h24": ("NomicBertModel", NOMIC, dict(lengths=(129,))),
    "nomic-seqcls-h30": ("NomicBertForSequenceClassification",
                         dict(NOMIC, hidden_size=30, num_attention_heads=3),
                         dict(labels=["no", "yes", "both"])),
    "nomic-tokcls-h24": ("NomicBertForTokenClassification", NOMIC, dict(labels=BIO, words=True)),
    "nomic-mlm-h24": ("NomicBertForMaskedLM", NOMIC, dict(mlm=True)),
}


def fill(model, seed):
    """Weights that give logits of about 1: norms about 1, biases small, the rest by its width."""
    g = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        r = torch.randn(p.shape, generator=g)
        if "norm" in name.lower() and name.endswith("weight"):
            p.data = 1 + 0.2 * r
        elif p.dim() == 1:
            p.data = 0.2 * r
        elif "embeddings" in name:
            p.data = 0.7 * r
        elif p.dim() == 3:
            p.data = r * (1.3 / (p.shape[1] * p.shape[2]) ** 0.5)
        else:
            p.data = r * (1.3 / p.shape[1] ** 0.5)
    model.tie_weights()


def older_form(path):
    """config.json as transformers 4 wrote it."""
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    rope = config.pop("rope_parameters")
    config.pop("layer_types")
    config["global_rope_theta"] = rope["full_attention"]["rope_theta"]
    config["local_rope_theta"] = rope["sliding_attention"]["rope_theta"]
    config["global_attn_every_n_layers"] = 2
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f, indent=2)
        f.write("\n")


def cases_of(o, rng, tokenizer):
    cases = qa_cases(rng) if o.get("qa") else plain_cases(rng)[::2]
    if o.get("words"):
        cases += word_cases(rng)
    if o.get("mlm"):
        cases = [{"text": t} for t in MASKED] + cases[1:3] + cases[-1:]
    return cases + [{"text": text_of(rng, n, tokenizer)} for n in o.get("lengths", ())]


def make_model(out, name, kind, options, o, seed):
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    tokenizer, n_pieces = tokenizer_of(folder, False, LIMIT)
    os.remove(os.path.join(folder, "vocab.txt"))
    special = {k + "_token_id": v for k, v in dict(pad=0, cls=2, bos=2, sep=3, eos=3).items()}
    family = {"modernbert": ModernBertConfig, "deberta": DebertaV2Config,
              "nomic": NomicBertConfig}[name.split("-")[0]]
    config = family(vocab_size=n_pieces, max_position_embeddings=LIMIT, **special,
                    **options)
    if "labels" in o:
        config.id2label = dict(enumerate(o["labels"]))
        config.label2id = {y: i for i, y in enumerate(o["labels"])}
    model = getattr(transformers, kind)(config).eval()
    fill(model, seed)
    model.save_pretrained(folder)
    if o.get("older"):
        older_form(os.path.join(folder, "config.json"))
    cases = cases_of(o, random.Random(seed), tokenizer)
    with open(os.path.join(folder, "cases.jsonl"), "w", encoding="utf-8") as f:
        f.writelines(json.dumps(c, ensure_ascii=False) + "\n" for c in cases)
    tensors, _ = record(folder, cases, os.path.join(folder, "expected.safetensors"))
    peak = max((float(v.abs().max()) for k, v in tensors.items() if k.startswith("logits")),
               default=0)
    for file in os.listdir(folder):
        if file.endswith(".safetensors"):
            os.chmod(os.path.join(folder, file), 0o644)
    print("%s: %d cases, largest logit %.2f" % (name, len(cases), peak))


def make(out):
    for seed, (name, (kind, options, o)) in enumerate(MODELS.items(), 31):
        make_model(out, name, kind, options, o, seed)
