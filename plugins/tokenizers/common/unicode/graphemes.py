#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes graphemes.c: what each code point is to the rules of extended grapheme clusters.

usage: graphemes.py TABLES.RS >graphemes.c

TABLES.RS is src/tables.rs of the crate unicode-segmentation 1.12.0, which Hugging Face tokenizers
0.22.2 is built with (Unicode 16.0).
"""
import re
import sys

VERSION = "UNICODE_VERSION: (u64, u64, u64) = (16, 0, 0)"
CLASSES = ["Any", "CR", "LF", "Control", "Extend", "ZWJ", "Prepend", "SpacingMark", "L", "V", "T",
           "LV", "LVT", "Regional_Indicator", "Extended_Pictographic", "InCB_Consonant"]
LINKER, EXTEND = 16, 32     # TOK_CLUSTER_LINKER, TOK_CLUSTER_INNER


def body(text, name):
    return re.search("const " + name + r"[^=]*= &\[(.*?)\];", text, re.S).group(1)


def ranges(text, pattern):
    return [(int(m[0], 16), int(m[1], 16)) + tuple(m[2:]) for m in re.findall(pattern, text)]


def main():
    text = open(sys.argv[1], encoding="utf-8").read()
    if VERSION not in text:
        sys.exit(f"{sys.argv[1]}: expected the tables of 1.12.0: {VERSION}")
    pair = r"\(\s*'\\u\{(\w+)\}',\s*'\\u\{(\w+)\}'"
    table = [0] * 0x110000
    for first, last, name in ranges(body(text, "grapheme_cat_table"), pair + r",\s*GC_(\w+)\)"):
        for c in range(first, last + 1):
            table[c] = CLASSES.index(name)
    for first, last in ranges(body(text, "InCB_Extend_table"), pair + r"\)"):
        for c in range(first, last + 1):
            table[c] |= EXTEND
    linkers = re.search(r"fn is_incb_linker.*?matches!\(c, (.*?)\)", text, re.S).group(1)
    for c in re.findall(r"\\u\{(\w+)\}", linkers):
        table[int(c, 16)] |= LINKER
    # grapheme_category() does not look below U+007F.
    for c in range(0x7f):
        table[c] = CLASSES.index("Any" if c >= 32 else "LF" if c == 10 else "CR" if c == 13
                                 else "Control")
    blocks, index = {}, []
    for i in range(0, len(table), 128):
        index.append(blocks.setdefault(tuple(table[i:i + 128]), len(blocks)))
    print("/* SPDX-License-Identifier: Apache-2.0 AND Unicode-DFS-2016\n"
          " * plugins/tokenizers/common/unicode/graphemes.c - made by graphemes.py: do not edit.\n"
          " */\n#include \"unicode/graphemes.h\"\n")
    rows("const uint8_t tok_cluster_index[8704]", index)
    print(f"\nconst uint8_t tok_cluster_blocks[][128] = {{")
    for block in blocks:
        print("\t{")
        lines(block, "\t\t")
        print("\t},")
    print("};")


def lines(values, indent):
    for i in range(0, len(values), 24):
        print(indent + ",".join(map(str, values[i:i + 24])) + ",")


def rows(name, values):
    print(name + " = {")
    lines(values, "\t")
    print("};")


if __name__ == "__main__":
    main()
