#!/usr/bin/env bash
# Everything that a fresh machine lacks: Debian packages by name, npm packages from the lock file, the BPF objects and
# the addon. Idempotent; one line a step; what cannot be had is said in a sentence and the rest goes on.
set -uo pipefail
cd "$(dirname "$0")/.."

# name of the command or file that shows it is there → the package that brings it
packages=(
	clang:clang llvm-strip:llvm bpftool:bpftool redis-server:redis-server make:make g++:g++
	clang-format:clang-format pkg-config:pkg-config ip:iproute2 nc:netcat-openbsd
	/usr/include/bpf/libbpf.h:libbpf-dev /usr/include/libelf.h:libelf-dev /usr/include/zlib.h:zlib1g-dev
)
# only what the tests want beside it
[ "${1:-}" = tests ] && packages+=(
	chromium:chromium /usr/lib/postgresql:postgresql redis-benchmark:redis-tools
	containerd:containerd runc:runc /usr/lib/cni/ptp:containernetworking-plugins busybox:busybox-static
	iptables:iptables nft:nftables openssl:openssl gcc:gcc podman:podman
)
# Debian starts Docker with its package, which changes the host's firewall: only where nothing starts services.
[ "${1:-}" = tests ] && [ ! -d /run/systemd/system ] && packages+=(dockerd:docker.io)

step() { printf 'setup: %s\n' "$*" >&2; }
complain() { printf 'setup: %s\n' "$*" >&2; }

has() {
	case $1 in
	/*) [ -e "$1" ] ;;
	llvm-strip) command -v llvm-strip || compgen -c llvm-strip- ;;
	*) command -v "$1" || [ -x "/usr/sbin/$1" ] ;;
	esac >/dev/null 2>&1
}

missing_packages() {
	local entry
	for entry in "${packages[@]}"; do
		has "${entry%%:*}" || printf '%s\n' "${entry#*:}"
	done
}

install_packages() {
	local missing
	mapfile -t missing < <(missing_packages)
	[ ${#missing[@]} -eq 0 ] && return 0
	if ! command -v apt-get >/dev/null; then
		complain "this is no Debian or Ubuntu: install by hand what provides ${missing[*]}"
		return 0
	fi
	if [ "$(id -u)" -ne 0 ]; then
		complain "run once as root, or: sudo apt-get install ${missing[*]}"
		return 0
	fi
	step "apt-get install ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq >/dev/null 2>&1
	# A package that cannot be had must not keep the others from being installed.
	apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
		for package in "${missing[@]}"; do
			apt-get install -qq -y --no-install-recommends "$package" >/dev/null 2>&1 ||
				complain "$package cannot be had here; what needs it will be skipped or say so"
		done
	# Debian starts a server of its own for each of these; ours are children of the process that needs them.
	for service in redis-server postgresql containerd nftables; do
		case " ${missing[*]} " in *" $service "*) [ -d /run/systemd/system ] && systemctl disable --now "$service" >/dev/null 2>&1 ;; esac
	done
	return 0
}

install_modules() {
	local stamp=node_modules/.riposte-lock
	cmp -s package-lock.json "$stamp" && return 0
	step 'npm ci (packages of the lock file, Node 24 among them)'
	local log
	if ! log=$(npm ci --no-audit --no-fund --loglevel error 2>&1); then
		printf '%s\n' "$log" >&2
		complain 'npm ci failed: see the lines above'
		exit 1
	fi
	cp package-lock.json "$stamp"
}

# The real Kubernetes of the tests: minutes the first time, nothing afterwards. Without Go its tests are skipped.
build_cluster_tools() {
	command -v go >/dev/null && [ "$(id -u)" -eq 0 ] || return 0
	[[ "$(go version)" =~ go1\.(2[6-9]|[3-9][0-9]) ]] || return 0
	node_modules/.bin/node e2e/cluster/build-tools.ts >/dev/null ||
		complain 'the Kubernetes of the tests could not be built: see the lines above'
}

build_native() {
	make --question >/dev/null 2>&1 && return 0
	step 'make (BPF objects and the addon)'
	local log
	if ! log=$(make -j2 2>&1); then
		printf '%s\n' "$log" | tail -n 20 >&2
		complain 'the BPF objects or the addon could not be built: live detection is not available'
	fi
}

command -v npm >/dev/null || {
	complain 'Node 20 or newer with npm is needed (for npm alone; Node 24 comes from the lock file)'
	exit 1
}
install_packages
install_modules
build_native
[ "${1:-}" = tests ] && build_cluster_tools
step "ready ($(node_modules/.bin/node --version), kernel $(uname -r))"
