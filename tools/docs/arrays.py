#!/usr/bin/env python3
"""Writes docs/arrays.md and its pictures: what splitting an array does, and sharing it between prompts and answers."""

from project import memwall, table, write
from svg import lines, range_bars


def figures(system):
    return {line["figure"]: line for line in memwall("explain", "figures", "--system", system)["figures"]}


def digits(value):
    """Three significant digits, whole numbers above a thousand grouped."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def sweep(figure, fact):
    points = memwall("sweep", "--system", "1xsplittable", "--figure", figure, "--fact", fact)["points"]
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
    for way, title in WAYS:
        rate, batch, ttft, tpot = (known[f"sharing.{way}_{what}"] for what in ("rate", "batch", "ttft", "tpot"))
        rows.append([title, digits(rate["value"]), f"{digits(rate['low'])} to {digits(rate['high'])}",
                     f"{batch['value']:.0f}", f"{1e3 * ttft['value']:.1f} ms", f"{1e3 * tpot['value']:.1f} ms"])
    return table(["way", "tokens/s", "over all estimates", "batch", "TTFT", "TPOT"], rows)


def coupling(known):
    rows = [[f"{slabs} of 16", f"{known[f'sharing.decode_speed_on_{slabs}']['value']:.2f}",
             f"{known[f'sharing.decode_slowdown_on_{slabs}']['value']:.2f}"] for slabs in (1, 2, 4, 8)]
    return table(["slabs for decode", "decode's speed, 1 slab = 1", "slower beside the prefill by"], rows)


WAYS = (("batched", "one pass for all tokens"), ("turns", "turns on the whole array"),
        ("shared", "slabs beside slabs"), ("halves", "two half-size chips"))


def ways(known):
    return [(title, *(known[f"sharing.{way}_rate"][key] for key in ("value", "low", "high"))) for way, title in WAYS]


def speedups(fact):
    return [(f"M = {m}", sweep(f"split.speedup_m{m}", fact)) for m in (1, 16, 64)]


def main():
    one, many = figures("1xsplittable"), figures("splittable-160")
    write("pictures/arrays-sharing.svg", range_bars(
        "Output tokens/s, TTFT <= 500 ms, TPOT <= 20 ms; whiskers: over all estimates",
        [("one chip, weights in HBM", ways(one)), ("160 chips, weights in SRAM", ways(many))], digits))
    write("pictures/arrays-splitting.svg", lines(
        "Speed-up of 16 slabs over one array, by the width of the weight port",
        "weight port of one array, words per cycle", "speed-up", speedups("ports.weights")))
    write("pictures/arrays-slabs.svg", lines(
        "Speed-up of so many slabs over one array, weight port of 4,096 words", "slabs", "speed-up",
        speedups("array.row_parts")))
    write("arrays.md", f"""# Arrays that split

Written by `tools/make_docs.sh`; do not edit. The design is `chips/splittable.yaml`: a
family of designs whose every number is an estimate with a range. No number here is any vendor's.

## What splitting does to a small GEMM

Useful multiply-accumulates per cell and cycle in per cent, K = N = 8192 on 65,536 cells, weight stationary, ports as wide as the
parts take. Left: folds one after another, SCALE-Sim's count. Right: the next tile loads while this one streams.

{utilization(one)}
`memwall op gemm --split --system 1xsplittable --m 1 --n 8192 --k 8192` lists the ways for any shape under the card's ports.

Each slab takes a row of weights per cycle, so the weight port must grow with the slabs. Where it does not, nothing is gained (M = 1
and M = 16 are one line in the first picture):

![Speed-up over the width of the weight port](pictures/arrays-splitting.svg)
![Speed-up over the number of slabs](pictures/arrays-slabs.svg)

At M = 1 sixteen slabs are {one['split.speedup_m1']['value']:.1f} times as fast as one array behind a port of 4,096 words per cycle;
at M = 4096 {one['split.speedup_m4096']['value']:.2f} times: a long prompt does not care.

## Prompts and answers on one array

Llama-3.1-8B, prompts of 2,048 tokens, answers of 256, TTFT at most 500 ms, TPOT at most 20 ms; the largest rate within both, each
way at its own best batch. In steady state a step decodes a batch and prefills what replaces the sequences that end. Each way has
the same arithmetic, memory and links; the halves have half of each per chip.

![Output tokens/s by the way the array is shared](pictures/arrays-sharing.svg)

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
""")


if __name__ == "__main__":
    main()
