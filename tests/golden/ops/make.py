#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what PyTorch and transformers compute for each op, in double precision.

make.py OUT.safetensors writes tensors CASE.in0, CASE.in1 ..., CASE.out0 ... and, for
attention, CASE.start, CASE.kv_start, CASE.past and CASE.slot.  The attributes of a case stand in the test
(tests/backends/test_reference_golden.c).  Inputs are float32 numbers held as double,
so the same record judges both float types.  Made with torch 2 and transformers.
"""
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers.models.deberta_v2.modeling_deberta_v2 import (
    DisentangledSelfAttention, build_relative_position)
from transformers.models.deberta_v2.configuration_deberta_v2 import DebertaV2Config
from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb as rope_pairs
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb as rope_halves
from transformers.models.t5.modeling_t5 import T5Attention

torch.manual_seed(7)
record = {}


def rand(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).double()


def save(case, inputs, outputs, **more):
    for i, x in enumerate(inputs):
        record[f"{case}.in{i}"] = x.detach().contiguous().clone()
    for i, y in enumerate(outputs):
        record[f"{case}.out{i}"] = y.detach().contiguous().clone()
    for name, x in more.items():
        record[f"{case}.{name}"] = x.contiguous().clone()


def index(values):
    return torch.tensor(values, dtype=torch.int32)


def products():
    x, w, b = rand(7, 33), rand(29, 33), rand(29)
    save("linear", [x, w, b], [F.linear(x, w, b)])
    parts = [rand(11, 33), rand(11), rand(5, 33), rand(5), rand(8, 33), rand(8)]
    save("linear_parts", [x] + parts,
         [torch.cat([F.linear(x, parts[i], parts[i + 1]) for i in (0, 2, 4)], 1)])
    r = rand(7, 29)
    save("linear_gelu_residual", [x, w, b, r], [F.gelu(F.linear(x, w, b)) + r])
    a, c = rand(9, 6), rand(9, 13)
    save("matmul", [a, rand(6, 13)], [])
    record["matmul.out0"] = record["matmul.in0"] @ record["matmul.in1"]
    save("matmul_transpose_a", [a, c], [a.T @ c])
    save("matmul_transpose_b", [a, rand(4, 6)], [])
    record["matmul_transpose_b.out0"] = a @ record["matmul_transpose_b.in1"].T


def norms():
    x, w, b, r = rand(6, 37, scale=3) + 2, rand(37), rand(37), rand(6, 37)
    y, mean, rstd = torch.native_layer_norm(x, [37], w, b, 1e-12)
    save("layer_norm", [x, w, b], [y, mean.reshape(-1), rstd.reshape(-1)])
    save("layer_norm_residual", [x, w, b, r], [F.layer_norm(x + r, [37], w, b, 1e-5)])
    rstd = torch.rsqrt((x * x).mean(1) + 1e-6)
    save("rms_norm", [x, w], [F.rms_norm(x, [37], w, 1e-6), rstd])
    save("l2norm", [x], [F.normalize(x, dim=1, eps=1e-12)])
    z = rand(5, 19, scale=4)
    save("softmax", [z], [F.softmax(z, 1)])
    save("log_softmax", [z], [F.log_softmax(z, 1)])


ACTS = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu, "silu": F.silu, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
}


def activations():
    x = torch.linspace(-6, 6, 121).double().reshape(11, 11)
    pair = rand(4, 22)
    for name, f in ACTS.items():
        leaf = x.clone().requires_grad_()
        dy = rand(11, 11)
        f(leaf).backward(dy)
        save(f"act_{name}", [x], [f(x)])
        save(f"act_grad_{name}", [x, dy], [leaf.grad])
        save(f"glu_{name}", [pair], [f(pair[:, :11]) * pair[:, 11:]])


def rows():
    table, ids = rand(12, 5), index([3, 0, 11, 3, 7])
    save("gather", [table, ids], [F.embedding(ids, table)])
    dy = rand(5, 5)
    save("scatter_add", [dy, ids], [torch.zeros(12, 5).double().index_add(0, ids, dy)])
    x, begin, end = rand(9, 4), index([0, 3, 4]), index([3, 4, 9])
    for name, f in (("sum", lambda s: s.sum(0)), ("mean", lambda s: s.mean(0)),
                    ("max", lambda s: s.max(0).values)):
        save(f"segment_{name}", [x, begin, end],
             [torch.stack([f(x[b:e]) for b, e in zip(begin, end)])])
        save(f"reduce_{name}", [x], [f(x)])


def losses():
    x, target = rand(8, 10, scale=3), index([3, 0, -100, 9, 1, -100, 2, 2])
    weight, soft = rand(10).abs(), torch.rand(8, 10).double().float().double()
    kept = target[target >= 0].long()
    for name, w, smoothing in (("", None, 0.0), ("_weighted", weight, 0.0),
                               ("_smooth", None, 0.1), ("_both", weight, 0.1)):
        leaf = x.clone().requires_grad_()
        loss = F.cross_entropy(leaf, target.long(), weight=w, reduction="sum",
                               label_smoothing=smoothing)
        loss.backward(torch.tensor(0.5).double())
        count = torch.tensor(float(len(kept))).double() if w is None else w[kept].sum()
        lse = torch.logsumexp(x, 1)
        extra = [] if w is None else [w]
        save(f"cross_entropy{name}", [x, target] + extra, [loss, count, lse])
        save(f"cross_entropy_grad{name}",
             [x, target, lse, torch.tensor(0.5).double()] + extra, [leaf.grad])
    n = torch.tensor(80.0).double()
    save("bce", [x, soft], [F.binary_cross_entropy_with_logits(x, soft, reduction="sum"), n])
    save("mse", [x, soft], [F.mse_loss(x, soft, reduction="sum"), n])


def norm_gradients():
    x, w, b, dy = rand(6, 13, scale=2) + 1, rand(13), rand(13), rand(6, 13)
    leaves = [t.clone().requires_grad_() for t in (x, w, b)]
    F.layer_norm(leaves[0], [13], leaves[1], leaves[2], 1e-5).backward(dy)
    _, mean, rstd = torch.native_layer_norm(x, [13], w, b, 1e-5)
    save("layer_norm_grad", [x, w, mean.reshape(-1), rstd.reshape(-1), dy],
         [t.grad for t in leaves])
    leaves = [t.clone().requires_grad_() for t in (x, w)]
    F.rms_norm(leaves[0], [13], leaves[1], 1e-5).backward(dy)
    save("rms_norm_grad", [x, w, torch.rsqrt((x * x).mean(1) + 1e-5), dy],
         [t.grad for t in leaves])
    for name, f in (("softmax_grad", F.softmax), ("log_softmax_grad", F.log_softmax)):
        leaf = x.clone().requires_grad_()
        y = f(leaf, 1)
        y.backward(dy)
        save(name, [y, dy], [leaf.grad])


def rope():
    heads, size, theta = 3, 8, 10000.0
    x, position = rand(6, heads * size), index([0, 1, 2, 17, 100, 511])
    angle = position.double()[:, None] * theta ** (-torch.arange(0, size, 2).double() / size)
    halves = torch.cat([angle, angle], 1)
    q = x.reshape(1, 6, heads, size).transpose(1, 2)
    y, _ = rope_halves(q, q, halves.cos()[None], halves.sin()[None])
    save("rope", [x, position], [y.transpose(1, 2).reshape(6, heads * size)])
    y = rope_pairs(x.reshape(1, 6, heads, size), angle.sin()[None], angle.cos()[None])
    save("rope_interleaved", [x, position], [y.reshape(6, heads * size)])


def rel_tables():
    table, span = rand(32, 2), 300
    distance = torch.arange(-span + 1, span)
    for name, both in (("rel_table", True), ("rel_table_one_way", False)):
        bucket = T5Attention._relative_position_bucket(distance, both, 32, 128)
        save(name, [table], [table[bucket]])


def visible(n, kv, causal=False, left=None, right=None):
    i, j = torch.arange(n)[:, None], torch.arange(kv)[None]
    mask = torch.ones(n, kv, dtype=torch.bool)
    if causal:
        mask &= j <= i
    if left is not None:
        mask &= (j >= i - left) & (j <= i + right)
    return mask


def attend(q, k, v, lengths, kv_lengths, heads, kv_heads, scale, bias=None, **mask):
    """Packed rows [R][H*D] by sequences, through scaled_dot_product_attention."""
    size, out, lse, a, b = q.shape[1] // heads, [], [], 0, 0
    for n, m in zip(lengths, kv_lengths):
        split = lambda t, at, l, h: t[at:at + l].reshape(l, h, size).transpose(0, 1)
        qs, ks, vs = split(q, a, n, heads), split(k, b, m, kv_heads), split(v, b, m, kv_heads)
        ks, vs = (t.repeat_interleave(heads // kv_heads, 0) for t in (ks, vs))
        add = torch.zeros(heads, n, m).double()
        if bias is not None:
            add = add + bias(n, m)
        add = add.masked_fill(~visible(n, m, **mask), float("-inf"))
        y = F.scaled_dot_product_attention(qs[None], ks[None], vs[None], attn_mask=add[None],
                                           scale=scale)[0]
        out.append(y.transpose(0, 1).reshape(n, heads * size))
        lse.append(torch.logsumexp(qs @ ks.transpose(1, 2) * scale + add, 2).T)
        a, b = a + n, b + m
    return torch.cat(out), torch.cat(lse)


def starts(lengths):
    return index([0] + torch.tensor(lengths).cumsum(0).tolist())


def attention():
    lengths, kv_lengths, heads, size, span = [5, 1, 9], [4, 7, 2], 4, 8, 4
    rel = rand(2 * span - 1, heads)
    slopes = torch.tensor([0.5, 0.25, 0.125, 0.0625]).double()

    def by_distance(table):
        def bias(n, m):
            d = (torch.arange(m)[None] - torch.arange(n)[:, None]).clamp(1 - span, span - 1)
            return table[d + span - 1].permute(2, 0, 1)
        return bias

    def alibi(n, m):
        d = (torch.arange(m)[None] - torch.arange(n)[:, None]).abs()
        return -slopes[:, None, None] * d

    cases = {
        "attention": {},
        "attention_causal": {"causal": True},
        "attention_window": {"left": 3, "right": 1},
        "attention_grouped": {"kv_heads": 2},
        "attention_cross": {"kv_lengths": kv_lengths},
        "attention_rel": {"bias": by_distance, "extra": [rel]},
        "attention_alibi": {"bias": alibi, "causal": True, "extra": [slopes]},
    }
    for name, o in cases.items():
        kv_heads, kv = o.pop("kv_heads", heads), o.pop("kv_lengths", lengths)
        extra = o.pop("extra", [])
        q = rand(sum(lengths), heads * size)
        k, v = rand(sum(kv), kv_heads * size), rand(sum(kv), kv_heads * size)
        leaves = [t.clone().requires_grad_() for t in (q, k, v, *extra)]
        if o.get("bias") is by_distance:
            o["bias"] = by_distance(leaves[3])
        y, lse = attend(*leaves[:3], lengths, kv, heads, kv_heads, 0.3125, **o)
        dy = rand(*y.shape)
        y.backward(dy)
        grads = [t.grad for t in leaves if t.grad is not None]
        more = {"start": starts(lengths)}
        if kv is not lengths:
            more["kv_start"] = starts(kv)
        save(name, [q, k, v] + extra, [y, lse], **more)
        save(name.replace("attention", "attention_grad", 1), [q, k, v, y, lse, dy] + extra,
             grads, **more)


def disentangled():
    """DeBERTa's own code: one sequence, scores with both position terms."""
    heads, size, n, buckets, longest = 3, 4, 20, 8, 24
    config = DebertaV2Config(
        hidden_size=heads * size, num_attention_heads=heads, relative_attention=True,
        pos_att_type=["c2p", "p2c"], position_buckets=buckets,
        max_relative_positions=longest, share_att_key=True,
        attention_probs_dropout_prob=0.0, hidden_dropout_prob=0.0)
    layer = DisentangledSelfAttention(config).double().eval()
    hidden = rand(n, heads * size)
    rel = rand(2 * buckets, heads * size)
    position = build_relative_position(torch.zeros(1, n, 1), torch.zeros(1, n, 1),
                                       bucket_size=buckets, max_position=longest)
    mask = torch.ones(1, 1, n, n, dtype=torch.bool)
    out = layer(hidden[None], mask, relative_pos=position, rel_embeddings=rel)
    y = out[0] if isinstance(out, tuple) else out
    # Row (i - j) + span - 1 of the buckets, as the index into the 2 * buckets rows.
    distance = torch.zeros(2 * n - 1, dtype=torch.int32)
    for i in range(n):
        for j in range(n):
            distance[i - j + n - 1] = position.reshape(n, n)[i, j]
    bucket = (distance + buckets).clamp(0, 2 * buckets - 1).int()
    # Its scale, 1 / sqrt(3 D) rounded to float, is put into the queries so that the
    # attribute is 1.
    f = lambda linear, x: F.linear(x, linear.weight, linear.bias)
    scale = 1 / torch.sqrt(torch.tensor(3.0 * size)).double()
    save("attention_disentangled",
         [f(layer.query_proj, hidden) * scale, f(layer.key_proj, hidden),
          f(layer.value_proj, hidden), f(layer.key_proj, rel),
          f(layer.query_proj, rel) * scale, bucket],
         [y.reshape(n, heads * size)], start=starts([n]))


