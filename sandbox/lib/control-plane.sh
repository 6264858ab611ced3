# shellcheck shell=bash
# etcd, API server, controller manager, scheduler, volume provisioner, and the API server's door on the host's loopback.

start_api() {
  identity "$RUN/inside.kubeconfig" sandbox-admin system:masters
  identity "$RUN/kubeconfig" admin system:masters "https://127.0.0.1:$PORT"
  identity "$RUN/system.kubeconfig" sandbox:system system:masters   # our own controllers
  identity "$RUN/kcm.kubeconfig" system:kube-controller-manager
  identity "$RUN/scheduler.kubeconfig" system:kube-scheduler
  identity "$RUN/proxy.kubeconfig" system:kube-proxy system:node-proxier
  mkdir -p "$RUN/etcd"
  spawn etcd "$CP" "$BIN/etcd" --data-dir "$RUN/etcd" --unsafe-no-fsync --logger zap --log-level warn
  # --enable-aggregator-routing: it has no kube-proxy, so it must reach webhooks by their pods' addresses
  spawn kube-apiserver "$CP" "$BIN/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --advertise-address 172.30.0.1 \
    --tls-cert-file "$RUN/pki/server.crt" --tls-private-key-file "$RUN/pki/server.key" --cert-dir "$RUN/pki" \
    --token-auth-file "$RUN/pki/tokens.csv" --authorization-mode Node,RBAC --service-cluster-ip-range 10.96.0.0/16 \
    --service-account-key-file "$RUN/pki/sa.key" --service-account-signing-key-file "$RUN/pki/sa.key" \
    --service-account-issuer https://kubernetes.default.svc \
    --enable-admission-plugins NodeRestriction --allow-privileged --feature-gates InPlacePodVerticalScaling=false --kubelet-preferred-address-types InternalIP \
    --enable-aggregator-routing=true \
    --audit-policy-file "$SANDBOX_DIR/manifests/audit-policy.yaml" --audit-log-path "$RUN/log/audit.log" --audit-log-maxsize 500 --audit-log-maxbackup 2
  # forwards the host's loopback into the namespace
  setsid socat "TCP-LISTEN:$PORT,bind=127.0.0.1,fork,reuseaddr" \
    "EXEC:nsenter --net=/run/netns/$CP socat STDIO TCP\:127.0.0.1\:6443" >"$RUN/log/forward.log" 2>&1 </dev/null 9>&- &
  echo "$! $(process_start $!)" >"$RUN/forward.pid"
}

start_controllers() {
  until_ok 90 kube get --raw /readyz || die_showing "$RUN/log/kube-apiserver.log" "the API server does not get ready"
  spawn kube-controller-manager "$CP" "$BIN/kube-controller-manager" --kubeconfig "$RUN/kcm.kubeconfig" \
    --service-account-private-key-file "$RUN/pki/sa.key" --root-ca-file "$RUN/pki/ca.crt" \
    --use-service-account-credentials --leader-elect=false --cluster-cidr 10.244.0.0/16 --allocate-node-cidrs=false --bind-address 127.0.0.1
  spawn kube-scheduler "$CP" "$BIN/kube-scheduler" --kubeconfig "$RUN/scheduler.kubeconfig" --leader-elect=false --bind-address 127.0.0.1
  mkdir -p "$VOLUMES"
  spawn provisioner "$CP" "$BIN/provisioner" --kubeconfig "$RUN/system.kubeconfig" --folder "$VOLUMES"
  kube apply -f "$SANDBOX_DIR/manifests/storage.yaml" -f "$SANDBOX_DIR/manifests/dns.yaml" >"$RUN/log/apply.log"
}
