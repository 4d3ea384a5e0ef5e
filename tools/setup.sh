#!/bin/sh
# Installs what memwall needs and this machine lacks, from Debian 12's own packages.
#   tools/setup.sh           to build, run and test
#   tools/setup.sh checks    also the compiler, formatter and linter of .ci/run
# Silent, instant and without the network when nothing is missing.
set -eu

packages="g++ cmake ninja-build ccache mold
  libcli11-dev libyaml-cpp-dev nlohmann-json3-dev libfmt-dev libprotozero-dev libjs-chart.js zlib1g-dev libnlopt-dev
  libhwy-dev python3 libgtest-dev libgmock-dev librapidcheck-dev protobuf-compiler"
[ "${1:-}" != checks ] ||
  packages="$packages git libbenchmark-dev clang-19 libclang-rt-19-dev clang-format-19 clang-tidy-19
  verilator yosys python3-venv"

if ! command -v dpkg-query >/dev/null; then
  echo "setup: not a Debian system; memwall needs the equivalents of:" $packages >&2
  exit 0  # they may well be there: the build says which one is not
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null || true)
missing=
for package in $packages; do
  case "
$installed
" in
    *"
installed $package
"*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
  as_root=sudo
  if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    echo "setup: run this as root, then try again: apt-get install$missing" >&2
    exit 1
  fi
fi

echo "setup: installing$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 "$@" >>"$log" 2>&1 </dev/null; }
if ! { apt update && apt install -y --no-install-recommends $missing; }; then
  cat "$log" >&2
  echo "setup: could not install$missing" >&2
  exit 1
fi
