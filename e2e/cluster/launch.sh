#!/bin/sh
# Starts a component where it belongs: launch.sh CGROUP NETNS MOUNTS COMMAND...
# MOUNTS: "-" the host's mounts; "own:FOLDER" a node's own, with FOLDER's run, var/lib and var/log in place of the host's;
# "of:PID" those of a process. It dies with the process that started it, whatever that one died of.
set -e
cgroup=$1 netns=$2 mounts=$3
shift 3
for tree in $(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/self/mounts | sort -u); do
	echo $$ >"$tree/$cgroup/cgroup.procs"
done
case $mounts in
own:*)
	# What is mounted here goes with the last process and is seen by nobody else; pods may still ask for HostToContainer.
	set -- unshare --mount --propagation slave sh -c '
		set -e
		mount --make-rshared /
		for folder in run var/lib var/log; do mount --bind "$1/$folder" "/$folder"; done
		# As systemd does on a real node; a kernel may lack them.
		mount -t bpf bpf /sys/fs/bpf 2>/dev/null || true
		mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || true
		shift
		exec "$@"' sh "${mounts#own:}" "$@"
	;;
of:*) set -- nsenter --mount="/proc/${mounts#of:}/ns/mnt" "$@" ;;
esac
# Not "ip netns exec": that remounts /sys and hides the control groups.
exec setpriv --pdeathsig KILL nsenter --net="/run/netns/$netns" "$@"