def optimizer():
    p, m, v = rand(6, 5), rand(6, 5, scale=0.1), rand(6, 5, scale=0.1) ** 2
    v = v.float().double()
    g = rand(6, 5)
    leaf = torch.nn.Parameter(p.clone())
    leaf.grad = g * 0.5
    adam = torch.optim.AdamW([leaf], lr=0.0625, betas=(0.875, 0.96875), eps=2.0 ** -20,
                             weight_decay=0.125)
    adam.state[leaf] = {"step": torch.tensor(2.0), "exp_avg": m.clone(),
                        "exp_avg_sq": v.clone()}
    adam.step()
    h = torch.tensor([0.0625, 0.875, 0.96875, 2.0 ** -20, 0.125, 1 - 0.875 ** 3,
                      1 - 0.96875 ** 3, 0.5]).double()
    save("adamw", [p, g, m, v, h],
         [leaf, adam.state[leaf]["exp_avg"], adam.state[leaf]["exp_avg_sq"]])
    save("sum_squares", [g], [(g * g).sum()])


def casts():
    x = torch.cat([torch.randn(200) * 10.0 ** torch.randint(-9, 6, (200,)),
                   torch.tensor([0.0, -0.0, 65504, 65520, 6e-8, 2.9e-8, 1e-40,
                                 float("inf"), -float("inf")])]).reshape(-1, 1).double()
    save("cast_f16", [x], [x.float().half()])
    save("cast_bf16", [x], [x.float().bfloat16()])


