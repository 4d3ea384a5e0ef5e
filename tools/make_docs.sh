#!/bin/sh
# Writes the generated pages of docs/ and their pictures from what memwall answers now. Needs python3.
set -eu
cd "$(dirname "$0")/.."
make -s build/release/build.ninja
cmake --build build/release --target memwall_cli
for page in tools/docs/memory_wall.py tools/docs/fifteen_times.py; do
  python3 "$page"
done
