# SPDX-License-Identifier: Apache-2.0
"""What Hugging Face tokenizers makes of one character: its classes and maps."""
from tokenizers import Regex, normalizers, pre_tokenizers

# The bits of tok_class_mask, as in unicode.h.
(SPACE, CONTROL, PUNCTUATION, MARK, CJK, WORD, LOWER, DECOMPOSES, COMBINES, LETTER, NUMBER,
 NUMERIC, ACCENT, JOINS, COMPATIBLE, COMPOSED, CAPITAL, SMALL) = (1 << i for i in range(18))


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
accents = normalizers.StripAccents().normalize_str
nfc_text = normalizers.NFC().normalize_str
nfkd_text = normalizers.NFKD().normalize_str


def scalars():
    yield from range(0xD800)
    yield from range(0xE000, 0x110000)


def lower(c):
    return lower_text(chr(c))


def nfd(c):
    return nfd_text(chr(c))


def nfc(text):
    return nfc_text(text)


def nfkd(c):
    return nfkd_text(chr(c))


def matched(pre_tokenizer):
    """The scalar values that stand in the pieces of a text of all of them."""
    pieces = pre_tokenizer.pre_tokenize_str("".join(map(chr, scalars())))
    return {ord(c) for piece, _ in pieces for c in piece}


def by_regex(regex):
    return matched(pre_tokenizers.Split(Regex(regex), "removed", invert=True))


letters, numbers, spaces, capital, small = (by_regex(r) for r in (
    r"\p{L}+", r"\p{N}+", r"\s+", r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+",
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"))
# Digits isolates each: what stands alone between two letters.
numeric = {c for c in scalars()
           if len(pre_tokenizers.Digits(True).pre_tokenize_str("a" + chr(c) + "b")) == 3}


def classes(c):
    """The twelve classes of a scalar value that only the library knows."""
    text = "a" + chr(c) + "b"
    pieces = len(split(text))
    return (SPACE * (pieces == 2) | PUNCTUATION * (pieces == 3) | CONTROL * (clean(text) == "ab")
            | MARK * (strip(text) == "ab") | CJK * (cjk(text) == f"a {chr(c)} b")
            | WORD * (len(words(text)) == 1) | LETTER * (c in letters) | NUMBER * (c in numbers)
            | CAPITAL * (c in capital) | SMALL * (c in small)
            | NUMERIC * (c in numeric) | ACCENT * (accents(text) == "ab"))
