#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the safetensors reader and writer of libtenon with the Python library.

	python3 tests/parity/compare_safetensors.py core/.libs/libtenon.so.0 [FILES] [MUTATIONS]

Files of random tensors pass both ways and must give the same bytes.  Mutated files must
never be accepted by libtenon when the library refuses them; where libtenon alone refuses
one, its reason must be among those in which it is stricter on purpose.  Exit status 1 when
anything differs.
"""
import ctypes
import json
import os
import random
import sys
import tempfile

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

DTYPES = {1: np.float32, 2: np.float64, 3: np.float16, 5: np.int64, 6: np.int32, 7: np.int16,
          8: np.int8, 9: np.uint8, 10: np.bool_}
STRICTER = ("is there twice", "unknown key", "holds a NUL", "has more than 8 numbers",
            "is unsupported", "is above 9223372036854775807")


class Tensor(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int), ("n_dims", ctypes.c_uint32),
                ("dims", ctypes.c_uint64 * 8), ("begin", ctypes.c_uint64),
                ("end", ctypes.c_uint64)]


class Item(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int), ("n_dims", ctypes.c_uint32),
                ("dims", ctypes.c_uint64 * 8), ("data", ctypes.c_void_p)]


class Tenon:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        for name, result, arguments in (
                ("tn_call_create", "p", ""), ("tn_call_reset", None, "p"),
                ("tn_error_text", "s", "p"), ("tn_call_arena", "p", "p"),
                ("tn_st_open", "p", "sp"), ("tn_st_close", None, "p"), ("tn_st_count", "n", "p"),
                ("tn_st_at", "t", "pn"), ("tn_st_read", "i", "ptpp"), ("tn_st_metadata", "p", "p"),
                ("tn_st_write", "i", "spnpp"), ("tn_json_print", "s", "ppp"),
                ("tn_json_parse", "p", "snspp")):
            kinds = {"p": ctypes.c_void_p, "s": ctypes.c_char_p, "n": ctypes.c_size_t,
                     "i": ctypes.c_int, "t": ctypes.POINTER(Tensor), None: None}
            f = getattr(self.lib, name)
            f.restype = kinds[result]
            f.argtypes = [kinds[a] for a in arguments]
        self.call = self.lib.tn_call_create()

    def read(self, path):
        """({name: (dtype, shape, bytes)}, metadata), or the text of the error."""
        self.lib.tn_call_reset(self.call)
        f = self.lib.tn_st_open(path.encode(), self.call)
        if not f:
            return self.lib.tn_error_text(self.call).decode()
        tensors = {}
        for i in range(self.lib.tn_st_count(f)):
            t = self.lib.tn_st_at(f, i)
            size = t.contents.end - t.contents.begin
            data = ctypes.create_string_buffer(size + 1)
            if self.lib.tn_st_read(f, t, data, self.call):
                raise SystemExit(self.lib.tn_error_text(self.call).decode())
            tensors[t.contents.name.decode()] = (
                t.contents.dtype, list(t.contents.dims[:t.contents.n_dims]), data.raw[:size])
        metadata = self.lib.tn_st_metadata(f)
        if metadata:
            metadata = json.loads(self.lib.tn_json_print(metadata, None, self.call))
        self.lib.tn_st_close(f)
        return tensors, metadata

    def write(self, path, arrays, metadata):
        self.lib.tn_call_reset(self.call)
        items = (Item * max(1, len(arrays)))()
        for item, (name, a) in zip(items, arrays.items()):
            item.name, item.n_dims = name.encode(), a.ndim
            item.dtype = next(d for d, t in DTYPES.items() if a.dtype == t)
            item.dims[:a.ndim] = a.shape
            item.data = a.ctypes.data
        text = json.dumps(metadata).encode()
        tree = self.lib.tn_json_parse(text, len(text), b"metadata",
                                      self.lib.tn_call_arena(self.call), self.call)
        if self.lib.tn_st_write(path.encode(), items, len(arrays), tree, self.call):
            raise SystemExit(self.lib.tn_error_text(self.call).decode())


def random_arrays(rng):
    arrays = {}
    for i in range(rng.randrange(12)):
        shape = tuple(rng.randrange(5) for _ in range(rng.randrange(5)))
        bits = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 256, (*shape, 8), np.uint8)
        dtype = rng.choice(list(DTYPES.values()))
        size = np.dtype(dtype).itemsize
        a = np.ascontiguousarray(bits[..., :size]).view(dtype).reshape(shape)
        arrays[rng.choice(["", "w.", "é\n", "\"\\", "\U0001f600"]) + str(i)] = (
            a if dtype != np.bool_ else np.asarray(bits[..., 0] > 127))
    return arrays


def same(arrays, found):
    return set(arrays) == set(found) and all(
        DTYPES[found[n][0]] == a.dtype and found[n][1] == list(a.shape)
        and found[n][2] == a.tobytes() for n, a in arrays.items())


def library_reads(path):
    try:
        with safe_open(path, "np") as f:
            return {n: f.get_tensor(n) for n in f.keys()}, f.metadata()
    except (SafetensorError, OSError, TypeError, KeyError, ValueError, AttributeError):
        return None


def mutate(rng, good):
    bad = bytearray(good)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(bad))
        kind = rng.randrange(5)
        if kind == 0:
            bad[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            bad[at] = rng.choice(b"{}[]\",:\\u0123456789-.eE \n\xff")
        elif kind == 2:
            del bad[at]
        elif kind == 3:
            bad.insert(at, rng.choice(b"{}[]\",:0123456789 "))
        else:
            del bad[rng.randrange(len(bad)):]
            break
        if not bad:
            break
    if len(bad) > 8 and rng.randrange(2):	# often the length is right again
        end = bytes(bad).find(b"}}") + 2
        if end > 9:
            bad[:8] = (end - 8).to_bytes(8, "little")
    return bytes(bad)


def main():
    tenon = Tenon(sys.argv[1])
    n_files = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    n_mutations = int(sys.argv[3]) if len(sys.argv) > 3 else 20000
    rng = random.Random(1)
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "f.safetensors")
        for _ in range(n_files):
            arrays = random_arrays(rng)
            metadata = {f"k{i}": rng.choice(["", "pt", "é\"\n"]) for i in range(rng.randrange(4))}
            save_file(arrays, path, metadata or None)
            found = tenon.read(path)
            if isinstance(found, str) or not same(arrays, found[0]) or (found[1] or {}) != metadata:
                print("read differently:", found)
                different += 1
            tenon.write(path, arrays, metadata)
            back = library_reads(path)
            if back is None or {n: (a.dtype, a.shape, a.tobytes()) for n, a in back[0].items()} != \
                    {n: (a.dtype, a.shape, a.tobytes()) for n, a in arrays.items()} or \
                    (back[1] or {}) != metadata:
                print("written differently:", arrays)
                different += 1
        print(f"files read and written: {n_files}, different: {different}")
        counts = {"both accept": 0, "both refuse": 0, "tenon alone refuses": 0,
                  "tenon alone accepts": 0, "different content": 0}
        save_file({"a": np.arange(6, dtype=np.float32).reshape(2, 3),
                   "b": np.arange(4, dtype=np.int16)}, path, {"format": "pt"})
        good = open(path, "rb").read()
        for _ in range(n_mutations):
            bad = mutate(rng, good)
            with open(path, "wb") as f:
                f.write(bad)
            ours, theirs = tenon.read(path), library_reads(path)
            if isinstance(ours, str):
                counts["both refuse" if theirs is None else "tenon alone refuses"] += 1
                if theirs is not None and not any(s in ours for s in STRICTER):
                    print("refused without need:", ours, bad)
                    different += 1
            elif theirs is None:
                counts["tenon alone accepts"] += 1
                print("accepted:", bad)
                different += 1
            else:
                counts["both accept"] += 1
                if not same(theirs[0], ours[0]):
                    counts["different content"] += 1
                    different += 1
        print("mutations: " + ", ".join(f"{k} {v}" for k, v in counts.items()))
    return different != 0


if __name__ == "__main__":
    sys.exit(main())
