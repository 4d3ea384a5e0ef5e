"""docs/removing-control.md: what a published rate of a transformer-only chip needs, and what removing control buys."""

from project import memwall, table, write
from svg import lines

PLAIN, CONTROLLED = "sohu-8", "sohu-8-with-control"
DELAYS = ["0.05 us", "0.1 us", "0.3 us", "1 us", "3 us", "6 us", "10 us"]
SHARES = ["0.3", "0.5", "0.7", "0.9"]
FIGURE = "rate.pipeline"


def figures(system):
    return {figure["figure"]: figure for figure in memwall("explain", "figures", "--system", system)["figures"]}


def sweep(system, fact, values):
    points = memwall(
        "sweep", "--system", system, "--figure", FIGURE, "--fact", fact, "--values", ",".join(values)
    )["points"]
    return {point["text"]: point for point in points}


plain, controlled = figures(PLAIN), figures(CONTROLLED)
claimed = plain[FIGURE]["value"] / plain["rate.pipeline_of_claim"]["value"]
delays = sweep(CONTROLLED, "control.per_operator", DELAYS)
shares = sweep(CONTROLLED, "control.array_share", SHARES)
by_delay = [(1e6 * delays[text]["value"], delays[text]["figure"]) for text in DELAYS]
TITLE = "Tokens per second of eight chips over the time that starts an operator"
PICTURE = "pictures/removing-control.svg"
write(
    PICTURE,
    lines(
        TITLE,
        "time before every operator (us)",
        "tokens/s",
        [("half the arrays left to control", by_delay)],
        [(claimed, "claimed"), (plain[FIGURE]["value"], "no control")],
    ),
)


def row(name):
    cells = [figures_[name] for figures_ in (plain, controlled)]
    return [f"{name} ({cells[0]['unit']})" if cells[0]["unit"] else name] + [
        f"{cell['value']:.4g} ({cell['low']:.3g} to {cell['high']:.3g})" for cell in cells
    ]


write(
    "removing-control.md",
    f"""# What removing control buys

Written by `tools/make_docs.sh`; do not edit.

Etched publishes one rate: more than {claimed:,.0f} tokens/s of eight chips on Llama 3 70B in FP8, 2,048 in and 128 out, prompt
tokens counted. Its inside is not published, so the card [`sohu`](../chips/sohu.yaml) estimates it with ranges, the arrays
sized from the rate. [`sohu-with-control`](../chips/sohu-with-control.yaml) is the same silicon with control put back: every
operator is started, and half of the arrays make room for registers, schedulers and caches. Ranges are over the estimates.

"""
    + table(["figure", PLAIN, CONTROLLED], [row(name) for name in plain])
    + f"""
![{TITLE}]({PICTURE})

"""
    + table(
        ["share of the arrays that control leaves"] + SHARES,
        [["tokens/s, 3 us before every operator"] + [f"{shares[text]['figure']:,.0f}" for text in SHARES]],
    )
    + """
What the rate needs is arithmetic, not memory: the HBM traffic is within HBM3E's reach, tensor parallelism over eight chips is
not (its sums would move more over each chip's links than any link of its time carries), so the rate implies a pipeline or
sums hidden behind arithmetic. It also needs attention beside the matrices: on the arrays themselves, one after another,
decode attention loads hundreds of rows of keys for the few queries that share them.
""",
)
