#!/usr/bin/env bash
# Resolves requirements*.in into requirements*.txt: every version pinned, every file by its hash, for Python 3.11 and later.
# Run it to take newer versions; it needs python3 and PyPI.
set -euo pipefail
cd "$(dirname "$0")"
venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet 'uv==0.9.*'
for name in requirements requirements-build; do
  "$venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
    --custom-compile-command images/postgres/lock.sh "$name.in" -o "$name.txt"
done