def elementwise():
    a = rand(7, 5)
    for shape, b in (("", rand(7, 5)), ("_row", rand(5)), ("_column", rand(7, 1)),
                     ("_single", rand(1).reshape(()))):
        save(f"add{shape}", [a, b], [a + b])
        save(f"mul{shape}", [a, b], [a * b])
    save("scale", [a], [-1.25 * a + 0.5])
    b, c = rand(7, 3), rand(7, 1)
    save("concat", [a, b, c], [torch.cat([a, b, c], 1)])
    d = rand(7, 5)
    for name, columns in (("where", 5), ("where_column", 1)):
        mask = (torch.rand(7, columns) < 0.5).to(torch.uint8)
        save(name, [mask, a, d], [torch.where(mask.bool(), a, d)])
    for name, f in (("sum", torch.sum), ("mean", torch.mean), ("max", torch.amax)):
        save(f"reduce_{name}_rows", [a], [f(a, 1, keepdim=True)])
        save(f"reduce_{name}_all", [a], [f(a, (0, 1))])


def attention_tensor():
    """A bias that stands as it is, rows padded to the longest sequence of keys."""
    lengths, kv_lengths, heads, size = [5, 1, 9], [4, 7, 2], 4, 8
    bias = rand(sum(lengths), max(kv_lengths), heads)
    at = iter(starts(lengths))
    part = lambda n, m: (lambda b: bias[b:b + n, :m].permute(2, 0, 1))(next(at))
    q, k, v = (rand(sum(n), heads * size) for n in (lengths, kv_lengths, kv_lengths))
    y, lse = attend(q, k, v, lengths, kv_lengths, heads, heads, 0.3125, part)
    save("attention_tensor", [q, k, v, bias], [y, lse], start=starts(lengths),
         kv_start=starts(kv_lengths))


