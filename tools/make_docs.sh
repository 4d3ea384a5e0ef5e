#!/bin/sh
# Writes the generated pages of docs/ and their pictures from what memwall answers now. Needs python3.
set -eu
cd "$(dirname "$0")/.."
make -s build/release/build.ninja
cmake --build build/release --target memwall_cli
for page in arrays attention_and_ffn_apart fifteen_times memory_wall removing_control; do
  python3 -B "tools/docs/$page.py" build/release/memwall docs
done
