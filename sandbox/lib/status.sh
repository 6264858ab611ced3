# shellcheck shell=bash

status() {
  local p
  if [ ! -e "$RUN/$MARKER" ]; then echo "down ($RUN)"; return 3; fi
  if is_up; then echo "up: Kubernetes $KUBERNETES_VERSION, $(node_count) node(s), KUBECONFIG=$RUN/kubeconfig"; else echo "unfinished or crashed: run up or down"; fi
  for p in "$RUN"/*.pid; do alive "$p" || echo "not running: $(basename "$p" .pid) (log: $RUN/log/$(basename "$p" .pid).log)"; done
  if [ "$(cut -d' ' -f3 <(sed 's/(.*)/x/' "/proc/$(pid_of "$RUN/kube-apiserver.pid")/stat" 2>/dev/null))" = T ]; then
    echo "the API server is stopped (api start lets it go on)"
    return 0
  fi
  ip -n "$CP" -br link show type veth 2>/dev/null | awk '$2 == "DOWN" {sub(/@.*/, "", $1); sub(/^v/, "node", $1); print "cut off: " $1 " (heal " $1 ")"}'
  kube --request-timeout=5s get nodes -o wide || true
}
