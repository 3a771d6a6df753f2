# SPDX-License-Identifier: Apache-2.0
"""BERT with mean pooling in plain PyTorch, in the form that onnxruntime's transformer
optimizer knows: it then fuses embeddings, attention, GELU and norms."""
import json
import math
import os

import torch
from safetensors.torch import load_file
from torch import nn

NAMES = {"embeddings.word_embeddings": "word", "embeddings.position_embeddings": "position",
         "embeddings.token_type_embeddings": "segment", "embeddings.LayerNorm": "norm",
         "attention.self.query": "query", "attention.self.key": "key",
         "attention.self.value": "value", "attention.output.dense": "out",
         "attention.output.LayerNorm": "norm1", "intermediate.dense": "up",
         "output.dense": "down", "output.LayerNorm": "norm2"}


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c["hidden_size"]
        self.heads = c["num_attention_heads"]
        self.size = width // self.heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up = nn.Linear(width, c["intermediate_size"])
        self.down = nn.Linear(c["intermediate_size"], width)
        self.norm1 = nn.LayerNorm(width, c["layer_norm_eps"])
        self.norm2 = nn.LayerNorm(width, c["layer_norm_eps"])
        self.gelu = nn.GELU()

    def split(self, x):
        return x.view(x.size(0), x.size(1), self.heads, self.size).permute(0, 2, 1, 3)

    def forward(self, x, bias):
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(self.size) + bias
        c = torch.matmul(scores.softmax(-1), v).permute(0, 2, 1, 3).contiguous()
        c = c.view(c.size(0), c.size(1), self.heads * self.size)
        x = self.norm1(self.out(c) + x)
        return self.norm2(self.down(self.gelu(self.up(x))) + x)


class Bert(nn.Module):
    """ids, mask, types [batch][length] -> normalized mean of the hidden rows [batch][width]"""

    def __init__(self, c):
        super().__init__()
        width, places = c["hidden_size"], c["max_position_embeddings"]
        self.word = nn.Embedding(c["vocab_size"], width)
        self.position = nn.Embedding(places, width)
        self.segment = nn.Embedding(c["type_vocab_size"], width)
        self.norm = nn.LayerNorm(width, c["layer_norm_eps"])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.register_buffer("places", torch.arange(places).unsqueeze(0), persistent=False)

    def forward(self, ids, mask, types):
        bias = (1.0 - mask.unsqueeze(1).unsqueeze(2).to(torch.float32)) * -10000.0
        x = self.word(ids) + self.segment(types) + self.position(self.places[:, :ids.size(1)])
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, bias)
        return mean(x, mask)


def mean(x, mask):
    m = mask.unsqueeze(-1).to(x.dtype)
    return nn.functional.normalize((x * m).sum(1) / m.sum(1), dim=1)


def rename(name):
    """The name here of a tensor of transformers; None: it is not used."""
    stem, _, kind = name.rpartition(".")
    if stem.startswith("encoder.layer."):
        _, _, number, rest = stem.split(".", 3)
        return "layers.%s.%s.%s" % (number, NAMES[rest], kind)
    return "%s.%s" % (NAMES[stem], kind) if stem in NAMES else None


def load(directory):
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as f:
        model = Bert(json.load(f)).eval()
    tensors = load_file(os.path.join(directory, "model.safetensors"))
    model.load_state_dict({rename(k): v for k, v in tensors.items() if rename(k)})
    return model.requires_grad_(False)
