# SPDX-License-Identifier: Apache-2.0
"""Texts that are longer than the tiny models take, as `transformers` truncates them; the
models of golden_models.py must be there."""
import os
import sys

LONG = "the cat sat in New York " * 400
CASES = {"bert-qa-h40": [{"text": "who walks in Paris?", "pair": LONG},
                         {"text": "who walks in Paris? " * 300, "pair": LONG}],
         "bert-tokcls-h40": [{"text": LONG}, {"words": LONG.split()}],
         "bert-seqcls-long-h40": [{"text": LONG, "pair": "the dog runs"}]}


def make(out):
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.join(here, "..", "..", "examples"))
    from record import record
    os.makedirs(os.path.join(out, "truncated"), exist_ok=True)
    for name, cases in CASES.items():
        record(os.path.join(here, name), cases,
               os.path.join(out, "truncated", name + ".safetensors"),
               keep=("ids", "type_ids", "offsets", "logits"))
