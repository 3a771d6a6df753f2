# SPDX-License-Identifier: Apache-2.0
"""Ratios as dots with their quartiles, a line for each row, written as SVG."""
from xml.sax.saxutils import escape

COLOURS = {"onnxruntime": "#1b6ca8", "ctranslate2": "#c8553d", "openvino": "#6a4c93",
           "torch": "#d9a404", "torch-compile": "#7a5c00"}
LEFT, WIDTH, STEP, TOP = 330, 560, 18, 50


def write(rows, path):
    """rows: (label, {peer: ratio with low, median, high})"""
    most = max([r.high for _, ratios in rows for r in ratios.values()] + [2.0])
    height = TOP + STEP * len(rows) + 30

    def x(ratio):
        return LEFT + WIDTH * ratio / most

    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif" font-size="11">' % (LEFT + WIDTH + 30, height),
           '<rect width="100%" height="100%" fill="white"/>']
    for i, (name, colour) in enumerate(COLOURS.items()):
        out.append('<circle cx="%d" cy="14" r="4" fill="%s"/><text x="%d" y="18">%s</text>'
                   % (LEFT + i * 110, colour, LEFT + 8 + i * 110, name))
    out.append('<text x="%d" y="38">time of the peer by that of tenon</text>' % LEFT)
    for tick in range(int(most) + 1):
        out.append('<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s"/>'
                   '<text x="%.1f" y="%d" text-anchor="middle">%d x</text>'
                   % (x(tick), x(tick), TOP - 6, height - 24, "#000" if tick == 1 else "#ddd",
                      x(tick), height - 8, tick))
    for i, (label, ratios) in enumerate(rows):
        y = TOP + STEP * i + STEP / 2
        out.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>'
                   % (LEFT - 10, y + 4, escape(label)))
        for name, r in ratios.items():
            out.append('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s"/>'
                       '<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>'
                       % (x(r.low), x(r.high), y, y, COLOURS[name], x(r.median), y,
                          COLOURS[name]))
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")
