#!/usr/bin/env bash
# Tries the last commit as a newcomer would: a clean clone in an empty Debian 12, with git and make and nothing else.
#   tools/try-bare.sh             make demo, make demo again (timed), make test
#   tools/try-bare.sh COMMAND     something else, such as .ci/run
# Needs root, debootstrap and the package source of this machine's own apt. Leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ $(id -u) == 0 ]] || { echo "try-bare: must be root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "try-bare: needs debootstrap" >&2; exit 1; }

suite=bookworm
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Release: $suite" | head -n 1)
[[ -n $mirror ]] || { echo "try-bare: apt on this machine has no source for $suite" >&2; exit 1; }

root=$(mktemp -d)
trap 'umount "$root/proc" "$root/dev/pts" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT

echo "== an empty $suite in $root"
debootstrap --variant=minbase --include=git,make "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
  { tail -n 20 "$root.log" >&2; exit 1; }
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"  # terminals, as any machine or container has
ln -sf pts/ptmx "$root/dev/ptmx"
git clone --quiet --no-hardlinks . "$root/memwall"

run() {
  echo "== $1"
  local begin=$SECONDS
  chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin HOME=/ \
    LANG=C.UTF-8 ${CI:+CI=$CI} /bin/bash -c "cd /memwall && $1" </dev/null
  echo "== $1: $((SECONDS - begin)) s"
}

if [[ $# -gt 0 ]]; then
  run "$*"
else
  run "make demo"
  run "time make demo >/dev/null"
  run "make test"
fi
