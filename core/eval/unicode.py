# SPDX-License-Identifier: Apache-2.0
"""Prints core/eval/unicode_table.h: lower case and word characters as Python's str.lower and
the \\w of its module re have them.

    python3 unicode.py >unicode_table.h"""
import sys
import unicodedata


def lower_runs():
    """-> [first, last, step, difference] over the characters that one other replaces."""
    runs = []
    for c in range(0x80, 0x110000):
        small = chr(c).lower()
        if len(small) != 1 or ord(small) == c:
            continue
        delta = ord(small) - c
        if runs and runs[-1][3] == delta:
            first, last, step, _ = runs[-1]
            if c - last in ((1, 2) if first == last else (step,)):
                runs[-1][1:3] = c, c - last
                continue
        runs.append([c, c, 1, delta])
    return runs


def word_runs():
    runs = []
    for c in range(0x80, 0x110000):
        if not chr(c).isalnum():
            continue
        if runs and runs[-1][1] == c - 1:
            runs[-1][1] = c
        else:
            runs.append([c, c])
    return runs


def table(items, per_line):
    for i in range(0, len(items), per_line):
        print("\t" + " ".join(items[i:i + per_line]))


def main():
    print("/* SPDX-License-Identifier: Apache-2.0\n"
          " * core/eval/unicode_table.h - made by unicode.py of Unicode %s (Python %s); not to be\n"
          " * edited.\n */" % (unicodedata.unidata_version, sys.version.split()[0]))
    print("/* Characters that lower case moves by `difference`. */\n"
          "static const struct {\n\tuint32_t first, last;\n\tint32_t step, difference;\n"
          "} lower_runs[] = {")
    table(["{ 0x%x, 0x%x, %d, %d }," % tuple(r) for r in lower_runs()], 2)
    print("};\n\n/* Letters and digits. */\nstatic const uint32_t word_runs[][2] = {")
    table(["{ 0x%x, 0x%x }," % tuple(r) for r in word_runs()], 4)
    print("};")


if __name__ == "__main__":
    main()
