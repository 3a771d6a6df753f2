# SPDX-License-Identifier: Apache-2.0
"""Tiny random directories of the families of BERT's shape (RoBERTa, XLM-R, CamemBERT, DistilBERT,
ELECTRA, ALBERT, MPNet), one for each class, with recorded outputs.  Positions are few, so that one
text is as long as a model takes and another is cut."""
import json
import os
import random
import shutil

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers.processors import TemplateProcessing

from golden_distances import MASKED, fill
from golden_models import BIO, PIECES, plain_cases, qa_cases, text_of, tokenizer_of, word_cases
from record import record

LIMIT = 48
BERT = dict(hidden_size=24, num_attention_heads=2, intermediate_size=21, num_hidden_layers=2,
            type_vocab_size=1)
DISTIL = dict(dim=24, n_heads=2, hidden_dim=21, n_layers=2)
ELECTRA = dict(BERT, type_vocab_size=2, embedding_size=18)
ALBERT = dict(ELECTRA, num_hidden_layers=5, num_hidden_groups=2, inner_group_num=2,
              hidden_act="gelu_new")
MPNET = dict(hidden_size=24, num_attention_heads=2, intermediate_size=21, num_hidden_layers=2)
FAR = dict(limit=180)  # tokens; from 128 on all distances are alike
# name: class, options of the config, other options
MODELS = {
    "roberta-model-h24": ("RobertaModel", BERT, dict()),
    "roberta-model-legacy-h20": ("RobertaModel",
                                 dict(BERT, hidden_size=20, num_attention_heads=1,
                                      type_vocab_size=2, pad_token_id=7), dict(legacy=True)),
    "xlm-roberta-seqcls-h30": ("XLMRobertaForSequenceClassification",
                               dict(BERT, hidden_size=30, num_attention_heads=3,
                                    layer_norm_eps=1e-5),
                               dict(labels=["no", "yes", "both"], lengths=(LIMIT, LIMIT + 9))),
    "camembert-tokcls-h20": ("CamembertForTokenClassification",
                             dict(BERT, hidden_size=20, num_attention_heads=5,
                                  hidden_act="gelu_new"), dict(labels=BIO, words=True)),
    "roberta-qa-h24": ("RobertaForQuestionAnswering", dict(BERT, hidden_act="relu"), dict(qa=True)),
    "xlm-roberta-mlm-tied-h24": ("XLMRobertaForMaskedLM", BERT, dict(mlm=True)),
    "roberta-mlm-untied-h20": ("RobertaForMaskedLM",
                               dict(BERT, hidden_size=20, num_attention_heads=1, hidden_act="silu",
                                    tie_word_embeddings=False), dict(mlm=True)),
    "distilbert-model-h20": ("DistilBertModel", dict(DISTIL, dim=20, n_heads=1, activation="relu"),
                             dict()),
    "distilbert-seqcls-h24": ("DistilBertForSequenceClassification", DISTIL,
                              dict(labels=["no", "yes"], lengths=(LIMIT, LIMIT + 1))),
    "distilbert-tokcls-h30": ("DistilBertForTokenClassification", dict(DISTIL, dim=30, n_heads=3),
                              dict(labels=BIO, words=True)),
    "distilbert-qa-h24": ("DistilBertForQuestionAnswering", DISTIL, dict(qa=True)),
    "distilbert-mlm-tied-h24": ("DistilBertForMaskedLM", dict(DISTIL, activation="gelu_new"),
                                dict(mlm=True)),
    "distilbert-mlm-untied-h20": ("DistilBertForMaskedLM",
                                  dict(DISTIL, dim=20, tie_word_embeddings=False), dict(mlm=True)),
    "electra-model-h24": ("ElectraModel", dict(ELECTRA, embedding_size=24), dict()),
    "electra-seqcls-h30": ("ElectraForSequenceClassification",
                           dict(ELECTRA, hidden_size=30, num_attention_heads=3, hidden_act="relu"),
                           dict(labels=["score"])),
    "electra-tokcls-h24": ("ElectraForTokenClassification", ELECTRA, dict(labels=BIO, words=True)),
    "electra-qa-h20": ("ElectraForQuestionAnswering",
                       dict(ELECTRA, hidden_size=20, num_attention_heads=1), dict(qa=True)),
    "electra-mlm-tied-h24": ("ElectraForMaskedLM", dict(ELECTRA, hidden_act="silu"),
                             dict(mlm=True)),
    "electra-mlm-untied-h24": ("ElectraForMaskedLM", dict(ELECTRA, tie_word_embeddings=False),
                               dict(mlm=True)),
    "albert-model-h24": ("AlbertModel", ALBERT, dict()),
    "albert-seqcls-h20": ("AlbertForSequenceClassification",
                          dict(ALBERT, hidden_size=20, embedding_size=20, num_attention_heads=1,
                               num_hidden_layers=3, num_hidden_groups=1, inner_group_num=1),
                          dict(labels=["no", "yes", "both"])),
    "albert-tokcls-h30": ("AlbertForTokenClassification",
                          dict(ALBERT, hidden_size=30, num_attention_heads=3, num_hidden_layers=4,
                               num_hidden_groups=3, inner_group_num=1, hidden_act="relu"),
                          dict(labels=BIO, words=True)),
    "albert-qa-h24": ("AlbertForQuestionAnswering",
                      dict(ALBERT, num_hidden_layers=4, inner_group_num=1), dict(qa=True)),
    "albert-mlm-tied-h24": ("AlbertForMaskedLM", dict(ALBERT, num_hidden_groups=1), dict(mlm=True)),
    "albert-mlm-untied-h24": ("AlbertForMaskedLM",
                              dict(ALBERT, num_hidden_groups=1, inner_group_num=1,
                                   tie_word_embeddings=False, hidden_act="gelu"), dict(mlm=True)),
    "mpnet-model-h24": ("MPNetModel", MPNET, dict(FAR, lengths=(17, 128, 180))),
    "mpnet-seqcls-h30": ("MPNetForSequenceClassification",
                         dict(MPNET, hidden_size=30, num_attention_heads=3),
                         dict(labels=["no", "yes", "both"], lengths=(LIMIT, LIMIT + 5))),
    "mpnet-tokcls-h20": ("MPNetForTokenClassification",
                         dict(MPNET, hidden_size=20, num_attention_heads=5, hidden_act="relu",
                              relative_attention_num_buckets=40), dict(labels=BIO, words=True)),
    "mpnet-qa-h24": ("MPNetForQuestionAnswering", MPNET, dict(qa=True)),
    "mpnet-mlm-tied-h24": ("MPNetForMaskedLM", MPNET, dict(mlm=True)),
    "mpnet-mlm-untied-h20": ("MPNetForMaskedLM",
                             dict(MPNET, hidden_size=20, num_attention_heads=1,
                                  tie_word_embeddings=False), dict(mlm=True)),
}
OFFSET = ("roberta", "xlm-roberta", "camembert", "mpnet")  # positions begin behind padding's


