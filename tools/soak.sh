#!/usr/bin/env bash
# Every property over cases it has not seen: each test program that has properties, with fresh seeds.
#   tools/soak.sh [ROUNDS] [TEST_PROGRAM]...      needs the test build (make test)
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-20}
shift || true
if [[ $# == 0 ]]; then
  set -- $(grep -rl check_property --include='*_test.cpp' memwall tests |
    sed -E 's|tests/||; s|/[^/]*$||; s|.*/||; s|$|_test|' | sort -u)
fi
failed=0
for program in "$@"; do
  names=$(cd build/test && grep -rh -B1 check_property ../../memwall ../../tests --include='*_test.cpp' |
    sed -nE 's/^TEST\((\w+), (\w+)\).*/\1.\2/p' | paste -sd:)
  for ((round = 1; round <= rounds; ++round)); do
    seed=$((RANDOM << 30 | RANDOM << 15 | RANDOM))
    if ! out=$(cd build/test && RC_PARAMS="seed=$seed" "./$program" --gtest_brief=1 --gtest_filter="$names" 2>&1); then
      failed=1
      echo "$program, seed $seed"
      echo "$out"
    fi
  done
  echo "$program: $rounds rounds"
done
exit $failed
