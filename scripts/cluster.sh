#!/usr/bin/env bash
# The Kubernetes of the tests, to play with: --help says more.
cd "$(dirname "$0")/.." || exit 1
[ "${1:-}" = --help ] || bash scripts/setup.sh tests || exit
PATH=$PWD/node_modules/.bin:$PATH
exec node --disable-warning=ExperimentalWarning e2e/cluster/play.ts "$@"
