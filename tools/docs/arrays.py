#!/usr/bin/env python3
"""Writes docs/arrays.md and its pictures from what memwall itself answers.

usage: tools/docs/arrays.py [PROGRAM [FOLDER]]     default: build/release/memwall docs

A test holds the pages of docs/ to what this writes.
"""
import json
import pathlib
import subprocess
import sys

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "build/release/memwall"
FOLDER = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "docs")
COLOURS = ["#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#9c755f"]


def ask(*arguments):
    return json.loads(subprocess.run([PROGRAM, *arguments, "--json"], check=True, capture_output=True).stdout)


def figures(system):
    return {line["figure"]: line for line in ask("explain", "figures", "--system", system)["figures"]}


def digits(value):
    """Three significant digits, whole numbers above a thousand grouped."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def table(titles, rows):
    lines = ["| " + " | ".join(titles) + " |", "| " + " | ".join("---" for _ in titles) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def text(x, y, content, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{content}</text>'


def picture(name, width, height, parts):
    style = "text{font:12px sans-serif;fill:#222}path,line{fill:none}"
    (FOLDER / "arrays").mkdir(parents=True, exist_ok=True)
    (FOLDER / "arrays" / name).write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
        f'<style>{style}</style><rect width="{width}" height="{height}" fill="#fff"/>\n'
        + "\n".join(parts) + "\n</svg>\n", encoding="utf-8")


def bars(name, title, groups):
    """groups: [(title, [(label, value, low, high)])], each scaled to its own largest value."""
    parts, y = [text(10, 20, title)], 45
    for group, entries in groups:
        parts.append(text(10, y, group))
        most = max(high for _, _, _, high in entries)
        for index, (label, value, low, high) in enumerate(entries):
            y += 22
            scale = 380 / most
            parts.append(text(90, y, label, "end"))
            parts.append(f'<rect x="100" y="{y - 11}" width="{value * scale:.1f}" height="14" '
                         f'fill="{COLOURS[index]}"/>')
            parts.append(f'<line x1="{100 + low * scale:.1f}" x2="{100 + high * scale:.1f}" y1="{y - 4}" '
                         f'y2="{y - 4}" stroke="#222"/>')
            parts.append(text(495, y, digits(value)))
        y += 34
    picture(name, 580, y - 10, parts)


def lines(name, title, x_title, series):
    """series: [(label, [(x, y)])]; both axes logarithmic to the base 2."""
    from math import log2
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    left, right, top, bottom = 60, 440, 40, 260
    span_x, span_y = log2(max(xs) / min(xs)), max(log2(max(ys) / min(ys)), 1)
    place_x = lambda x: left + (right - left) * log2(x / min(xs)) / span_x
    place_y = lambda y: bottom - (bottom - top) * log2(y / min(ys)) / span_y
    parts = [text(10, 20, title), f'<path d="M{left} {top}V{bottom}H{right}" stroke="#888"/>',
             text((left + right) / 2, bottom + 36, x_title, "middle")]
    parts += [text(place_x(x), bottom + 16, digits(x), "middle") for x in sorted(set(xs))]
    for value in (min(ys), max(ys)):
        parts.append(text(left - 6, place_y(value) + 4, digits(value), "end"))
    for index, (label, points) in enumerate(series):
        path = "L".join(f"{place_x(x):.1f} {place_y(y):.1f}" for x, y in points)
        parts.append(f'<path d="M{path}" stroke="{COLOURS[index]}" stroke-width="2"/>')
        parts += [f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="3" fill="{COLOURS[index]}"/>'
                  for x, y in points]
        parts.append(f'<rect x="455" y="{48 + 20 * index}" width="12" height="12" fill="{COLOURS[index]}"/>')
        parts.append(text(472, 58 + 20 * index, label))
    picture(name, 620, 305, parts)


def sweep(figure, fact):
    points = ask("sweep", "--system", "1xsplittable", "--figure", figure, "--fact", fact)["points"]
    return [(point["value"], point["figure"]) for point in points if point["figure"]]


def utilization(known):
    cuts = [("whole", "1 x 256x256"), ("2x2", "4 x 128x128"), ("4x4", "16 x 64x64"), ("8x8", "64 x 32x32"),
            ("16x1", "16 slabs of 16x256")]
    rows = []
    for m in (1, 8, 16, 64, 256, 4096):
        row = [str(m)]
        for cut, _ in cuts:
            single, double = (known[f"utilization.m{m}_{cut}_{kind}"]["value"] for kind in ("single", "double"))
            row.append(f"{single:.3g} / {double:.3g}")
        rows.append(row)
    return table(["M"] + [title for _, title in cuts], rows)


def sharing(known):
    rows = []
    for way, title in (("batched", "one pass for all tokens"), ("turns", "turns on the whole array"),
                       ("shared", "slabs beside slabs"), ("halves", "two half-size chips")):
        rate, batch, ttft, tpot = (known[f"sharing.{way}_{what}"] for what in ("rate", "batch", "ttft", "tpot"))
        rows.append([title, digits(rate["value"]), f"{digits(rate['low'])} to {digits(rate['high'])}",
                     f"{batch['value']:.0f}", f"{1e3 * ttft['value']:.1f} ms", f"{1e3 * tpot['value']:.1f} ms"])
    return table(["way", "tokens/s", "over all estimates", "batch", "TTFT", "TPOT"], rows)


def coupling(known):
    rows = [[f"{slabs} of 16", f"{known[f'sharing.decode_speed_on_{slabs}']['value']:.2f}",
             f"{known[f'sharing.decode_slowdown_on_{slabs}']['value']:.2f}"] for slabs in (1, 2, 4, 8)]
    return table(["slabs for decode", "decode's speed, 1 slab = 1", "slower beside the prefill by"], rows)


def main():
    one, many = figures("1xsplittable"), figures("splittable-160")
    entries = lambda known: [(way, *(known[f"sharing.{way}_rate"][key] for key in ("value", "low", "high")))
                             for way in ("batched", "turns", "shared", "halves")]
    bars("sharing.svg", "Output tokens/s within 500 ms TTFT and 20 ms TPOT; lines: over the ranges of all estimates",
         [("one chip, weights in HBM", entries(one)), ("160 chips, weights in SRAM", entries(many))])
    lines("splitting.svg", "Speed-up of 16 slabs over one array, by the width of the weight port",
          "weight port of one array, words per cycle",
          [(f"M = {m}", sweep(f"split.speedup_m{m}", "ports.weights")) for m in (1, 16, 64)])
    lines("slabs.svg", "Speed-up of so many slabs over one array, weight port of 4,096 words", "slabs",
          [(f"M = {m}", sweep(f"split.speedup_m{m}", "array.row_parts")) for m in (1, 16, 64)])
    (FOLDER / "arrays.md").write_text(f"""# Arrays that split

