# shellcheck shell=bash
# Faults on purpose, and commands in a node's place.

# cut NODE: pulls its cable: neither the API server nor the other nodes reach it. Its pods run on.
cut_node() { set_cable "$1" down; }
heal_node() { set_cable "$1" up; }
set_cable() {
  local i
  need_up
  i=$(node_index "$1")
  ip -n "$CP" link set "v$i" "$2"
}

# exec NODE -- COMMAND: a program of the host in the node's network; names are resolved by the cluster's DNS
exec_node() {
  local i
  need_up
  i=$(node_index "$1"); shift
  [ "${1:-}" != -- ] || shift
  [ $# -gt 0 ] || die "exec NODE -- COMMAND…"
  # shellcheck disable=SC2016
  exec nsenter --net="/run/netns/$NAME-n$i" unshare --mount --propagation private \
    bash -c 'mount --bind "$1" "$(realpath /etc/resolv.conf)" && shift && exec "$@"' exec "$RUN/resolv.conf" "$@"
}

# api stop|start: freezes the API server and lets it go on. Its connections stay open and hang, as with a lost machine.
api() {
  need_up
  case ${1:-} in
    stop) kill -STOP "$(pid_of "$RUN/kube-apiserver.pid")" ;;
    start) kill -CONT "$(pid_of "$RUN/kube-apiserver.pid")" ;;
    *) die "api stop|start" ;;
  esac
}

# containers_of NAMESPACE/POD [CONTAINER]: lines "I ID", from containerd, so that it works without the API server too
containers_of() {
  local i filter
  [[ $1 == */* ]] || die "name the pod as NAMESPACE/POD"
  filter="labels.\"io.kubernetes.pod.namespace\"==\"${1%%/*}\",labels.\"io.kubernetes.pod.name\"==\"${1##*/}\",labels.\"io.cri-containerd.kind\"==\"container\""
  [ -z "${2:-}" ] || filter+=",labels.\"io.kubernetes.container.name\"==\"$2\""
  for i in $(seq "$(node_count)"); do
    ctr_on "$i" containers ls -q "$filter" | sed "s/^/$i /"
  done
}

# kill NAMESPACE/POD [CONTAINER]: SIGKILL to all processes of its containers, as the kernel's memory killer might
kill_pod() {
  local i id hit=0
  need_up
  [ $# -ge 1 ] || die "kill NAMESPACE/POD [CONTAINER]"
  while read -r i id; do
    ctr_on "$i" tasks kill -a -s KILL "$id" 2>/dev/null && hit=1
  done < <(containers_of "$@")
  [ "$hit" = 1 ] || die "no running container of $*"
}
