# SPDX-License-Identifier: Apache-2.0
"""Losses of the recorded models and their gradients by PyTorch, in double precision and without
dropout: of each gradient its Euclidean norm and its product with cos(1 + 0.7 i).  The CRF is
pytorch-crf's with -1e9 where the BIO scheme forbids an edge; its head is written too."""
import importlib.metadata
import inspect
import json
import os

import torch
import transformers
from safetensors.torch import save_file
from torchcrf import CRF
from transformers import (AutoModelForMaskedLM, AutoModelForQuestionAnswering,
                          AutoModelForSequenceClassification, AutoModelForTokenClassification,
                          AutoTokenizer, BertModel)

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = ["The cat sat on the mat.", "John was not walking in New York!", "a very good film"]
PAIRS = [("who runs?", "The dog runs in Paris.", (4, 7)),
         ("where is John?", "John walked in New York. Mary was in London.", (15, 23)),
         ("is the film good?", "the film was not very good, the old one was", None)]
WORDS = [("John walked in New York .".split(), [1, 0, 0, 3, 4, 0]),
         ("Mary and the newly old dog".split(), [1, 0, 0, 0, 0, 1])]


def load(cls, name):
    path = os.path.join(HERE, name)
    model = cls.from_pretrained(path, attn_implementation="eager").double().eval()
    accepts = inspect.signature(model.forward).parameters
    tokenizer = AutoTokenizer.from_pretrained(path)
    tokenizer.model_input_names = [n for n in tokenizer.model_input_names if n in accepts]
    return model, tokenizer


def finish(name, model, loss, count, inputs):
    loss.backward()
    grads = {}
    for key, p in model.named_parameters():
        if p.grad is None:
            continue
        g = p.grad.flatten()
        ramp = torch.cos(1 + 0.7 * torch.arange(len(g), dtype=torch.float64))
        prefix = getattr(model, "base_model_prefix", "bert") + "."
        grads[key.removeprefix(prefix)] = [g.norm().item(), (g * ramp).sum().item()]
    return {"model": name, "inputs": inputs, "loss": loss.item(), "count": count, "grads": grads}


def classify(name, golds, loss_of):
    model, tokenizer = load(AutoModelForSequenceClassification, name)
    rows = [model(**tokenizer(t, return_tensors="pt")).logits[0] for t in TEXTS]
    loss, count = loss_of(torch.stack(rows), golds)
    key = "label" if isinstance(golds[0], (int, float)) else "labels"
    return finish(name, model, loss, count, [{"text": t, key: g} for t, g in zip(TEXTS, golds)])


def single(logits, golds):
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(golds), reduction="sum")
    return loss, len(golds)


def multi(logits, golds):
    target = torch.zeros_like(logits)
    for row, labels in zip(target, golds):
        row[labels] = 1
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    return loss, logits.numel()


def regress(logits, golds):
    loss = torch.nn.functional.mse_loss(logits[:, 0], torch.tensor(golds).double(), reduction="sum")
    return loss, len(golds)


def tag(name):
    model, tokenizer = load(AutoModelForTokenClassification, name)
    names = [model.config.id2label[i] for i in range(model.config.num_labels)]
    loss, count, inputs = 0, 0, []
    for words, tags in WORDS:
        batch = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        labels, before = [], None
        for word in batch.word_ids():
            labels.append(-100 if word is None or word == before else tags[word])
            before = word
        n = sum(label >= 0 for label in labels)
        loss = loss + model(**batch, labels=torch.tensor([labels])).loss * n
        count += n
        inputs.append({"words": words, "tags": [names[t] for t in tags]})
    return finish(name, model, loss, count, inputs)


def answer(name):
    model, tokenizer = load(AutoModelForQuestionAnswering, name)
    loss, inputs = 0, []
    for question, context, span in PAIRS:
        batch = tokenizer(question, context, return_tensors="pt")
        first = last = 0
        if span:
            first = batch.char_to_token(span[0], sequence_index=1)
            last = batch.char_to_token(span[1] - 1, sequence_index=1)
        loss = loss + model(**batch, start_positions=torch.tensor([first]),
                            end_positions=torch.tensor([last])).loss
        inputs.append({"text": question, "pair": context, "answer": list(span) if span else []})
    return finish(name, model, loss, len(PAIRS), inputs)


