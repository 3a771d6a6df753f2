# SPDX-License-Identifier: Apache-2.0
"""Writes csv.json: texts of comma-separated values and the rows that Python's csv module reads
from them, strictly.  Run as: python3 golden_csv.py >csv.json"""
import csv
import io
import json
import random

random.seed(1)
PIECES = ['a', 'b c', '', ' ', '""', '"', ',', '\n', '\r\n', '\t', 'é', '日本', '0', '#']


def field():
    """A cell as it stands in the file: plain, or quoted with what needs quotes."""
    if random.random() < 0.5:
        return ''.join(random.choice('ab c0é#\t') for _ in range(random.randrange(4)))
    inside = ''.join(random.choice(PIECES) for _ in range(random.randrange(6)))
    return '"' + inside.replace('"', '""') + '"'


def text():
    end = random.choice(['\n', '\r\n'])
    rows = [','.join(field() for _ in range(random.randrange(1, 5)))
            for _ in range(random.randrange(1, 5))]
    return end.join(rows) + random.choice(['', end, end + end])


def rows(t):
    return [r for r in csv.reader(io.StringIO(t, newline=''), strict=True) if r]


def main():
    hand = ['a,b\n', 'a,\n', ',\n', '""\n', 'a"b,c""d\n', ' "a",b\n', '"a""b","c\nd"\n',
            '"""",""""""\n', 'a\n\nb\n', '"x\r\ny",z\r\n', '"last"']
    cases = hand + [text() for _ in range(150)]
    print('[')
    print(',\n'.join(json.dumps({'csv': t, 'rows': rows(t)}, ensure_ascii=False)
                     for t in cases))
    print(']')


main()
