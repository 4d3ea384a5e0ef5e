"""docs/attention-and-ffn-apart.md: GPUs for attention, LPUs for the FFN, over the crossing latency nobody publishes."""

import pathlib
import re
import tempfile

from project import ROOT, memwall, quantity, table, write
from svg import lines

LATENCIES = ["0.25 us", "0.5 us", "1 us", "2 us", "3 us", "5 us", "10 us", "20 us"]
STEP = "4@65536"
CLAIM = 1000  # tokens/s of one user, NVIDIA's for LPX
CASES = [("deepseek-v3", "vr-nvl72-lpx-8"), ("gpt-oss-120b", "vr-nvl72-lpx")]
STARTS = [("gemm", "start"), ("gemm", "helper_start"), ("experts", "start"), ("attention", "start"),
          ("attention", "prepare_start"), ("kernel", "pointwise_start"), ("host", "step"), ("host", "sequence")]  # fmt: skip
FASTER = 20


def system_with_faster_starts(system, folder):
    """A copy of the card whose GPUs start kernels and steps FASTER times as fast."""
    chip, group = [], ""
    for line in (ROOT / "chips" / "vr200.yaml").read_text().splitlines():
        key = re.match(r"(\w+):", line)
        group = key[1] if key else group
        entry = re.match(r"  (\w+): \{value: ([\d.]+) (\w+),", line)
        if entry and (group, entry[1]) in STARTS:
            line = f'  {entry[1]}: {{value: {float(entry[2]) / FASTER:g} {entry[3]}, estimate: "what if"}}'
        chip.append(line)
    folder = pathlib.Path(folder)
    (folder / "vr200.yaml").write_text("\n".join(chip) + "\n")
    card = (ROOT / "systems" / f"{system}.yaml").read_text()
    path = folder / f"{system}.yaml"
    path.write_text(card.replace("{chip: vr200,", "{chip: ./vr200.yaml,"))
    return path


def curve(model, system):
    """(crossing latency in us, tokens/s of one user) of a decode step."""
    answer = memwall(
        "sweep", "--system", system, "--model", model, "--decode", STEP, "--kv-format", "fp8",
        "--fact", "crossing.latency", "--values", ",".join(LATENCIES),
    )  # fmt: skip
    return sorted((1e6 * point["value"], 1 / point["time_s"]) for point in answer["points"])


curves = []
with tempfile.TemporaryDirectory() as folder:
    for model, system in CASES:
        curves.append((model, curve(model, system)))
        faster = system_with_faster_starts(system, folder)
        curves.append((f"{model}, starts / {FASTER}", curve(model, faster)))
PICTURE = "pictures/attention-and-ffn-apart.svg"
TITLE = "Tokens per second of one user over the latency of one crossing"
write(PICTURE, lines(TITLE, "crossing latency (us)", "tokens/s/user", curves, [(CLAIM, "1,000 tokens/s/user claimed")]))


def crossing_limit(points):
    """The largest latency at which the claim holds, between the points of the sweep; None when at none."""
    held = None
    for (x, y), (next_x, next_y) in zip(points, points[1:]):
        if y >= CLAIM > next_y:
            held = x + (next_x - x) * (1 / CLAIM - 1 / y) / (1 / next_y - 1 / y)
    return points[-1][0] if points[-1][1] >= CLAIM else held


def verdict(points):
    held = crossing_limit(points)
    return "at no latency" if held is None else f"up to {held:.3g} us"


def floor_of(points):
    """Time of a step that is left when the crossing takes nothing: the line through the shortest two."""
    (x0, y0), (x1, y1) = points[0], points[1]
    return 1 / y0 - x0 * (1 / y1 - 1 / y0) / (x1 - x0)


rows = [
    [name, *(f"{rate:,.0f}" for _, rate in points), quantity(floor_of(points), "s"), verdict(points)]
    for name, points in curves
]
write(
    "attention-and-ffn-apart.md",
    f"""# Attention and FFN apart: Vera Rubin NVL72 with LPX

Written by `tools/make_docs.sh`; do not edit.

GPUs hold the KV cache and run prefill, attention and the head; LPUs hold the feed-forward weights in SRAM and run every
layer's FFN ([`serving/paired_processor.h`](../memwall/serving/paired_processor.h)). A token crosses twice a layer. The
bandwidth of a crossing hardly matters (14 kB per token and direction for DeepSeek-V3); its latency is not published, and
neither are the LPU's exchange and the number of racks. {STEP.replace("@", " sequences at a context of ")} tokens, KV cache in
fp8, micro-batches in ping-pong, plan chosen at each point.

![{TITLE}]({PICTURE})

"""
    + table(
        ["tokens/s/user at a crossing of"] + LATENCIES + ["step without crossing", f"{CLAIM:,} holds"],
        rows,
    )
    + f"""
"starts / {FASTER}" is the same GPU with every kernel, and the host's turn between steps, starting {FASTER} times as fast:
what a whole attention block as one kernel and a host out of the loop would come near to. With today's GPU kernels the
attention side alone takes longer than a token may at {CLAIM:,} tokens/s/user, whatever the crossing takes: some ten kernels a
layer start one after another. So the claim asks as much of the GPUs' software as of the link between the pools.
""",
)
