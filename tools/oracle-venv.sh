#!/usr/bin/env bash
# Makes build/oracle-venv: a Python environment with the tools that tests/oracle compares memwall with.
# Does nothing when it is there. numpy is held back: SCALE-Sim 3.0.0 fails with the newest.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/oracle-venv
stamp=$venv/complete-1
[[ ! -e $stamp ]] || exit 0
python3 -c 'import ensurepip' 2>/dev/null || { echo "oracle-venv: python3-venv is not installed" >&2; exit 1; }
mkdir -p build
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check scalesim==3.0.0 'numpy<2.3'
touch "$stamp"
