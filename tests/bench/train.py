#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of bench_train: train.py MODEL DATA.tsv [STEPS [DROPOUT [THREADS]]]

The same batches of 32 lines, padded to the longest, through transformers'
BertForSequenceClassification and AdamW with clipping, in eager mode."""
import resource
import statistics
import sys
import time

import torch
from transformers import AutoTokenizer, BertForSequenceClassification

model, data = sys.argv[1:3]
steps, dropout, threads = (int(a) for a in (sys.argv[3:] + ["30", "0", "2"][len(sys.argv) - 3:]))
torch.set_num_threads(threads)
torch.manual_seed(42)
tokenizer = AutoTokenizer.from_pretrained(model)
net = BertForSequenceClassification.from_pretrained(model, num_labels=2)
net.train(bool(dropout))
optim = torch.optim.AdamW(net.parameters(), lr=2e-5, weight_decay=0.01)
lines = [line.rstrip("\n").split("\t") for line in open(data)]
times, used = [], []
for i in range(steps):
    batch = lines[32 * i:32 * i + 32]
    x = tokenizer([t for t, _ in batch], padding=True, return_tensors="pt")
    y = torch.tensor([int(label) for _, label in batch])
    start, cpu = time.perf_counter(), time.process_time()
    loss = net(**x, labels=y).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optim.step()
    optim.zero_grad()
    times.append(1e3 * (time.perf_counter() - start))
    used.append(1e3 * (time.process_time() - cpu))
    print(f"step {i} tokens {int(x['attention_mask'].sum())} of {x['input_ids'].numel()} "
          f"ms {times[-1]:.2f} loss {loss.item():.9g}")
print(f"torch {torch.__version__}, median {statistics.median(times[3:]):.2f} ms, "
      f"of the CPU {statistics.median(used[3:]):.2f} ms, peak "
      f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss} KiB")
