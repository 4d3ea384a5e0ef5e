"""Where the project is, and how its pages ask memwall."""

import json
import pathlib
import subprocess
import sys

# usage of every page's script: SCRIPT [PROGRAM [FOLDER]]
ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "release" / "memwall")
DOCS = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs"


def memwall(*arguments):
    """What memwall answers as JSON; its own error line when it refuses."""
    command = [PROGRAM, *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"memwall {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def write(name, text):
    path = DOCS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(path)


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