Written by `tools/docs/arrays.py` from memwall's own answers; a test keeps it current. The design is `chips/splittable.yaml`: a
family of designs whose every number is an estimate with a range. No number here is any vendor's.

## What splitting does to a small GEMM

Useful multiply-accumulates per cell and cycle in per cent, K = N = 8192 on 65,536 cells, weight stationary, ports as wide as the
parts take. Left: folds one after another, SCALE-Sim's count. Right: the next tile loads while this one streams.

{utilization(one)}
`memwall op gemm --split --system 1xsplittable --m 1 --n 8192 --k 8192` lists the ways for any shape under the card's ports.

Each slab takes a row of weights per cycle, so the weight port must grow with the slabs. Where it does not, nothing is gained:

![Speed-up over the width of the weight port](arrays/splitting.svg)
![Speed-up over the number of slabs](arrays/slabs.svg)

At M = 1 sixteen slabs are {one['split.speedup_m1']['value']:.1f} times as fast as one array behind a port of 4,096 words per cycle;
at M = 4096 {one['split.speedup_m4096']['value']:.2f} times: a long prompt does not care.

## Prompts and answers on one array

Llama-3.1-8B, prompts of 2,048 tokens, answers of 256, TTFT at most 500 ms, TPOT at most 20 ms; the largest rate within both, each
way at its own best batch. In steady state a step decodes a batch and prefills what replaces the sequences that end. Each way has
the same arithmetic, memory and links; the halves have half of each per chip.

![Output tokens/s by the way the array is shared](arrays/sharing.svg)

One chip, weights in HBM:

{sharing(one)}
160 chips, weights in SRAM:

{sharing(many)}
With weights in HBM one pass for all tokens wins: it reads the weights once, and two passes read them twice. With weights in SRAM that
costs little, and slabs beside slabs win: while one side waits for a link or for the cache, the other computes.

Two findings on divided GPUs come out as well (decode of 32 sequences). More slabs stop helping beyond a share, here two of sixteen,
and a prefill that shares no cell with decode still slows it down, through HBM:

{coupling(one)}
With weights in SRAM decode gains less from every further slab, and hardly feels the prefill:

{coupling(many)}
## To see more

    memwall explain figures --system 1xsplittable
    memwall sweep --system splittable-160 --figure sharing.shared_rate --page out/sharing.html
    memwall sweep --system 1xsplittable --figure split.speedup_m1 --fact ports.weights
    memwall step --system splittable-160 --model llama-3.1-8b --decode 256@2176 --prefill 1@2048 --plan 'tp8 pp16 mode=sram/shared'

The first lists every figure with its range, the second moves every free parameter and draws one picture. The ledger of a shared step
has a line per side and operator; its column `waiting` is what one side took from the other.
""", encoding="utf-8")


if __name__ == "__main__":
    main()
