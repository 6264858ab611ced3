# shellcheck shell=bash
# One node: containerd, the images it needs, kubelet and kube-proxy, in its own network namespace.

start_containerd() { # start_containerd I
  local i=$1 d=$RUN/n$1
  mkdir -p "$d/cni" "$d/kubelet" "$d/logs" "$STORES/n$i"
  cat >"$d/cni/10.conflist" <<K
{"cniVersion":"0.4.0","name":"$CNI_NETWORK$i","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"hairpinMode":true,
  "ipam":{"type":"host-local","dataDir":"$d/ipam","ranges":[[{"subnet":"10.244.$i.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
K
  # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc fails with "can't get final child's PID from pipe".
  # netns_mounts_under_state_dir: what this sandbox makes lies under $RUN, so that `down` knows it.
  cat >"$d/containerd.toml" <<K
version = 2
root = "$STORES/n$i"
state = "$d/containerd"
[grpc]
  address = "$d/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:sandbox"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$CNI_PLUGINS"
    conf_dir = "$d/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
K
  scrub_store "$i"
  touch "$STORES/n$i/in-use"
  spawn "containerd$i" "$NAME-n$i" containerd -c "$d/containerd.toml"
}

# scrub_store I: after a crash the store still lists the containers of the last sandbox; kubelet must not see them.
# Without its CRI plugin containerd lets go of them.
scrub_store() {
  local i=$1 d=$RUN/n$1
  [ -e "$STORES/n$i/in-use" ] || return 0
  { echo 'disabled_plugins = ["io.containerd.grpc.v1.cri"]'; cat "$d/containerd.toml"; } >"$d/scrub.toml"
  spawn "scrub$i" "$NAME-n$i" containerd -c "$d/scrub.toml"
  until_ok 20 ctr_on "$i" version || die_showing "$RUN/log/scrub$i.log" "containerd does not start"
  ctr_on "$i" containers ls -q | xargs -r -n 50 ctr -a "$d/containerd.sock" -n k8s.io containers rm >/dev/null 2>&1 || true
  stop_process "$RUN/scrub$i.pid"
}

# import_images I: those that this node does not have yet, by content. The stamp of a tar file holds its size and time.
import_images() {
  local i=$1 tar stamp now
  until_ok 20 ctr_on "$i" version || die_showing "$RUN/log/containerd$i.log" "containerd does not start"
  mkdir -p "$STORES/n$i/imported"
  for tar in "$IMAGES"/*.tar; do
    [ -e "$tar" ] || continue
    stamp=$STORES/n$i/imported/$(basename "$tar")
    now=$(stat -c '%s %y' "$tar")
    [ "$(cat "$stamp" 2>/dev/null)" = "$now" ] && continue
    ctr_on "$i" images import "$tar" >>"$RUN/log/import$i.log" 2>&1 || die_showing "$RUN/log/import$i.log" "could not import $(basename "$tar") on node$i"
    echo "$now" >"$stamp"
  done
}

start_kubelet() { # start_kubelet I
  local i=$1 d=$RUN/n$1
  # cgroupsPerQOS and enforceNodeAllocatable: kubelet keeps off the host's cgroup tree
  cat >"$d/kubelet.yaml" <<K
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix://$d/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
# kubelet 1.34.4 dereferences nil in doPodResizeAction when a starting container's resources are not known yet, and the whole kubelet ends (seen here)
featureGates: {InPlacePodVerticalScaling: false}
podLogsDir: $d/logs
resolvConf: ""
evictionHard: {nodefs.available: "1%", imagefs.available: "1%", memory.available: "100Mi"}
imageGCHighThresholdPercent: 99
imageGCLowThresholdPercent: 98
serializeImagePulls: false
maxPods: 200
K
  spawn "kubelet$i" "$NAME-n$i" "$BIN/kubelet" --config "$d/kubelet.yaml" --kubeconfig "$d/kubeconfig" --root-dir "$d/kubelet" \
    --hostname-override "node$i" --node-ip "172.30.0.$((10 + i))" --node-labels "topology.kubernetes.io/zone=node$i"
  # the conntrack sysctls are read-only in a namespace: 0 leaves them alone
  spawn "kube-proxy$i" "$NAME-n$i" "$BIN/kube-proxy" --kubeconfig "$RUN/proxy.kubeconfig" --hostname-override "node$i" --cluster-cidr 10.244.0.0/16 \
    --proxy-mode iptables --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0 --conntrack-tcp-timeout-close-wait 0
  [ "${SANDBOX_POLICIES:-on}" = off ] || spawn "policies$i" "$NAME-n$i" "$BIN/policies" --kubeconfig "$RUN/system.kubeconfig" --node "node$i"
}
