#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens per second of a sentence encoder in tenon and in onnxruntime, in turn, on the same
texts: batches of 32 sentences as they come, tokenization included on both sides.

    python tests/bench/peer.py MODEL_DIR TEXTS --tenon ./tenon [--threads 2] [--rounds 5]

Prints, for each, the median over the rounds and its spread, the ratio to onnxruntime, and the
smallest cosine between the vectors of both.  tenon's time is that of the whole command less
that of the same command on the first text alone, so loading is left out."""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime
import tokenizers
import torch
import transformers


def export(directory, path):
    """The encoder as ONNX with dynamic batch and length."""
    model = transformers.AutoModel.from_pretrained(directory, attn_implementation="eager").eval()
    model.requires_grad_(False)

    class Encoder(torch.nn.Module):
        def forward(self, ids, mask, types):
            return model(input_ids=ids, attention_mask=mask, token_type_ids=types)[0]
    example = tuple(torch.ones(2, 7, dtype=torch.int64) for _ in range(3))
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(Encoder(), example, path, input_names=["ids", "mask", "types"],
                      output_names=["hidden"], opset_version=17, dynamo=False,
                      dynamic_axes={n: axes for n in ("ids", "mask", "types", "hidden")})


class Peer:
    def __init__(self, directory, threads):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            export(directory, path)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            self.session = onnxruntime.InferenceSession(path, options,
                                                        providers=["CPUExecutionProvider"])
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

    def run(self, texts):
        vectors, tokens = [], 0
        began = time.perf_counter()
        for i in range(0, len(texts), 32):
            batch = self.tokenizer.encode_batch(texts[i:i + 32])
            ids = np.array([e.ids for e in batch], dtype=np.int64)
            mask = np.array([e.attention_mask for e in batch], dtype=np.int64)
            hidden = self.session.run(None, {"ids": ids, "mask": mask,
                                             "types": np.zeros_like(ids)})[0]
            x = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
            vectors.append(x / np.linalg.norm(x, axis=1, keepdims=True))
            tokens += int(mask.sum())
        return time.perf_counter() - began, tokens, np.concatenate(vectors)


def tenon(args, texts, backend):
    def once(lines):
        began = time.perf_counter()
        done = subprocess.run(
            [args.tenon, "run", args.model, "--format", "jsonl",
             "--set", "backends=%s" % backend, "--set", "threads=%d" % args.threads],
            input="\n".join(lines) + "\n", text=True, capture_output=True, check=True)
        return time.perf_counter() - began, done.stdout
    whole, out = once(texts)
    start, _ = once(texts[:1])
    return whole - start, np.array([json.loads(line)["result"] for line in out.splitlines()])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("texts")
    p.add_argument("--tenon", default="./tenon")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--backends", default="onednn,openblas")
    args = p.parse_args()
    with open(args.texts, encoding="utf-8") as f:
        texts = [line.rstrip("\n") for line in f if line.strip()][:1000]
    peer = Peer(args.model, args.threads)
    backends = args.backends.split(",")
    times = {name: [] for name in ["onnxruntime"] + backends}
    cosines = {}
    for _ in range(args.rounds):
        seconds, tokens, expected = peer.run(texts)
        times["onnxruntime"].append(seconds)
        for b in backends:
            seconds, got = tenon(args, texts, b)
            times[b].append(seconds)
            cosines[b] = float((got * expected).sum(1).min())
    print("%d texts, %d tokens, %d threads, %d rounds; onnxruntime %s"
          % (len(texts), tokens, args.threads, args.rounds, onnxruntime.__version__))
    base = statistics.median(times["onnxruntime"])
    for name, t in times.items():
        m = statistics.median(t)
        print("%-12s %8.0f tokens/s  (%.0f to %.0f)  %.2f x onnxruntime%s"
              % (name, tokens / m, tokens / max(t), tokens / min(t), base / m,
                 "  cosine >= %.7f" % cosines[name] if name in cosines else ""))


if __name__ == "__main__":
    main()
