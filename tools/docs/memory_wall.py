"""docs/memory-wall.md: where the energy of a token goes, on every kind of processor."""

from project import memwall, quantity, table, write
from svg import stacked_bars

MODEL, PROMPT, OUTPUT = "llama-3.1-8b", 1024, 1024
SYSTEMS = [
    ("hgx-a100", "GPU, A100"),
    ("hgx-h100", "GPU, H100"),
    ("hgx-b200", "GPU, B200"),
    ("groq-576", "LPU v1, 576 chips"),
    ("lpx-rack", "LPU, LPX rack"),
    ("cs-3", "wafer, CS-3"),
    ("tpu-ironwood-4", "systolic, 4 TPU Ironwood"),
    ("splittable-160", "systolic, splittable (estimated)"),
    ("corsair-server", "in memory, Corsair server"),
    ("taalas-hc1", "hardwired, HC1"),
]
PARTS = ["weights", "arithmetic", "kv", "communication", "overhead"]
TITLES = ["weights", "arithmetic", "KV cache", "links", "idle and static"]


def energies(batch):
    """(name, joules per token by part, whether estimates are in it, what refuses it) of a decode step."""
    answers = memwall(
        "race", "--model", MODEL, "--prompt", PROMPT, "--output", OUTPUT, "--batch", batch,
        "--systems", ",".join(system for system, _ in SYSTEMS),
    )["results"]  # fmt: skip
    for (_, name), answer in zip(SYSTEMS, answers):
        if not answer["fits"]:
            yield name, None, answer["refusal"]
            continue
        decode = answer["decode"]
        per_token = decode["energy_j"] / batch
        yield name, [per_token * decode["energy_shares"][part] for part in PARTS], ""


def pictures(batch, found):
    """Markdown of two pictures: what a token sets in motion, and that with the power that flows anyway."""
    noun = f"{batch} sequence{'s' if batch > 1 else ''}"
    moved = f"Joules that a token moves, {MODEL}, {noun}"
    whole = f"All joules per token, {MODEL}, {noun}"
    joules = lambda value: quantity(value, "J")
    active = [(name, parts[:-1]) for name, parts in found if sum(parts[:-1]) > 0]
    write(f"pictures/memory-wall-{batch}.svg", stacked_bars(moved, TITLES[:-1], active, joules))
    write(f"pictures/memory-wall-{batch}-all.svg", stacked_bars(whole, TITLES, found, joules))
    return f"![{moved}](pictures/memory-wall-{batch}.svg)\n\n![{whole}](pictures/memory-wall-{batch}-all.svg)\n\n"


def section(batch):
    found = list(energies(batch))
    bars = [(name, parts) for name, parts, _ in found if parts]
    rows = [[name] + [quantity(part, "J") for part in parts] + [quantity(sum(parts), "J")] for name, parts in bars]
    refused = [f"* {name}: {why}\n" for name, parts, why in found if not parts]
    return (
        pictures(batch, bars)
        + table(["system"] + TITLES + ["J/token"], rows)
        + ("\nDoes not fit:\n\n" + "".join(refused) if refused else "")
    )


write(
    "memory-wall.md",
    f"""# The memory wall in one picture

Written by `tools/make_docs.sh`; do not edit.

{MODEL} decodes at a context of {PROMPT + OUTPUT // 2} tokens. A token's energy is split as the ledger splits it: fetching
weights from wherever they are, arithmetic, the KV cache, links between chips, and the power that flows whatever is done.
Where a chip's process is published its energies are those of the process (`technology/`), unless its makers state their own. Nearly every
figure rests on estimates: `memwall race` lists them, with how far the answer moves over their ranges.

## One sequence

{section(1)}
The first picture is the memory wall. A GPU or a TPU fetches every weight from HBM for one token. SRAM fetches it from beside the
multiplier, memory that computes only reloads what changes, wiring has nothing to fetch: a hundred times fewer joules, for
machines of very different size. The second picture is the price: one user leaves most of a large machine idle, and what is static
dominates wherever hundreds of chips hold one model. A CS-3's power is measured as a whole: arithmetic and SRAM take their part of it
by the energies of 5 nm, the rest stands under static, hops of its mesh among it. HC1's is published as a whole, and what is not
idle counts as its arithmetic.

## Sixty-four sequences

{section(64)}
A batch shares each fetched weight among its tokens, which is how GPUs get around the wall; the KV cache is nobody's to share, and
outgrows the weights wherever those are near.
""",
)
