# SPDX-License-Identifier: Apache-2.0
"""Tiny random directories of EuroBERT, the family of the plugin in examples/eurobert, with recorded
outputs: each class, each way to make one row of a text, with biases and without."""
import os
import random
import shutil

import torch
import transformers

from golden_distances import fill
from golden_families import cases_of, config_of
from golden_models import tokenizer_of
from record import record

LLAMA = dict(hidden_size=24, num_attention_heads=4, num_key_value_heads=2, intermediate_size=13,
             num_hidden_layers=2, rope_parameters={"rope_type": "default", "rope_theta": 400.0})
SMALL = dict(LLAMA, hidden_size=8, num_attention_heads=2, num_key_value_heads=1,
             num_hidden_layers=1)
# name: class, options of the config, other options
MODELS = {
    "late": ("EuroBertForSequenceClassification", LLAMA, dict(labels=["no", "yes", "both"])),
    "mean": ("EuroBertForSequenceClassification", dict(SMALL, classifier_pooling="mean"),
             dict(labels=["no", "yes"])),
    "bos": ("EuroBertForSequenceClassification", dict(SMALL, classifier_pooling="bos"),
            dict(labels=["no", "yes"])),
    "tokcls": ("EuroBertForTokenClassification", dict(SMALL, num_key_value_heads=2,
                                                      attention_bias=True, mlp_bias=True),
               dict(labels=["O", "B-LOC", "I-LOC"], words=True)),
    "mlm": ("EuroBertForMaskedLM", dict(SMALL, tie_word_embeddings=True), dict(mlm=True)),
}
KEPT = ("ids", "offsets", "hidden", "logits")


def make(out):
    torch.manual_seed(1)
    for seed, (name, (kind, options, o)) in enumerate(MODELS.items(), 201):
        folder = os.path.join(out, "eurobert", name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        tokenizer, n_pieces = tokenizer_of(folder, False, 48)
        os.remove(os.path.join(folder, "vocab.txt"))
        model = getattr(transformers, kind)(config_of(kind, options, o, tokenizer, n_pieces)).eval()
        fill(model, seed)
        model.save_pretrained(folder)
        cases = cases_of(o, random.Random(seed), tokenizer)
        record(folder, cases[::2], os.path.join(folder, "expected.safetensors"), KEPT)
        os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
