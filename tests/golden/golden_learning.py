# SPDX-License-Identifier: Apache-2.0
"""Twenty steps of AdamW as in golden_training.py, of one class of each family beside BERT."""
import importlib.metadata
import json
import os

import torch
import transformers
from transformers import AutoModelForSequenceClassification

from golden_losses import load
from golden_training import OUT, TEXTS, job, train, write

LABELS = {"negative": "no", "neutral": "both", "positive": "yes"}
TWO = {"negative": "no", "neutral": "no", "positive": "yes"}
NUMBERS = {"negative": "-1", "neutral": "0", "positive": "1.5"}
MODELS = {"albert-seqcls-h20": LABELS, "deberta-seqcls-h24": LABELS, "distilbert-seqcls-h24": TWO,
          "electra-seqcls-h30": NUMBERS, "modernbert-seqcls-h24": LABELS,
          "mpnet-seqcls-h30": LABELS, "nomic-seqcls-h30": LABELS, "xlm-roberta-seqcls-h30": LABELS}


def learn(name, golds):
    model, tokenizer = load(AutoModelForSequenceClassification, name)
    data = {id(LABELS): "three.tsv", id(TWO): "two.tsv", id(NUMBERS): "numbers.tsv"}[id(golds)]
    write(data, "".join(f"{t}\t{golds[label]}\n" for t, label in TEXTS))
    job(name, "../" + name, data)

    def loss_of(i):
        text, gold = TEXTS[i][0], golds[TEXTS[i][1]]
        target = torch.tensor([float(gold)]).double() if golds is NUMBERS else \
            torch.tensor([model.config.label2id[gold]])
        return model(**tokenizer(text, return_tensors="pt"), labels=target).loss
    return train(model, loss_of, len(TEXTS))


def main():
    torch.set_num_threads(1)
    made = {"torch": torch.__version__, "transformers": transformers.__version__,
            "tokenizers": importlib.metadata.version("tokenizers")}
    losses = {name: learn(name, golds) for name, golds in MODELS.items()}
    for name, steps in losses.items():
        print("%s: %.4f to %.4f" % (name, sum(steps[:4]) / 4, sum(steps[-4:]) / 4))
    with open(os.path.join(OUT, "learning.json"), "w", encoding="utf-8") as out:
        json.dump({"made_with": made, "losses": losses}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