def tokenizer_like_roberta(folder, padding, limit):
    """BERT's pieces, with padding at `padding`, and RoBERTa's templates: one segment, and two
    separators between texts."""
    pieces = [p for p in PIECES if p not in ("[CLS]", "[PAD]", "[SEP]")]
    pieces = ["[CLS]", "[SEP]"] + pieces
    pieces.insert(padding, "[PAD]")
    t, n = tokenizer_of(folder, False, limit, pieces)
    ids = [(p, pieces.index(p)) for p in ("[CLS]", "[SEP]")]
    t.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] [SEP] $B:0 [SEP]:0", special_tokens=ids)
    t = transformers.PreTrainedTokenizerFast(
        tokenizer_object=t.backend_tokenizer, model_max_length=limit, unk_token="[UNK]",
        cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]")
    t.save_pretrained(folder)
    return t, n


def rename_legacy(path, prefix):
    """The names of the oldest checkpoints: LayerNorm.gamma and beta, behind a prefix."""
    tensors = {prefix + k.replace("LayerNorm.weight", "LayerNorm.gamma")
               .replace("LayerNorm.bias", "LayerNorm.beta"): v for k, v in load_file(path).items()}
    save_file(tensors, path, {"format": "pt"})


def cases_of(o, rng, tokenizer):
    cases = qa_cases(rng)[:4] if o.get("qa") else plain_cases(rng)[::2]
    if o.get("words"):
        cases += word_cases(rng)
    if o.get("mlm"):
        cases = [{"text": t} for t in MASKED] + cases[1:3] + cases[-1:]
    return cases + [{"text": text_of(rng, n, tokenizer)} for n in o.get("lengths", (LIMIT,))]


def config_of(kind, options, o, tokenizer, n_pieces):
    family = getattr(transformers, kind).config_class
    first = tokenizer.pad_token_id + 1 if family.model_type in OFFSET else 0
    config = family(vocab_size=n_pieces, max_position_embeddings=o.get("limit", LIMIT) + first,
                    **{"pad_token_id": tokenizer.pad_token_id, "bos_token_id": None,
                       "eos_token_id": None, **options})
    if "labels" in o:
        config.id2label = dict(enumerate(o["labels"]))
        config.label2id = {y: i for i, y in enumerate(o["labels"])}
    return config


def make_model(out, name, kind, options, o, seed):
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    limit = o.get("limit", LIMIT)
    if getattr(transformers, kind).config_class.model_type in OFFSET:
        tokenizer, n_pieces = tokenizer_like_roberta(folder, options.get("pad_token_id", 1), limit)
    else:
        tokenizer, n_pieces = tokenizer_of(folder, False, limit)
    os.remove(os.path.join(folder, "vocab.txt"))
    model = getattr(transformers, kind)(config_of(kind, options, o, tokenizer, n_pieces)).eval()
    fill(model, seed)
    model.save_pretrained(folder)
    if o.get("legacy"):
        rename_legacy(os.path.join(folder, "model.safetensors"), model.base_model_prefix + ".")
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


def make(out, only=None):
    torch.manual_seed(1)
    for seed, (name, (kind, options, o)) in enumerate(MODELS.items(), 61):
        if not only or name.startswith(only):
            make_model(out, name, kind, options, o, seed)
