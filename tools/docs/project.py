"""Where the project is, and how its pages ask memwall."""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def memwall(*arguments):
    """What memwall answers as JSON; its own error line when it refuses."""
    command = [str(ROOT / "build" / "release" / "memwall"), *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"memwall {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def write(name, text):
    path = DOCS / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    print(path.relative_to(ROOT))


def quantity(value, unit):
    """Three digits and a prefix: 0.0123, "J" -> "12.3 mJ"."""
    for prefix, scale in (("M", 1e6), ("k", 1e3), ("", 1.0), ("m", 1e-3), ("u", 1e-6), ("n", 1e-9)):
        if abs(value) >= 0.9995 * scale or prefix == "n":
            return f"{value / scale:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def table(titles, rows):
    """Markdown; the first column left, the others right."""
    lines = ["| " + " | ".join(titles) + " |", "| --- |" + " --: |" * (len(titles) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"
