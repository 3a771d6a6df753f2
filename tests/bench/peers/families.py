# SPDX-License-Identifier: Apache-2.0
"""Models of base size with random weights, a family each; "base" is BERT's."""
import json
import os
import shutil

SHAPE = {"vocab_size": 30522, "hidden_size": 768, "num_attention_heads": 12,
         "num_hidden_layers": 12, "intermediate_size": 3072, "pad_token_id": 0,
         "position_embedding_type": "absolute"}      # which CTranslate2 asks for
MARKS = {"bos_token_id": 101, "cls_token_id": 101, "eos_token_id": 102, "sep_token_id": 102}
# Of transformers: the name of the configuration, and what it gets beside SHAPE.
FAMILIES = {
    "base": ("BertConfig", {}),
    "roberta": ("RobertaConfig", {"pad_token_id": 1, "max_position_embeddings": 514,
                                  "type_vocab_size": 1}),
    "distilbert": ("DistilBertConfig", {}),
    "electra": ("ElectraConfig", {"embedding_size": 768}),
    "albert": ("AlbertConfig", {"embedding_size": 128}),
    "mpnet": ("MPNetConfig", {"pad_token_id": 1, "max_position_embeddings": 514}),
    "deberta-v3": ("DebertaV2Config", {
        "relative_attention": True, "position_buckets": 256, "norm_rel_ebd": "layer_norm",
        "share_att_key": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False,
        "type_vocab_size": 0}),
    "modernbert": ("ModernBertConfig", {"num_hidden_layers": 22, "intermediate_size": 1152,
                                        "max_position_embeddings": 8192, **MARKS}),
    "nomic-bert": ("NomicBertConfig", {"max_position_embeddings": 2048}),
}
OF_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt",
                "modules.json", "sentence_bert_config.json")


def make(family, tokenizer_dir, folder):
    """A model directory with the tokenizer and the mean pooling of another.  Weights are drawn
    wide enough for the vectors of different texts to differ."""
    if os.path.exists(os.path.join(folder, "model.safetensors")):
        return
    import torch
    import transformers
    name, more = FAMILIES[family]
    shape = getattr(transformers, name)(**{**SHAPE, "initializer_range": 0.05, **more})
    torch.manual_seed(1)
    model = transformers.AutoModel.from_config(shape)
    for parameter, tensor in model.named_parameters():
        if parameter.endswith("bias"):
            torch.nn.init.normal_(tensor, std=0.05)
    shape.architectures = [type(model).__name__]
    model.save_pretrained(folder)
    for file in OF_TOKENIZER:
        if os.path.exists(os.path.join(tokenizer_dir, file)):
            shutil.copy(os.path.join(tokenizer_dir, file), folder)
    shutil.copytree(os.path.join(tokenizer_dir, "1_Pooling"), os.path.join(folder, "1_Pooling"),
                    dirs_exist_ok=True)
    pooling = os.path.join(folder, "1_Pooling", "config.json")
    with open(pooling, encoding="utf-8") as f:
        options = json.load(f)
    options["word_embedding_dimension"] = SHAPE["hidden_size"]
    with open(pooling, "w", encoding="utf-8") as f:
        json.dump(options, f)
