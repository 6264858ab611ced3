# shellcheck shell=bash
# The machines that are not there: one network namespace for the control plane, one for each node, cables between them.
# They have no way out, and pod and Service addresses answer only from inside.

make_namespace() {
  ip netns add "$1"
  echo "$1" >>"$RUN/namespaces"
  ip -n "$1" link set lo up
}

make_network() { # make_network N
  local n=$1 i j ns
  make_namespace "$CP"
  ip -n "$CP" link add fabric type bridge
  ip -n "$CP" addr add 172.30.0.1/24 dev fabric
  ip -n "$CP" link set fabric up
  in_ns "$CP" sysctl -qw net.ipv4.ip_forward=1
  for i in $(seq "$n"); do
    ns=$NAME-n$i
    make_namespace "$ns"
    ip -n "$CP" link add "v$i" type veth peer name eth0 netns "$ns"
    ip -n "$CP" link set "v$i" master fabric up
    ip -n "$ns" addr add "172.30.0.$((10 + i))/24" dev eth0
    ip -n "$ns" link set eth0 up
    ip -n "$ns" route add default via 172.30.0.1
    in_ns "$ns" sysctl -qw net.ipv4.ip_forward=1
    in_ns "$ns" sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true   # absent where bridge netfilter is not loaded
    ip -n "$CP" route add "10.244.$i.0/24" via "172.30.0.$((10 + i))"
    for j in $(seq "$n"); do
      [ "$i" = "$j" ] || ip -n "$ns" route add "10.244.$j.0/24" via "172.30.0.$((10 + j))"
    done
  done
  # what a program in a node's namespace asks for names (see verb exec)
  printf 'nameserver 10.96.0.10\nsearch svc.cluster.local cluster.local\noptions ndots:5\n' >"$RUN/resolv.conf"
}
