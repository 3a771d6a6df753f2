# SPDX-License-Identifier: Apache-2.0
"""The results as Markdown and as a plot."""
import os
import statistics
from collections import namedtuple

import plot

NEAR = 0.85     # of the roofline: what no kernel is asked to do better than
OWN_ATTENTION = ("deberta-v3", "modernbert")   # packed on GPUs at best, elsewhere
Cell = namedtuple("Cell", "model precision threads work given row ratios best machine floor")
Figure = namedtuple("Figure", "low median high")


def figure(values):
    if len(values) < 2:
        return Figure(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Figure(low, median, high)


def text_of(f, form="%.2f"):
    return (form + " (" + form + " to " + form + ")") % (f.median, f.low, f.high)


def cell_of(row, machine):
    """The ratios of each round: time of the peer by that of tenon; the best peer is the one
    with the least median ratio.  floor: seconds that the machine needs at least; attention
    is counted in fp32 at every precision."""
    own = row["times"]["tenon"]
    ratios = {name: figure([a / b for a, b in zip(t, own)])
              for name, t in row["times"].items() if name != "tenon"}
    best = min(ratios, key=lambda n: ratios[n].median) if ratios else None
    floor = sum(max(linear / machine["peak"] + attention / machine["peak_fp32"],
                    row["bytes"] / machine["read"]) for linear, attention in row["flops"])
    return Cell(*row["key"], row, ratios, best, machine, floor * 1e-9)


def cells_of(rows):
    """The machine is the best that any row of the same precision and threads saw."""
    timed = [r for r in rows if "times" in r]
    machines = {}
    for r in timed:
        machine = machines.setdefault(tuple(r["key"][1:3]), {})
        for k in ("peak", "peak_fp32", "read"):
            machine[k] = max(machine.get(k, 0), r[k])
    return [cell_of(r, machines[tuple(r["key"][1:3])]) for r in timed]


def refusals(row):
    return ["%s: %s" % (name, why.removeprefix(name + ": "))
            for name, why in row["refused"].items()]


def line_of(row):
    """One line for the terminal."""
    if "note" in row:
        return row["note"]
    if "times" not in row:
        return "  ".join("%s %s" % (k, text_of(figure(v)) if isinstance(v, list) else
                                    "%.1f" % v) for k, v in row.items() if k != "key")
    cell = cell_of(row, row)
    said = ["%s %.2f" % (n, r.median) for n, r in cell.ratios.items()]
    return "  ".join(said + refusals(row))


def share(cell, name="tenon"):
    """Of the roofline: 1 is what the processor could do at best."""
    return cell.floor / statistics.median(cell.row["times"][name])


def verdict(cell, target, peer=None):
    """Of a ratio to a peer (the best one when none is named)."""
    peer = peer or cell.best
    if peer not in cell.ratios:
        return "not measured"
    ratio = cell.ratios[peer].median
    if ratio >= target:
        return "reached"
    if share(cell) >= NEAR and (share(cell, peer) <= NEAR or ratio >= 1):
        return "reached: %.0f %% of the roofline" % (100 * share(cell))
    return "not reached"


def find(cells, **want):
    return [c for c in cells if all(getattr(c, k) == v for k, v in want.items())]


def against(cells, label, target, peer=None, **want):
    """A line of the table of targets for each cell that is meant."""
    lines = []
    for c in find(cells, **want):
        name = peer or c.best
        said = text_of(c.ratios[name]) + " x " + name if name in c.ratios else "-"
        lines.append((label + ", %s, %d thread%s" % (c.model, c.threads, "s" * (c.threads > 1))
                      + (", " + c.work if c.work.startswith("fixed") is False else ""),
                      ">= %.2f x %s" % (target, peer or "the best peer"), said,
                      "%.0f %%" % (100 * share(c)), verdict(c, target, peer)))
    return lines


def own_gain(cells, precision, target):
    """A precision beside tenon's own fp32, each from its own group."""
    lines = []
    for c in find(cells, precision=precision, work="fixed 8 x 128", given="ids"):
        for f in find(cells, precision="fp32", work=c.work, given="ids", model=c.model,
                      threads=c.threads):
            gain = statistics.median(f.row["times"]["tenon"]) / statistics.median(
                c.row["times"]["tenon"])
            lines.append(("%s, 8 x 128, %s, %d thread%s" % (precision, c.model, c.threads,
                                                          "s" * (c.threads > 1)),
                          ">= %.2f x own fp32" % target, "%.2f; the peaks: %.2f" % (
                              gain, c.machine["peak"] / c.machine["peak_fp32"]),
                          "%.0f %%" % (100 * share(c)),
                          "reached" if gain >= target else "not reached"))
    return lines


def peak_share(cells):
    lines = []
    for c in find(cells, precision="fp32", model="base", work="fixed 8 x 128", given="ids"):
        lines.append(("fp32, 8 x 128, base, %d thread%s, best turn" % (
            c.threads, "s" * (c.threads > 1)), ">= 85 % of the FMA peak", "%.0f %%" % (
                100 * c.floor / min(c.row["times"]["tenon"])), "",
            "reached" if c.floor / min(c.row["times"]["tenon"]) >= NEAR
            else "not reached"))
    return lines


def profile(cell):
    """For each op seconds, operations and bytes; the seconds are brought down to a pass, for
    steps that are timed alone take longer together."""
    whole = sum(x[0] for x in cell.row["profile"].values())
    own = statistics.median(cell.row["times"]["tenon"])
    return {op: (x[0] * own / whole, x[1], x[2]) for op, x in cell.row["profile"].items()}


def linears_share(cells):
    """The speed of a pass beside that of its linear steps alone."""
    lines = []
    for c in find(cells, precision="fp32", model="base", work="fixed 8 x 128", given="ids"):
        seconds, flops, _ = profile(c)["linear"]
        own = statistics.median(c.row["times"]["tenon"])
        share_of = sum(map(sum, c.row["flops"])) / own / (flops / seconds)
        lines.append(("fp32, 8 x 128, base, %d thread%s" % (c.threads, "s" * (c.threads > 1)),
                      ">= 95 % of the speed of the linears alone", "%.0f %%" % (100 * share_of),
                      "", "reached" if share_of >= 0.95 else "not reached"))
    return lines


def race_targets(cells):
    fp32 = dict(precision="fp32", given="ids")
    lines = against(cells, "fp32, 8 x 128", 1.15, work="fixed 8 x 128", model="base", **fp32)
    lines += linears_share(cells) + peak_share(cells)
    lines += against(cells, "fp32, 1 x 16", 1.3, work="fixed 1 x 16", **fp32)
    mixed = [c for c in cells if c.precision == "fp32" and not c.work.startswith("fixed")]
    for c in mixed:
        if c.model != "minilm":
            lines += against([c], "fp32, mixed", 2 if c.model in OWN_ATTENTION else 1.5)
    for work in dict.fromkeys(c.work for c in mixed if c.model == "minilm"):
        want = dict(precision="fp32", work=work, model="minilm")
        if work.endswith("sorted"):
            lines += against(cells, "fp32, mixed", 1.15, **want)
        else:
            for given in ("ids", "text"):
                label = "fp32, mixed, given as " + given
                lines += against(cells, label, 2.2, "onnxruntime", given=given, **want)
                lines += against(cells, label, 1.3, "ctranslate2", given=given, **want)
    lines += own_gain(cells, "bf16", 1.9)
    lines += own_gain(cells, "int8", 2.5)
    lines += against(cells, "int8, 8 x 128", 1.2, work="fixed 8 x 128", model="base",
                     precision="int8", given="ids")
    return lines


def extra_targets(rows):
    lines = []
    for row in rows:
        if "ms" in row:
            f = figure(row["ms"])
            lines.append(("cold start, MiniLM", "<= 120 ms", text_of(f, "%.0f") + " ms", "",
                          f.median <= 120))
        elif "share" in row:
            f = figure([100 * x for x in row["share"]])
            lines.append(("CRF of a tagger, with the making of answers", "< 2 %",
                          text_of(f) + " %", "", f.median < 2))
        elif "weights" in row:
            limit = row["weights"] * 1.2 + 40
            lines.append(("memory, 8 x 128, %s, %s" % tuple(row["key"][:2]),
                          "<= %.0f MB" % limit, "%.0f MB" % row["peak"], "",
                          row["peak"] <= limit))
        elif "run" in row:
            f = figure([100 * a / b for a, b in zip(row["run"], row["bench"])])
            lines.append(("%s, %d thread%s" % (row["key"][3], row["key"][2],
                                              "s" * (row["key"][2] > 1)),
                          ">= 90 % of `tenon bench`", text_of(f, "%.0f") + " %", "",
                          f.median >= 90))
    return [x[:4] + ("reached" if x[4] else "not reached",) for x in lines]


def table(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return out + ["| " + " | ".join(str(x) for x in line) + " |" for line in lines]


def cosine(cell, name):
    """The least to tenon's vectors in fp32, said where it is not that of equal outputs."""
    least = cell.row["cosines"][name]
    return ", cosine %.4f" % least if least < 0.9999 else ""


def cell_lines(cells):
    for c in cells:
        seconds = statistics.median(c.row["times"]["tenon"])
        ratios = [("**%s** " if n == c.best else "%s ") % n + text_of(r) + cosine(c, n)
                  for n, r in sorted(c.ratios.items(), key=lambda x: x[1].median)]
        ratios += refusals(c.row)
        yield (c.model, c.precision, c.threads, c.work, c.given, "%.0f" % (
            c.row["tokens"] / seconds), "%.0f %%" % (100 * share(c)),
            "<br>".join(ratios) + ("<br>tenon's own" + cosine(c, "tenon")
                                   if "tenon" in c.row["cosines"] else ""))


def profile_lines(cells):
    """Where tenon's time goes, and how near each op is to what bounds it."""
    for c in find(cells, given="ids"):
        own = statistics.median(c.row["times"]["tenon"])
        parts = []
        for op, (seconds, flops, moved) in sorted(profile(c).items(), key=lambda x: -x[1][0]):
            if seconds >= 0.02 * own:
                peak = c.machine["peak" if op == "linear" else "peak_fp32"]
                parts.append("%s %.0f %% of the time, %.0f %% of the peak, %.1f GB/s" % (
                    op, 100 * seconds / own, 1e-7 * flops / seconds / peak,
                    1e-9 * moved / seconds))
        yield c.model, c.precision, c.threads, c.work, "<br>".join(parts)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        lines = f.read().split("\n")
    name = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "?")
    flags = next((x for x in lines if x.startswith("flags")), "").split()
    return name + "; " + ", ".join(x for x in (
        "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if x in flags)


def settings(cells):
    """Of each engine and precision, as the largest number of threads saw them."""
    seen = {}
    for c in sorted(cells, key=lambda c: c.threads):
        for name, s in c.row["settings"].items():
            seen[name, c.precision] = ", ".join(s) if isinstance(s, list) else ", ".join(
                "%s=%s" % x for x in s.items())
    return ["- %s, %s: %s" % (*k, v) for k, v in sorted(seen.items())]


def write(rows, folder):
    cells = cells_of(rows)
    notes = [r for r in rows if "note" in r]
    ranked = sorted((c for c in cells if c.best), key=lambda c: c.ratios[c.best].median)
    out = ["# tenon beside its peers", "", "Processor: " + machine() + ".", "",
           "Ratios are the time of the peer by that of tenon: above 1 tenon is faster.  Each is "
           "the median over the rounds with its quartiles; a round gives each engine one turn. "
           "The roofline is the larger of operations by the measured peak and weights by the "
           "measured reading bandwidth.  Least cosines of the vectors to "
           "tenon's in fp32 stand where they are below 0.9999.", ""]
    out += ["Measured with %s, %d thread%s: %.0f x 1e9 operations a second, %.1f GB/s read." % (
        *kind, "s" * (kind[1] > 1), machine["peak"], machine["read"]) for kind, machine in sorted(
            {c[1:3]: c.machine for c in cells}.items())] + [""]
    for title, c in (("Slowest", ranked[:1]), ("Best", ranked[-1:])):
        out += ["%s row: %s, %s, threads %d, %s, %s: %s x %s." % (
            title, *x[:5], text_of(x.ratios[x.best]), x.best) for x in c]
    out += ["", "## Targets", ""]
    out += table(["row", "target", "figure", "of roofline", ""],
                 race_targets(cells) + extra_targets(rows) + [
                     ("%s, %s, threads %d %s" % (*r["key"][:3], r["key"][3].strip("-")), "", "-",
                      "", r["note"]) for r in notes])
    out += ["", "## All rows", "", "![ratios](ratios.svg)", ""]
    out += table(["model", "precision", "threads", "work", "given", "tokens/s", "of roofline",
                  "ratio to each peer"], cell_lines(cells))
    out += ["", "## Where tenon's time goes", "", "Shares by steps timed alone; bytes are those "
            "that an op must move at least.", ""]
    out += table(["model", "precision", "threads", "work", "ops"], profile_lines(cells))
    out += ["", "## Settings", ""] + settings(cells)
    with open(os.path.join(folder, "report.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")
    plot.write([(" ".join(map(str, (c.model, c.precision, "%dT" % c.threads, c.work, c.given))),
                 c.ratios) for c in cells if c.ratios], os.path.join(folder, "ratios.svg"))
