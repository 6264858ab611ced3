# shellcheck shell=bash
# A sandbox from nothing.

MARKER=.patroni-operator-sandbox   # in $RUN: what `down` may remove

# prepare: everything that is made once and kept in the cache
prepare() {
  need_packages "${RUN_COMMANDS[@]}" "${BUILD_COMMANDS[@]}"
  build_programs
  build_images "${DATA_PLANE[@]}"
  build_system_images
}

up() { # up N (0: as many as there are, or one)
  local n=$1 i start=$SECONDS
  need_root
  if is_up; then
    [ "$n" = 0 ] || [ "$n" = "$(node_count)" ] || die "a sandbox of $(node_count) node(s) is up; take it down first: npm run sandbox -- down"
    prepare
    import_everywhere
    say "already up: KUBECONFIG=$RUN/kubeconfig"
    return
  fi
  [ "$n" != 0 ] || n=1
  if [ -e "$RUN" ]; then say "cleaning up after an unfinished or crashed sandbox"; down; fi
  prepare
  have modprobe && modprobe -qa overlay bridge br_netfilter veth nf_conntrack 2>/dev/null || true   # built in, or loaded already
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then die "port $PORT is taken on this machine: set SANDBOX_PORT"; fi
  rm -rf "$VOLUMES"
  mkdir -p "$RUN/log" "$STORES"; chmod 755 "$RUN"
  touch "$RUN/$MARKER"
  say "starting Kubernetes $KUBERNETES_VERSION with $n node(s)"
  make_network "$n"
  make_pki
  for i in $(seq "$n"); do
    mkdir -p "$RUN/n$i"
    identity "$RUN/n$i/kubeconfig" "system:node:node$i" system:nodes
  done
  start_api
  for i in $(seq "$n"); do start_containerd "$i"; done
  start_controllers &
  local controllers=$!
  say "importing images (about 10 s a node for each new GB)"
  import_everywhere
  wait "$controllers"
  for i in $(seq "$n"); do start_kubelet "$i"; done
  until_ok 60 nodes_registered "$n" || die_showing "$RUN/log/kubelet1.log" "not all nodes registered"
  kube wait --for=condition=Ready node --all --timeout=90s >/dev/null
  kube -n kube-system rollout status daemonset/coredns --timeout=90s >/dev/null
  until_ok 30 kube -n default get serviceaccount default || die_showing "$RUN/log/kube-controller-manager.log" "the controller manager does not work"
  touch "$RUN/up"
  say "ready in $((SECONDS - start)) s: export KUBECONFIG=$RUN/kubeconfig"
}

nodes_registered() { [ "$(kube get nodes --no-headers 2>/dev/null | wc -l)" = "$1" ]; }
