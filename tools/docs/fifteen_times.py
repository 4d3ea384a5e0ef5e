"""docs/fifteen-times.md: "up to 15 times faster than conventional designs", asked of models, batches and GPU systems."""

from project import memwall, table, write

PROMPT, OUTPUT = 1024, 512
BATCHES = [1, 8, 64, 256, 1024]
GPUS = [("1xh100", "1 H100"), ("hgx-a100", "8 A100"), ("hgx-h100", "8 H100"), ("hgx-b200", "8 B200")]
CASES = [  # a model, and the wafers that hold it
    ("llama-3.1-8b", "cs-3", 1),
    ("llama-3.1-70b", "cs-3-4", 4),
    ("gpt-oss-120b", "cs-3-8", 8),
    ("llama-3.1-405b", "cs-3-32", 32),
]
CLAIM = 15
PER_USER = ("tokens/s per user", lambda a: a["tokens_per_s_per_user"])
AT_BEST = [  # of all batches that fit
    ("tokens/s per system", lambda a: a["tokens_per_s"]),
    ("tokens/s per kilowatt", lambda a: 1000 / a["j_per_token"]),
    ("decode alone: tokens/s per kilowatt", lambda a: 1000 * a["batch"] / a["decode"]["energy_j"]),
]


def race(model, systems, batch, plan=None):
    """Answers by system; None where the model does not fit."""
    extra = ["--plan", plan] if plan else []
    answers = memwall(
        "race", "--model", model, "--systems", ",".join(systems), "--prompt", PROMPT, "--output", OUTPUT,
        "--batch", batch, *extra,
    )["results"]  # fmt: skip
    return [{**answer, "batch": batch} if answer["fits"] else None for answer in answers]


class Cases:
    """Ratios as cells, and where they are at the claim or below 1."""

    def __init__(self):
        self.above, self.below, self.ratios = [], [], {}

    def cell(self, wafer, gpu, case):
        if wafer is None or gpu is None:
            return "-"
        ratio = wafer / gpu
        text = f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"
        self.ratios[case] = ratio
        if ratio >= CLAIM:
            self.above.append(case)
            return f"**{text}**"
        if ratio < 1:
            self.below.append(case)
            return f"*{text}*"
        return text

    def text(self, title):
        def listed(cases):
            return f"{len(cases)}" + (f" ({'; '.join(cases)})" if 0 < len(cases) <= 12 else "")

        return f"* **{title}**: of {len(self.ratios)} ratios {CLAIM} or more: {listed(self.above)}; below 1: {listed(self.below)}."


def best(answers, measure):
    return max((measure(answer) for answer in answers if answer), default=None)


def sections(wafers_plan):
    found = {}  # by model and batch: the wafers' answer, the GPUs'
    for model, system, wafers in CASES:
        for batch in BATCHES:
            wafer = race(model, [system], batch, wafers_plan(wafers))[0]
            found[model, batch] = wafer, race(model, [name for name, _ in GPUS], batch)
    parts, summaries = [], []
    titles = [title for _, title in GPUS]

    title, measure = PER_USER
    per_user = cases = Cases()
    rows = []
    for model, system, _ in CASES:
        for batch in BATCHES:
            wafer, gpus = found[model, batch]
            if wafer is None:
                continue
            cells = [
                cases.cell(measure(wafer), gpu and measure(gpu), f"{model} at batch {batch} against {name}")
                for name, gpu in zip(titles, gpus)
            ]
            rows.append([f"{model}, {system}", str(batch), f"{measure(wafer):,.0f}"] + cells)
    parts.append(f"### {title}, by batch\n\n" + table(["model, wafers", "batch", "wafers"] + titles, rows))
    summaries.append(cases.text(title))

    for title, measure in AT_BEST:
        cases, rows = Cases(), []
        for model, system, _ in CASES:
            own = best([found[model, batch][0] for batch in BATCHES], measure)
            gpus = [best([found[model, batch][1][g] for batch in BATCHES], measure) for g in range(len(GPUS))]
            cells = [cases.cell(own, gpu, f"{model} against {name}") for name, gpu in zip(titles, gpus)]
            rows.append([f"{model}, {system}", f"{own:,.0f}"] + cells)
        parts.append(f"### {title}, each at its best batch\n\n" + table(["model, wafers", "wafers"] + titles, rows))
        summaries.append(cases.text(title))
    return "\n".join(parts), "\n".join(summaries) + "\n", per_user


def page():
    fast, fast_summary, per_user = sections(lambda wafers: None)
    slow, slow_summary, _ = sections(lambda wafers: f"tp1 pp{wafers} mode=chain")
    batches = ", ".join(map(str, BATCHES))

    def spread(gpu):
        ratios = [ratio for case, ratio in per_user.ratios.items() if case.endswith("against " + gpu)]
        return f"{min(ratios):.2g} to {max(ratios):.2g} against {gpu}"
    return f"""# "Up to 15 times faster than conventional designs"

The claim is widely repeated; the footnote that says faster at what, than what, was not found. Here is the question put to memwall: ratios of
wafers to GPU systems for prompts of {PROMPT} tokens and {OUTPUT} generated, **{CLAIM} or more**, *less than 1*, a dash where the model does not fit.
Batches of {batches}; those that do not fit the wafers are left out. Written by `tools/make_docs.sh` from `memwall race`. Wafers rest on estimates
(the race prints how far each moves the answer: about a third up or down), GPUs on calibrated cards.

Short answer, per user and with the fastest program: {", ".join(spread(gpu) for _, gpu in GPUS)}. Per system at its best batch less of it is
left, because caches share the SRAM with the weights; per kilowatt the wafers are behind, most of all in prefill.

Kilowatts are those of the chips with their boards (GPU) or of the system (wafer, near its full power at all times), prefill included.

## The fastest program known

K-tree reductions, the grid that takes least (`mode=ktree`).

{fast_summary}
{fast}
## The vendor's pipelined reductions

As Cerebras' own GEMV is described, which also comes within 20 % of the speed of its services in August 2024 (`mode=chain`).

{slow_summary}
{slow}"""


write("fifteen-times.md", page())
