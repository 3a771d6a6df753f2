#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the tokenizer unigram live with sentencepiece (0.2) on a model of any type.

usage: compare_sentencepiece.py TOKENIZE PLUGIN.so FILE.model TEXT-FILE ...

Ids, byte offsets and the text of the ids are compared, of each text as a whole.  Texts that hold a special token of
the model are left out: sentencepiece does not look for them.
"""
import os
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from compare_tokenizers import ALL, Case, Plugin, texts_of


def is_word_model(path):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(open(path, "rb").read())
    return proto.trainer_spec.model_type == proto.trainer_spec.WORD


def rows_of(model, text, words=False):
    """[id, begin, end] in bytes.  Of the bytes of an unknown character, or of a word in a model of
    words, sentencepiece gives its source to the last; here each has it."""
    rows = [[p.id, p.begin, p.end] for p in model.encode(text, return_type="proto").pieces]
    mark = [model.PieceToId(b) for b in ("<0xE2>", "<0x96>", "<0x81>")]
    i = 0
    while i < len(rows):
        width = 1
        if model.IsByte(rows[i][0]):
            first = int(model.IdToPiece(rows[i][0])[3:5], 16)
            width = 1 + (first >= 0xc0) + (first >= 0xe0) + (first >= 0xf0)
            while words and i + width < len(rows) and model.IsByte(rows[i + width][0]) and \
                    [row[0] for row in rows[i + width:i + width + 3]] != mark:
                width += 1
            for row in rows[i:i + width]:
                row[1:] = rows[i + width - 1][1:]
        i += width
    return rows


def main():
    program, so, path, *files = sys.argv[1:]
    model = sentencepiece.SentencePieceProcessor(model_file=path)
    words = is_word_model(path)
    specials = [model.IdToPiece(i) for i in range(model.GetPieceSize())
                if model.IsControl(i) or model.IsUnknown(i)]
    n = tokens = different = 0
    with tempfile.TemporaryDirectory() as directory:
        os.symlink(os.path.abspath(path), os.path.join(directory, "spiece.model"))
        plugin = Plugin(program, so, directory)
        for name in files:
            texts = [t for t in texts_of(name) if t and not any(s in t for s in specials)]
            for i in range(0, len(texts), 2000):
                part = texts[i:i + 2000]
                answers = plugin.run([Case("", [t]) for t in part])
                rows = [rows_of(model, t, words) for t in part]
                decoded = plugin.decode([[r[0] for r in row] for row in rows], ALL)
                for text, answer, want, back in zip(part, answers, rows, decoded):
                    got = answer if isinstance(answer, str) else \
                        [[r[0], r[2], r[3]] for r in answer[0][1].tolist()] if answer else []
                    n, tokens = n + 1, tokens + len(want)
                    known = model.decode([r[0] for r in want])
                    if back != known:
                        different += 1
                        print(f"{text!r:.200}\n  decoded: {back!r:.200}, expected {known!r:.200}")
                    elif want != got:
                        different += 1
                        if different <= 5:
                            k = next((k for k, (a, b) in enumerate(zip(want, got)) if a != b), -1)
                            print(f"{text!r:.200}\n  token {k}: {got[k:k + 3]}, expected "
                                  f"{want[k:k + 3]}")
        plugin.close()
    print(f"{path} against sentencepiece {sentencepiece.__version__}: "
          f"{n} texts, {tokens} tokens, {different} different")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
