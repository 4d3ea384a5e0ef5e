"""docs/fifteen-times.md: "up to 15 times faster than conventional designs", asked of every model, batch and GPU system."""

from project import memwall, table, write

PROMPT, OUTPUT = 1024, 512
BATCHES = [1, 8, 64, 256]
GPUS = [("1xh100", "1 H100"), ("hgx-a100", "8 A100"), ("hgx-h100", "8 H100"), ("hgx-b200", "8 B200")]
# A model, the wafers that hold it, and the programs whose speed is asked for.
CASES = [("llama-3.1-8b", "cs-3"), ("llama-3.1-70b", "cs-3-4"), ("gpt-oss-120b", "cs-3-8"), ("llama-3.1-405b", "cs-3-32")]
PROGRAMS = [("ktree", "the fastest program known"), ("chain", "the vendor's pipelined reductions, as its services ran in 2024")]
CLAIM = 15


def power(system):
    """Kilowatts: all-in where the card says so, else what the race's answer draws."""
    facts = memwall("explain", "system", "--system", system)
    text = str(facts)
    return facts, text


def race(model, system, batch, plan=None):
    extra = ["--plan", plan] if plan else []
    answer = memwall(
        "race", "--model", model, "--systems", system, "--prompt", PROMPT, "--output", OUTPUT, "--batch", batch, *extra
    )["results"][0]  # fmt: skip
    return answer if answer["fits"] else None


def measures(answer):
    """Per user, per system, and per kilowatt (tokens a second over watts is tokens a joule)."""
    return {
        "user": answer["tokens_per_s_per_user"],
        "system": answer["tokens_per_s"],
        "kilowatt": 1000 / answer["j_per_token"],
    }
