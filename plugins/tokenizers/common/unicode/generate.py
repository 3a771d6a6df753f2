#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tables.c: the Unicode data that Hugging Face tokenizers uses.

usage: generate.py [UCD-DIRECTORY] >tables.c

Hugging Face mixes versions: categories of Unicode 8.0, canonical decompositions and
combining classes of 9.0, lower case and \\w of the Rust release that built it.  The
first and last are asked of the library itself (tokenizers 0.22.2), each scalar value in
turn; the second come from the Unicode Character Database (Debian's unicode-data, any
version from 9.0 on: they are stable), cut at age 9.0 and compared with the library.
"""
import sys

import probe

BLOCK = 128


def read_ucd(directory):
    """Decompositions (full) and combining classes of characters up to Unicode 9.0."""
    old = set()
    for line in open(directory + "/DerivedAge.txt"):
        fields = line.split("#")[0].split(";")
        if len(fields) == 2 and float(fields[1]) <= 9.0:
            ends = [int(x, 16) for x in fields[0].split("..")]
            old.update(range(ends[0], ends[-1] + 1))
    once, ccc = {}, {}
    for line in open(directory + "/UnicodeData.txt"):
        fields = line.split(";")
        c = int(fields[0], 16)
        if c not in old:
            continue
        if fields[3] != "0":
            ccc[c] = int(fields[3])
        if fields[5] and not fields[5].startswith("<"):
            once[c] = [int(x, 16) for x in fields[5].split()]

    def full(c):
        return [y for x in once[c] for y in full(x)] if c in once else [c]

    return {c: full(c) for c in once}, ccc


def two_stage(name, values, ctype):
    """A table of values[c], 0 where there is none, in blocks that are shared."""
    top = max(values) // BLOCK + 1
    blocks, index = {}, []
    for b in range(top):
        block = tuple(values.get(b * BLOCK + i, 0) for i in range(BLOCK))
        index.append(blocks.setdefault(block, len(blocks)))
    assert len(blocks) <= 256
    print(f"const uint8_t {name}_index[{top}] = {{")
    rows(index)
    print("};\n")
    print(f"const {ctype} {name}_blocks[{len(blocks)}][{BLOCK}] = {{")
    for block in blocks:
        print("\t{")
        rows(block)
        print("\t},")
    print("};\n")


def rows(numbers):
    line = "\t"
    for n in numbers:
        text = f"{n},"
        if len(line) + 7 + len(text) > 98:
            print(line.rstrip())
            line = "\t"
        line += text
    if line.strip():
        print(line)


def compositions(decompositions):
    """The characters that NFC makes of two, without Hangul."""
    pairs = {}
    for c, parts in decompositions.items():
        text = "".join(map(chr, parts))
        if probe.nfc(text) == chr(c):
            first = probe.nfc(text[:-1])
            assert len(first) == 1, hex(c)
            pairs[ord(first), parts[-1]] = c
    return pairs


def main():
    decompositions, ccc = read_ucd(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode")
    masks, lower, classes = {}, {}, {}
    # Of Hangul the vowels and final consonants.
    joined, compatible = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3)), {}
    pairs = compositions(decompositions)
    joined.update(second for _, second in pairs)
    for c in probe.scalars():
        flags = probe.classes(c)
        low = probe.lower(c)
        nfd = probe.nfd(c)
        if low != chr(c):
            assert len(low) == 1 or c == 0x130, hex(c)
            lower[c] = ord(low[0])
            flags |= probe.LOWER
        if 0xAC00 <= c <= 0xD7A3:
            flags |= probe.DECOMPOSES
        else:
            assert [ord(x) for x in nfd] == decompositions.get(c, [c]), hex(c)
            if c in decompositions:
                flags |= probe.DECOMPOSES
        if c in ccc:
            flags |= probe.COMBINES
        if c in joined:
            flags |= probe.JOINS
        if nfd != chr(c) and probe.nfc(chr(c)) == chr(c):
            flags |= probe.COMPOSED
        nfkd = probe.nfkd(c)
        if nfkd != nfd:
            flags |= probe.COMPATIBLE
            compatible[c] = [ord(x) for x in nfkd]
        assert bool(flags & probe.SPACE) == (c in probe.spaces), hex(c)
        classes[c] = masks.setdefault(flags, len(masks))
    starts, pools = [], []
    for table in (decompositions, compatible):
        pool, start = [0], {}
        for c, parts in table.items():
            start[c] = len(pool)
            pool += [len(parts)] + parts
        starts.append(start)
        pools.append(pool)
    print("/* SPDX-License-Identifier: Apache-2.0 AND Unicode-DFS-2016")
    print(" * plugins/tokenizers/common/unicode/tables.c - Unicode data; made by generate.py.")
    print(" */")
    print('#include "unicode/unicode.h"\n')
    print(f"const uint32_t tok_class_mask[{len(masks)}] = {{")
    rows(f"0x{m:x}" for m in masks)
    print("};\n")
    two_stage("tok_class", classes, "uint8_t")
    two_stage("tok_ccc", ccc, "uint8_t")
    targets = sorted(set(lower.values()))
    number = {t: i + 1 for i, t in enumerate(targets)}
    two_stage("tok_lower", {c: number[t] for c, t in lower.items()}, "uint16_t")
    print(f"const uint32_t tok_lower_to[{len(targets) + 1}] = {{")
    rows(f"0x{t:x}" for t in [0] + targets)
    print("};\n")
    for name, start, pool in zip(("tok_nfd", "tok_nfkd"), starts, pools):
        two_stage(name, start, "uint16_t")
        print("/* A count, then as many code points. */")
        print(f"const uint32_t {name}_pool[{len(pool)}] = {{")
        rows(f"0x{x:x}" for x in pool)
        print("};\n")
    print("/* Second, first, and what they make, sorted. */")
    print(f"const size_t tok_n_pairs = {len(pairs)};")
    print(f"const uint32_t tok_pairs[{len(pairs)}][3] = {{")
    for (first, second), to in sorted(pairs.items(), key=lambda p: (p[0][1], p[0][0])):
        print(f"\t{{ 0x{second:x}, 0x{first:x}, 0x{to:x} }},")
    print("};")


main()