def fill(name):
    model, tokenizer = load(AutoModelForMaskedLM, name)
    loss, count, inputs = 0, 0, []
    for text in TEXTS:
        batch = tokenizer(text, return_tensors="pt")
        hidden = [1 if i % 3 == 1 and i + 1 < batch["input_ids"].shape[1] else 0
                  for i in range(batch["input_ids"].shape[1])]
        ids = [i if h else -1 for i, h in zip(batch["input_ids"][0].tolist(), hidden)]
        labels = torch.tensor([[i if i >= 0 else -100 for i in ids]])
        batch["input_ids"][labels >= 0] = tokenizer.mask_token_id
        loss = loss + model(**batch, labels=labels).loss * sum(hidden)
        count += sum(hidden)
        inputs.append({"text": text, "ids": ids})
    return finish(name, model, loss, count, inputs)


def forbid(crf, labels):
    """Edges that the BIO scheme does not have."""
    with torch.no_grad():
        for j, label in enumerate(labels):
            if not label.startswith("I-"):
                continue
            crf.start_transitions[j] = -1e9
            for i, before in enumerate(labels):
                if before[2:] != label[2:]:
                    crf.transitions[i, j] = -1e9


def chain(name, head):
    """A linear layer over each word's first token, and a CRF."""
    model, tokenizer = load(BertModel, name)
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    torch.manual_seed(5)
    tensors = {"classifier.weight": torch.randn(5, model.config.hidden_size) / 4,
               "classifier.bias": torch.randn(5) / 4, "crf.start_transitions": torch.randn(5) / 2,
               "crf.end_transitions": torch.randn(5) / 2, "crf.transitions": torch.randn(5, 5) / 2}
    save_file(tensors, os.path.join(HERE, head + ".safetensors"),
              {"tenon": json.dumps({"labels": labels})})
    with open(os.path.join(HERE, head + ".cfg"), "w", encoding="utf-8") as out:
        out.write(f'model = "{name}";\n'
                  f'heads = {{ tags = {{ use = "bio-crf"; weights = "{head}.safetensors"; }}; '
                  '};\n')
    top = torch.nn.Module()
    top.bert, top.classifier = model, torch.nn.Linear(model.config.hidden_size, 5)
    top.crf = CRF(5, batch_first=True)
    top.load_state_dict({**{"bert." + k: v for k, v in model.state_dict().items()}, **tensors})
    top.double()
    forbid(top.crf, labels)
    loss, inputs = 0, []
    for words, tags in WORDS:
        batch = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        ids = batch.word_ids()
        first = [ids.index(w) for w in range(len(words))]
        emissions = top.classifier(model(**batch).last_hidden_state[0, first])
        loss = loss - top.crf(emissions[None], torch.tensor([tags]), reduction="sum")
        inputs.append({"words": words, "tags": [labels[t] for t in tags]})
    return finish(head + ".cfg", top, loss, len(WORDS), inputs)


def main():
    cases = [classify("bert-seqcls-long-h40", [1, 0, 1], single),
             classify("bert-seqcls-multi-h48", [[0], [], [1, 2]], multi),
             classify("bert-seqcls-regression-h72", [0.5, -1.25, 2], regress),
             tag("bert-tokcls-h40"), answer("bert-qa-h40"), fill("bert-mlm-tied-h40"),
             chain("bert-model-h40", "losses-crf"),
             classify("modernbert-seqcls-h24", [1, 0, 2], single),
             classify("modernbert-seqcls-mean-h36", [0.5, -1.25, 2], regress),
             tag("modernbert-tokcls-h30"), answer("modernbert-qa-h24"),
             fill("modernbert-mlm-tied-h24"),
             classify("deberta-seqcls-h24", [1, 0, 2], single), tag("deberta-tokcls-c2p-h30"),
             answer("deberta-qa-p2c-h24"), fill("deberta-mlm-h24"), fill("deberta-mlm-legacy-h24"),
             classify("xlm-roberta-seqcls-h30", [1, 0, 2], single),
             answer("distilbert-qa-h24"), fill("electra-mlm-tied-h24"), tag("albert-tokcls-h30"),
             classify("mpnet-seqcls-h30", [1, 0, 2], single)]
    made = {"torch": torch.__version__, "transformers": transformers.__version__,
            "pytorch-crf": importlib.metadata.version("pytorch-crf")}
    with open(os.path.join(HERE, "losses.json"), "w", encoding="utf-8") as out:
        json.dump({"made_with": made, "cases": cases}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
