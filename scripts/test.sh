#!/usr/bin/env bash
# Every test that this machine can run; arguments go to jest. Closes with `N passed, N failed, N skipped`.
set -uo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
export NODE_OPTIONS='--experimental-vm-modules --disable-warning=ExperimentalWarning'
result=$(mktemp)
trap 'rm -f "$result"' EXIT
# In turn: what one test does to the kernel must not be what another one sees.
# An open handle of one test must not hold the whole run for ever.
RIPOSTE_TEST_RESULT=$result jest --runInBand --forceExit "$@" 2>&1
status=$?
cat "$result"
exit $status
