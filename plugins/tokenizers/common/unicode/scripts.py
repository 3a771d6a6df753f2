#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes scripts.c: which characters the pre-tokenizer UnicodeScripts of Hugging Face tokenizers
0.22.2 keeps together.  The library is asked: scripts are told apart, not named.

usage: scripts.py >scripts.c
"""
from tokenizers import pre_tokenizers

import probe

split = pre_tokenizers.UnicodeScripts().pre_tokenize_str


def classes():
    """A number for each scalar value; 0: it goes with any (the piece of it alone is dropped)."""
    numbers, samples, last, number = {}, [], None, 0
    for c in map(chr, probe.scalars()):
        if not split(c):
            numbers[ord(c)] = 0
            continue
        if last is None or len(split(last + c)) != 1:
            number = next((i for i, s in enumerate(samples) if len(split(s + c)) == 1), None)
            if number is None:
                number = len(samples)
                samples.append(c)
            number += 1
        numbers[ord(c)] = number
        last = c
    assert len(samples) < 256
    return numbers


def main():
    before, ranges = None, []
    for c, number in classes().items():
        if number != before:
            ranges.append(c << 8 | number)
        before = number
    print("/* SPDX-License-Identifier: Apache-2.0 AND Unicode-DFS-2016\n"
          " * plugins/tokenizers/common/unicode/scripts.c - made by scripts.py: do not edit.\n"
          " */\n#include \"unicode/scripts.h\"\n")
    print(f"const size_t tok_n_scripts = {len(ranges)};")
    print(f"const uint32_t tok_scripts[{len(ranges)}] = {{")
    for i in range(0, len(ranges), 9):
        print("\t" + ",".join(f"0x{r:x}" for r in ranges[i:i + 9]) + ",")
    print("};")


if __name__ == "__main__":
    main()
