#!/usr/bin/env bash
# What every commit passes: formatting, lint, types, dead code, C style. `check.sh quick` leaves out knip.
set -uo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
failed=0
run() {
	local title=$1 output
	shift
	if output=$("$@" 2>&1); then
		printf 'ok    %s\n' "$title"
	else
		printf 'FAIL  %s\n%s\n' "$title" "$output"
		failed=1
	fi
}
c_files() { git ls-files --cached --others --exclude-standard -- 'bpf/*.[ch]' 'native/*.cc' 'native/*.h' | grep -v 'bpf/schema.h'; }
c_style() { c_files | xargs -r clang-format --dry-run -Werror; }
run 'prettier' prettier --check . --log-level warn
run 'oxlint' oxlint --deny-warnings
run 'types' tsc -b
[ "${1:-}" = quick ] || run 'knip' knip
command -v clang-format >/dev/null && run 'clang-format' c_style
[ "${1:-}" = quick ] || { command -v clang >/dev/null && run 'BPF for arm64' make -s check-arm64; }
exit $failed
