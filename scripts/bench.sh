#!/usr/bin/env bash
# Prints figures as ratios within one run; asserts nothing. `npm run bench -- engine` runs what matches.
set -uo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
git ls-files --cached --others --exclude-standard -- '*.bench.ts' | grep -- "${1:-}" | while read -r bench; do
	printf '\n# %s\n' "$bench"
	node --disable-warning=ExperimentalWarning --expose-gc "$bench" </dev/null
done
