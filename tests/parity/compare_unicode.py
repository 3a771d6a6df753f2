#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the Unicode tables of the tokenizers with Hugging Face tokenizers (0.22): every
scalar value, its classes, lower case, both decompositions and combining class.

usage: compare_unicode.py UNICODE [RECORD]

UNICODE is the program of unicode.c.  RECORD, if given, gets for each 4,096 code points the
32-bit FNV-1a hash of what the library said, for the unit test.
"""
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__),
                                "../../plugins/tokenizers/common/unicode"))
import probe


def classes_of(rows):
    """A character for each combining class, itself without decomposition."""
    return {row[1]: chr(c) for c, row in rows.items()
            if row[1] and not row[0] & probe.DECOMPOSES}


def ccc_is(c, value, marks):
    """Whether the library sorts a character as one of that class."""
    text = probe.nfd(c)
    if len(text) > 1:
        return True
    if not value:
        # U+0345 has the highest class: it would go behind any other mark.
        return probe.nfd_text("a\u0345" + text) == "a\u0345" + text
    return all(probe.nfd_text("a" + text + mark) == ("a" + mark + text if v < value
                                                     else "a" + text + mark)
               for v, mark in marks.items())


def fnv(h, numbers):
    for byte in struct.pack(f"<{len(numbers)}I", *numbers):
        h = (h ^ byte) * 0x01000193 & 0xffffffff
    return h


def main():
    data = subprocess.run([sys.argv[1]], stdout=subprocess.PIPE, check=True).stdout
    rows = dict(zip(probe.scalars(), struct.iter_unpack("26I", data)))
    marks, hashes, different = classes_of(rows), {}, 0
    for c, row in rows.items():
        lower = [ord(x) for x in probe.lower(c)]
        nfd = [ord(x) for x in probe.nfd(c)]
        flags = probe.classes(c)
        nfkd = [ord(x) for x in probe.nfkd(c)]
        flags |= (probe.LOWER * (lower != [c]) | probe.DECOMPOSES * (nfd != [c])
                  | probe.COMPATIBLE * (nfkd != nfd)
                  | probe.COMPOSED * (nfd != [c] and probe.nfc(chr(c)) == chr(c)))
        want = [flags, *(lower + [0])[:2], *(nfd + [0, 0, 0])[:4],
                *((nfkd if nfkd != nfd else []) + [0] * 18)[:18]]
        hashes[c >> 12] = fnv(hashes.get(c >> 12, 0x811c9dc5), want)
        got = [row[0] & ~(probe.COMBINES | probe.JOINS), *row[2:]]
        if got != want or not ccc_is(c, row[1], marks):
            different += 1
            if different <= 10:
                print(f"U+{c:04X}: {row}, expected {want}")
    print(f"{len(rows)} scalar values compared, {different} different")
    if len(sys.argv) > 2:
        with open(sys.argv[2], "w") as f:
            f.writelines(f"{hashes[b]:08x}\n" for b in sorted(hashes))
    sys.exit(different > 0)


main()
