# shellcheck shell=bash
# Ends what `up` started, also one that failed half-way or whose processes crashed. What is ours is known by pid file
# (with start time), by network namespace and by folder; nothing else is touched.

stop_process() { # stop_process PIDFILE: asks, then insists after 5 s
  alive "$1" || { rm -f "$1"; return 0; }
  kill "$(pid_of "$1")" 2>/dev/null || true
  until_ok 5 not_alive "$1" || kill -9 "$(pid_of "$1")" 2>/dev/null || true
  rm -f "$1"
}
not_alive() { ! alive "$1"; }
kill_now() { local p; for p in "$@"; do if alive "$p"; then kill -9 "$(pid_of "$p")" 2>/dev/null || true; fi; done; }

# processes_in FILE…: who lives in the network namespaces that these files hold
processes_in() {
  local inodes
  inodes=" $(stat -L -c %i "$@" 2>/dev/null | tr '\n' ' ')"
  [ -z "${inodes// /}" ] && return
  find /proc -mindepth 3 -maxdepth 3 -path '/proc/[0-9]*/ns/net' -printf '%p %l\n' 2>/dev/null |
    while read -r path link; do
      link=${link#net:[}
      [[ "$inodes" == *" ${link%]} "* ]] && cut -d/ -f3 <<<"$path"
    done || true
}

own_namespaces() { sed 's|^|/run/netns/|' "$RUN/namespaces" 2>/dev/null; }
pod_namespaces() { awk -v run="$RUN/" '$3 == "nsfs" && index($2, run) == 1 {print $2}' /proc/mounts; }
own_mounts() { awk -v a="$RUN/" -v b="$STORES/" -v c="$VOLUMES/" 'index($2, a) == 1 || index($2, b) == 1 || index($2, c) == 1 {print $2}' /proc/mounts | sort -r; }

# empty_store I: takes the containers out of the node's store while containerd still runs (it also removes their cgroups)
empty_store() {
  local i=$1 sock=$RUN/n$1/containerd.sock
  alive "$RUN/containerd$i.pid" || return 0
  timeout 5 ctr -a "$sock" -n k8s.io tasks ls -q 2>/dev/null | xargs -r -n 20 timeout 20 ctr -a "$sock" -n k8s.io tasks rm -f >/dev/null 2>&1 || true
  timeout 5 ctr -a "$sock" -n k8s.io containers ls -q 2>/dev/null | xargs -r -n 50 timeout 20 ctr -a "$sock" -n k8s.io containers rm >/dev/null 2>&1 || true
  if left=$(timeout 5 ctr -a "$sock" -n k8s.io containers ls -q 2>/dev/null) && [ -z "$left" ]; then rm -f "$STORES/n$i/in-use"; fi
}

remove_cgroups() { # of containers whose shim died before it could do so itself
  local id
  for id in "$@"; do find /sys/fs/cgroup -type d -path "*/k8s.io/$id*" -depth -exec rmdir {} + 2>/dev/null || true; done
  find /sys/fs/cgroup -maxdepth 2 -type d -name k8s.io -exec rmdir {} + 2>/dev/null || true   # succeeds where it is empty
}

remove_cni_results() { # what the CNI plugins noted about pods, by container
  local f id
  for f in "$CNI_RESULTS/$CNI_NETWORK"*; do
    id=${f#"$CNI_RESULTS/$CNI_NETWORK"*-}
    rm -f "$f" "$CNI_RESULTS/cni-loopback-${id%-*}-lo"
  done
}

down() {
  local i ids p mounts pids=()
  need_root
  if [ ! -e "$RUN/$MARKER" ]; then
    [ ! -e "$RUN" ] || [ -z "$(ls -A "$RUN")" ] || die "$RUN is not a sandbox's folder: left alone"
    rm -rf "$VOLUMES"
    return 0
  fi
  rm -f "$RUN/up"
  cd /
  kill_now "$RUN"/kubelet*.pid "$RUN"/kube-*.pid "$RUN"/policies*.pid "$RUN/provisioner.pid" "$RUN/forward.pid"
  ids=$(find "$RUN" -path '*/io.containerd.runtime.v2.task/k8s.io/*' -maxdepth 5 -mindepth 5 -printf '%f\n' 2>/dev/null || true)
  # containers end at once, and the store forgets them
  # shellcheck disable=SC2046
  processes_in $(pod_namespaces) | xargs -r kill -9 2>/dev/null || true
  for i in $(seq "$(node_count)"); do empty_store "$i" & pids+=($!); done
  for p in "${pids[@]}"; do wait "$p" || true; done
  kill_now "$RUN"/containerd*.pid   # its database bears that, and asking takes 2 s a node
  # whoever is left in our namespaces: shims, etcd, shells of `exec`; killing a parent may orphan a child, hence more rounds
  for _ in 1 2 3 4 5; do
    # shellcheck disable=SC2046
    p=$(processes_in $(own_namespaces) $(pod_namespaces))
    [ -n "$p" ] || break
    xargs -r kill -9 <<<"$p" 2>/dev/null || true
    sleep 0.2
  done
  kill_now "$RUN"/*.pid
  # shellcheck disable=SC2086
  remove_cgroups $ids
  for _ in 1 2 3; do
    mounts=$(own_mounts)
    [ -n "$mounts" ] || break
    xargs -r -d '\n' -n 1 umount -l <<<"$mounts" 2>/dev/null || true
  done
  while read -r p; do [ ! -e "/run/netns/$p" ] || ip netns del "$p"; done < <(cat "$RUN/namespaces" 2>/dev/null)
  mounts=$(own_mounts)
  [ -z "$mounts" ] || die "could not unmount, so nothing is deleted: $mounts"   # rm would follow them
  remove_cni_results
  rm -rf "$RUN" "$VOLUMES"
  unmount_build_store
}
