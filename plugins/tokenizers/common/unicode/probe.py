# SPDX-License-Identifier: Apache-2.0
"""What Hugging Face tokenizers makes of one character: its classes and maps."""
from tokenizers import normalizers, pre_tokenizers

# The bits of tok_class_mask, as in unicode.h.
SPACE, CONTROL, PUNCTUATION, MARK, CJK, WORD, LOWER, DECOMPOSES, COMBINES = (
    1 << i for i in range(9))


def bert(**on):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False,
               lowercase=False)
    return normalizers.BertNormalizer(**{**off, **on}).normalize_str


clean = bert(clean_text=True)
cjk = bert(handle_chinese_chars=True)
strip = bert(strip_accents=True)
lower_text = normalizers.Lowercase().normalize_str
nfd_text = normalizers.NFD().normalize_str
split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
words = pre_tokenizers.Whitespace().pre_tokenize_str


def scalars():
    yield from range(0xD800)
    yield from range(0xE000, 0x110000)


def lower(c):
    return lower_text(chr(c))


def nfd(c):
    return nfd_text(chr(c))


def classes(c):
    """The six classes of a scalar value that only the library knows."""
    text = "a" + chr(c) + "b"
    pieces = len(split(text))
    return (SPACE * (pieces == 2) | PUNCTUATION * (pieces == 3) | CONTROL * (clean(text) == "ab")
            | MARK * (strip(text) == "ab") | CJK * (cjk(text) == f"a {chr(c)} b")
            | WORD * (len(words(text)) == 1))
