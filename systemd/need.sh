#!/usr/bin/env bash
# Install, with the system's package manager, the packages whose programs are missing.
# Arguments: PROGRAM:PACKAGE ...   (an empty PROGRAM: install the package in any case)
set -euo pipefail

missing=()
for pair in "$@"; do
    program=${pair%%:*}
    package=${pair#*:}
    # mkfs.vfat lives in sbin, which is not on every user's PATH.
    if [ -z "$program" ] || ! PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null; then
        missing+=("$package")
    fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "PiSM needs these packages, and there is no apt-get here to install them: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "PiSM needs these packages; ask an administrator to run: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "Installing ${missing[*]}"
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "${install[@]}" >"$log" 2>&1; then
    # A machine that never fetched its package lists knows no package: fetch them once and try again.
    "${as_root[@]}" apt-get update >>"$log" 2>&1 || true
    if ! "${install[@]}" >>"$log" 2>&1; then
        tail -n 5 "$log" >&2
        echo "PiSM could not install ${missing[*]}; install them by hand and try again" >&2
        exit 1
    fi
fi
