# SPDX-License-Identifier: Apache-2.0
"""How well tiny masked language models find hidden tokens, by transformers:

    python golden_masked.py [OUT]

masked.json has for each model the texts; for each text, hidden together, how many tokens were
hidden and found, and their summed negative log-likelihood; hidden one at a time in turn (Salazar
et al., arXiv 1910.14659), how many and their sum.  Which tokens are hidden together follows the
rule of core/eval/masking.c, written here once more from its definition."""
import json
import os
import sys

import torch
import transformers
from transformers import AutoModelForMaskedLM, AutoTokenizer

ALL = 2 ** 64 - 1
SEED, SHARE = 1, 0.15
TEXTS = ["the cat sat on the mat.", "Mary was not walking in New York, the old film was very good!",
         "john", "who runs in paris? the dog.", "the [MASK] sat",
         " ".join(["the good old dog was in london and the cat sat on a new mat"] * 7)]


def mix(x):
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & ALL
    x = (x ^ x >> 27) * 0x94d049bb133111eb & ALL
    return x ^ x >> 31


def chance(draw, what):
    return (mix(mix(draw) + what * 0x9e3779b97f4a7c15 & ALL) >> 11) * 2.0 ** -53


def hide(ids, special, mask, n_vocab, draw):
    """The ids with some of them hidden, and the places of these."""
    def put(t):
        how, which = chance(draw, 3 * t + 1), chance(draw, 3 * t + 2)
        if how < 0.8:
            out[t] = mask
        elif how < 0.9:
            out[t] = int(which * n_vocab)

    out = list(ids)
    chosen = [t for t in range(len(ids)) if not special[t] and chance(draw, 3 * t) < SHARE]
    chosen = chosen or [t for t in range(len(ids)) if not special[t]][:1]
    for t in chosen:
        put(t)
    return out, [t for t in chosen if ids[t] != mask]


def text_case(model, tokenizer, text, draw):
    # A mask that stands in the text is marked special, too, but may be chosen.
    coded = tokenizer(text)
    ids = coded["input_ids"]
    special = [t == 0 or t == len(ids) - 1 for t in range(len(ids))]
    hidden, places = hide(ids, special, tokenizer.mask_token_id, len(tokenizer), draw)
    with torch.no_grad():
        log_p = torch.log_softmax(model(torch.tensor([hidden])).logits[0].double(), -1)
        alone = [t for t in range(len(ids))
                 if not special[t] and ids[t] != tokenizer.mask_token_id]
        batch = torch.tensor([ids] * len(alone))
        for i, t in enumerate(alone):
            batch[i, t] = tokenizer.mask_token_id
        each = torch.log_softmax(model(batch).logits.double(), -1)
    return {"text": text, "together": len(places),
            "right": sum(int(log_p[t].argmax()) == ids[t] for t in places),
            "together_nll": -sum(float(log_p[t, ids[t]]) for t in places), "alone": len(alone),
            "alone_nll": -sum(float(each[i, t, ids[t]]) for i, t in enumerate(alone))}


def model_case(here, name):
    model = AutoModelForMaskedLM.from_pretrained(os.path.join(here, name)).eval().double()
    tokenizer = AutoTokenizer.from_pretrained(os.path.join(here, name))
    return {"model": name, "texts": [text_case(model, tokenizer, text, (mix(SEED) + i) & ALL)
                                     for i, text in enumerate(TEXTS)]}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else here
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    cases = [model_case(here, n) for n in ("bert-mlm-tied-h40", "bert-mlm-untied-h48")]
    with open(os.path.join(out, "masked.json"), "w") as f:
        json.dump({"made_with": made, "seed": SEED, "share": SHARE, "models": cases}, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
