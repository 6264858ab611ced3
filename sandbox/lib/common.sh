# shellcheck shell=bash disable=SC2034
# Names, folders and small helpers that every part of the sandbox shares.

CACHE=${SANDBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/patroni-operator-sandbox}  # outlives a sandbox: programs, images, image stores
RUN=${SANDBOX_RUN:-/run/patroni-operator-sandbox}                                 # one running sandbox: sockets, credentials, logs
PORT=${SANDBOX_PORT:-16443}                                                       # API server on the host's loopback
BIN=$CACHE/bin
IMAGES=$CACHE/images
# A second sandbox beside the first (SANDBOX_RUN and SANDBOX_PORT of its own) shares programs and images only.
NAME=sbx
STORES=$CACHE/nodes            # containerd's stores, one folder for each node: an image is imported once
VOLUMES=$CACHE/volumes         # persistent volumes; not under $RUN, which is often memory
if [ "$RUN" != /run/patroni-operator-sandbox ]; then
  NAME=sbx$(sha256sum <<<"$RUN" | cut -c1-4)
  STORES+=-$NAME VOLUMES+=-$NAME
fi
CP=$NAME-cp                    # network namespace of the control plane; a node's is sbx-n1, sbx-n2, …
CNI_NETWORK=patroni-operator-$NAME-n   # and the node's number; marks our files in $CNI_RESULTS
CNI_RESULTS=/var/lib/cni/results
KUBERNETES_VERSION=1.34.4
COREDNS_VERSION=1.15.0
HELM3_VERSION=3.22.0
HELM4_VERSION=4.3.1
GO_VERSION=1.26.8        # fetched only where the host's Go is older than 1.24
SANDBOX_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REPOSITORY=$(cd "$SANDBOX_DIR/.." && pwd)

say() { printf '%s %s\n' "$(date +%T)" "$*" >&2; }
die() { printf 'sandbox: %s\n' "$*" >&2; exit 1; }
# die_showing LOG WORDS…: with the end of that log, since a machine of CI is gone before anybody can look into it
die_showing() { local log=$1; shift; tail -n 20 "$log" 2>/dev/null | cut -c1-400 | sed 's/^/  /' >&2; die "$*: see $log"; }
have() { command -v "$1" >/dev/null 2>&1; }

# `ip netns exec` would remount /sys and hide the cgroups from kubelet and containerd.
in_ns() { local ns=$1; shift; nsenter --net="/run/netns/$ns" "$@"; }

# kubectl as the administrator, from inside: it works without the forwarder on the host's loopback.
kube() { in_ns "$CP" "$BIN/kubectl" --kubeconfig "$RUN/inside.kubeconfig" "$@"; }

ctr_on() { local i=$1; shift; ctr -a "$RUN/n$i/containerd.sock" -n k8s.io "$@"; }

node_count() { local n=0; while [ -d "$RUN/n$((n + 1))" ]; do n=$((n + 1)); done; echo "$n"; }

# node_index node2 → 2
node_index() {
  local i=${1#node}
  { [[ $i =~ ^[0-9]+$ ]] && [ -d "$RUN/n$i" ]; } || die "no such node: $1 (there are node1 to node$(node_count))"
  echo "$i"
}

# The mark outlives processes that were killed (a crash, the end of a session): only both together mean a running sandbox.
is_up() { [ -f "$RUN/up" ] && all_alive; }
all_alive() {
  local p
  for p in "$RUN"/*.pid; do alive "$p" || return 1; done
}
need_up() {
  is_up && return
  [ ! -f "$RUN/up" ] || die "the sandbox here ($RUN) has crashed; start it anew with: npm run sandbox -- up"
  die "no sandbox is up here ($RUN); start one with: npm run sandbox -- up"
}
need_root() { [ "$(id -u)" = 0 ] || die "needs root: it makes network namespaces and mounts"; }

# alive PIDFILE: the process named there runs and is the one we started (a pid may have been given away meanwhile).
alive() {
  local pid start
  read -r pid start 2>/dev/null <"$1" || return 1
  [ -n "$start" ] && [ "$(process_start "$pid")" = "$start" ]
}
# when a process started, in clock ticks; nothing for one that is gone or a zombie
process_start() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" {print $20}'; }
pid_of() { cut -d' ' -f1 "$1"; }

# spawn NAME NAMESPACE COMMAND…: a process of the sandbox. Its pid file also holds the start time, its output goes to log/NAME.log.
spawn() {
  local name=$1 ns=$2 pid; shift 2
  setsid nsenter --net="/run/netns/$ns" "$@" >"$RUN/log/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  echo "$pid $(process_start "$pid")" >"$RUN/$name.pid"
}

# until_ok SECONDS COMMAND…: tries every 0.2 s.
until_ok() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

# locked COMMAND…: one at a time, so that two callers do not build the same thing into the cache.
locked() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/lock"
  flock -n 9 || { say "waiting for another sandbox command"; flock 9; }
  "$@"
  exec 9>&-
}