def attention_state():
    """New rows behind those of earlier calls: slots of one state, one of them empty."""
    lengths, past, slot, heads, kv_heads, size = [2, 1, 4], [3, 5, 0], [1, 6, 14], 4, 2, 8
    q = rand(sum(lengths), heads * size)
    k, v = rand(sum(lengths), kv_heads * size), rand(sum(lengths), kv_heads * size)
    state = [rand(20, kv_heads * size) for _ in range(2)]
    for name, left in (("attention_state", None), ("attention_state_window", 2)):
        out, a = [], 0
        for n, p, s in zip(lengths, past, slot):
            ks, vs = (torch.cat([old[s:s + p], new[a:a + n]])
                      for old, new in zip(state, (k, v)))
            pad = torch.zeros(p, heads * size).double()
            y, _ = attend(torch.cat([pad, q[a:a + n]]), ks, vs, [p + n], [p + n], heads,
                          kv_heads, 0.3125, causal=True, left=left, right=0)
            out.append(y[p:])
            a += n
        save(name, [q, k, v] + state, [torch.cat(out)], start=starts(lengths),
             past=index(past), slot=index(slot))


for part in (products, norms, activations, rows, losses, norm_gradients, rope, rel_tables,
             attention, disentangled, optimizer, casts, elementwise, attention_tensor,
             attention_state):
    part()
save_file(record, sys.argv[1])
