# SPDX-License-Identifier: Apache-2.0
"""Random linear-chain CRFs: pytorch-crf for the log-likelihood, the Viterbi path and, by
autograd, the gradients; all paths counted out for the marginals and the best score."""
import importlib.metadata
import itertools
import json
import os

import torch
from torchcrf import CRF

BIO = {3: ["O", "B-A", "I-A"], 5: ["O", "B-A", "I-A", "B-B", "I-B"]}
ILLEGAL = -1e4


def illegal(labels, a, b):
    y = labels[b]
    return y.startswith("I-") and (a is None or labels[a] == "O" or labels[a][2:] != y[2:])


def path_score(crf, e, path):
    s = crf.start_transitions[path[0]] + crf.end_transitions[path[-1]]
    s = s + sum(e[i, y] for i, y in enumerate(path))
    return float(s + sum(crf.transitions[a, b] for a, b in zip(path, path[1:])))


def counted_out(crf, e):
    """-> log partition, marginals [T][n], best score, score of the second best path."""
    length, n = e.shape
    paths = list(itertools.product(range(n), repeat=length))
    scores = torch.tensor([path_score(crf, e, p) for p in paths], dtype=torch.float64)
    log_z = torch.logsumexp(scores, 0)
    p = (scores - log_z).exp()
    marginals = torch.zeros(length, n, dtype=torch.float64)
    for weight, path in zip(p, paths):
        for i, y in enumerate(path):
            marginals[i, y] += weight
    top = scores.topk(min(2, len(scores))).values.tolist()
    return float(log_z), marginals, top[0], top[1] if len(top) > 1 else None


def marginals_of(crf, e):
    """The gradient of the log partition by the emissions; for long texts."""
    leaf = e.clone().requires_grad_()
    crf._compute_normalizer(leaf.unsqueeze(1), torch.ones(len(e), 1, dtype=torch.bool)) \
        .sum().backward()
    return leaf.grad


def case(n, length, scale, bio, g):
    crf = CRF(n).double()
    with torch.no_grad():
        for p in crf.parameters():
            p.copy_(torch.randn(p.shape, generator=g).double() * scale)
        if bio:
            for b in range(n):
                if illegal(BIO[n], None, b):
                    crf.start_transitions[b] = ILLEGAL
                for a in range(n):
                    if illegal(BIO[n], a, b):
                        crf.transitions[a, b] = ILLEGAL
        for p in crf.parameters():
            p.copy_(p.float().double())
    e = (torch.randn(length, n, generator=g) * 2 * scale).float().double()
    mask = torch.ones(length, 1, dtype=torch.bool)
    tags = torch.randint(n, (length, 1), generator=g)
    if bio:
        tags = torch.tensor(crf.decode(torch.randn(length, 1, n, generator=g).double(), mask)).T
    leaf = e.clone().requires_grad_()
    likelihood = crf(leaf.unsqueeze(1), tags, mask=mask)
    crf.zero_grad()
    likelihood.backward()
    best = crf.decode(e.unsqueeze(1), mask)[0]
    out = {"labels": BIO[n] if bio else None, "emissions": e.tolist(),
           "transitions": crf.transitions.tolist(), "start": crf.start_transitions.tolist(),
           "end": crf.end_transitions.tolist(), "tags": tags[:, 0].tolist(),
           "log_likelihood": float(likelihood), "viterbi": best,
           "viterbi_score": path_score(crf, e, best),
           "grad": {"emissions": leaf.grad.tolist(),
                    "transitions": (torch.zeros(n, n) if length == 1
                                    else crf.transitions.grad).tolist(),
                    "start": crf.start_transitions.grad.tolist(),
                    "end": crf.end_transitions.grad.tolist()}}
    out["log_partition"] = path_score(crf, e, out["tags"]) - out["log_likelihood"]
    out["marginals"] = marginals_of(crf, e).tolist()
    if n ** length <= 20000:
        log_z, marginals, top, second = counted_out(crf, e)
        assert abs(log_z - out["log_partition"]) < 1e-9
        assert abs(top - out["viterbi_score"]) < 1e-9
        again = torch.tensor(out["marginals"], dtype=torch.float64)
        assert float((marginals - again).abs().max()) < 1e-9
        out.update(counted_out=True, second_score=second)
    return out


def rounded(x):
    if isinstance(x, float):
        return float("%.12g" % x)
    if isinstance(x, list):
        return [rounded(v) for v in x]
    return {k: rounded(v) for k, v in x.items()} if isinstance(x, dict) else x


def make(out):
    g = torch.Generator().manual_seed(3)
    shapes = [(3, 1), (3, 2), (3, 7), (5, 1), (5, 2), (5, 5), (5, 6), (5, 40), (3, 150)]
    cases = [case(n, length, 1.0, bio, g) for n, length in shapes for bio in (False, True)]
    cases += [case(1, 4, 1.0, False, g), case(2, 12, 0.01, False, g), case(9, 4, 1.0, False, g),
              case(4, 6, 8.0, False, g), case(5, 5, 8.0, True, g)]
    os.makedirs(os.path.join(out, "crf"), exist_ok=True)
    value = {"made_with": {"pytorch-crf": importlib.metadata.version("pytorch-crf"),
                           "torch": torch.__version__}, "cases": rounded(cases)}
    with open(os.path.join(out, "crf", "cases.json"), "w", encoding="utf-8") as f:
        f.write('{"made_with":%s,"cases":[\n%s\n]}\n' % (
            json.dumps(value["made_with"]),
            ",\n".join(json.dumps(c, separators=(",", ":")) for c in value["cases"])))
    print("crf: %d cases" % len(cases))
