# shellcheck shell=bash disable=SC2154
# What the demo does in its cluster, wherever that is.

NAMESPACE=demo
CLUSTER=quickstart

# run COMMAND…: shows a command as a user would type it, then runs it
run() {
  local shown=$*
  shown=${shown/"${kubectl[*]}"/kubectl}
  shown=${shown/"${helm[*]}"/helm}
  printf '\n\033[1m$ %s\033[0m\n' "${shown//"$REPOSITORY/"/}" >&2
  "$@"
}
k() { "${kubectl[@]}" -n "$NAMESPACE" "$@"; }

restricted_namespace() {
  "${kubectl[@]}" create namespace "$1" --dry-run=client -o yaml | "${kubectl[@]}" apply -f - >/dev/null
  "${kubectl[@]}" label --overwrite namespace "$1" pod-security.kubernetes.io/enforce=restricted >/dev/null
}

install_operator() {
  local before
  say "installing the operator with Helm"
  before=$("${kubectl[@]}" -n patroni-operator get deployment -o name 2>/dev/null || true)
  restricted_namespace patroni-operator
  run "${helm[@]}" upgrade --install patroni-operator "$REPOSITORY/charts/patroni-operator" --namespace patroni-operator "${images[@]}" --wait --timeout 3m >/dev/null
  [ -n "$before" ] || return 0
  # it was there already, and an image built again under the same tag is taken up by a new pod only
  "${kubectl[@]}" -n patroni-operator rollout restart deployment >/dev/null
  "${kubectl[@]}" -n patroni-operator rollout status deployment --timeout=120s >/dev/null
}

create_database() {
  local begin=$SECONDS waiter last='' now
  restricted_namespace "$NAMESPACE"
  run "${kubectl[@]}" -n "$NAMESPACE" apply -f "$REPOSITORY/deploy/samples/quickstart.yaml"
  say "waiting for three PostgreSQL members, three etcd members, two HAProxy: about a minute"
  run "${kubectl[@]}" -n "$NAMESPACE" wait --for=condition=Ready "patroni/$CLUSTER" --timeout=300s & waiter=$!
  while kill -0 "$waiter" 2>/dev/null; do
    now=$(k get "patroni/$CLUSTER" -o jsonpath='{.status.conditions[?(@.type=="Ready")].message}' 2>/dev/null || true)
    if [ -n "$now" ] && [ "$now" != "$last" ]; then say "  $now"; last=$now; fi
    sleep 1
  done
  wait "$waiter" || {
    k get "patroni/$CLUSTER" -o yaml | sed -n '/^status:/,$p' >&2
    k get pods -o wide >&2
    die "the cluster did not get ready; the operator's log: kubectl -n patroni-operator logs deploy/patroni-operator"
  }
  say "ready $((SECONDS - begin)) s after apply"
  run "${kubectl[@]}" -n "$NAMESPACE" get patroni
  run "${kubectl[@]}" -n "$NAMESPACE" get pods -o wide
}

# write_rows: a client pod that inserts a row about ten times a second, each over a new connection through HAProxy, and notes what was acknowledged
write_rows() {
  local image
  image=$(k get "statefulset/$CLUSTER-postgres" -o jsonpath='{.spec.template.spec.containers[0].image}')
  say "writing rows through the Service $CLUSTER-rw, TLS verified (sslmode=verify-full)"
  k delete pod psql --ignore-not-found --now >/dev/null 2>&1
  k apply -f - >/dev/null <<K
apiVersion: v1
kind: Pod
metadata: {name: psql}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 999, runAsGroup: 999, fsGroup: 999, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: psql
    image: $image
    imagePullPolicy: IfNotPresent
    command:
    - bash
    - -c
    - |
      until psql -qc 'drop table if exists demo; create table demo (n int primary key, at timestamptz default clock_timestamp())'; do sleep 1; done
      n=0
      while [ ! -e /tmp/stop ]; do
        if psql -qc "insert into demo values (\$((n + 1)))" 2>/tmp/error; then n=\$((n + 1)); echo \$n >/tmp/acknowledged
        # an insert may have been committed although its answer was lost
        elif grep -q duplicate /tmp/error; then n=\$((n + 1)); fi
        sleep 0.05
      done
      echo \$n >/tmp/stopped
      sleep infinity
    env:
    - {name: PGHOST, valueFrom: {secretKeyRef: {name: $CLUSTER-app, key: host}}}
    - {name: PGPORT, valueFrom: {secretKeyRef: {name: $CLUSTER-app, key: port}}}
    - {name: PGUSER, valueFrom: {secretKeyRef: {name: $CLUSTER-app, key: username}}}
    - {name: PGPASSWORD, valueFrom: {secretKeyRef: {name: $CLUSTER-app, key: password}}}
    - {name: PGDATABASE, valueFrom: {secretKeyRef: {name: $CLUSTER-app, key: dbname}}}
    - {name: PGSSLMODE, value: verify-full}
    - {name: PGSSLROOTCERT, value: /etc/app/ca.crt}
    - {name: PGCONNECT_TIMEOUT, value: "2"}
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
    volumeMounts: [{name: app, mountPath: /etc/app, readOnly: true}, {name: tmp, mountPath: /tmp}]
  volumes:
  - {name: app, secret: {secretName: $CLUSTER-app, defaultMode: 288, items: [{key: ca.crt, path: ca.crt}]}}
  - {name: tmp, emptyDir: {}}
K
  k wait --for=condition=Ready pod/psql --timeout=60s >/dev/null
  until_ok 30 k exec psql -- test -s /tmp/acknowledged || { k logs psql >&2; k exec psql -- cat /tmp/error >&2; die "no row could be written"; }
  run "${kubectl[@]}" -n "$NAMESPACE" exec psql -- psql -c \
    "select count(*) as rows, inet_server_addr() as primary, (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as tls from demo"
}

leader() { k get "patroni/$CLUSTER" -o jsonpath='{.status.leader}'; }
leader_changed() { local now; now=$(leader); [ -n "$now" ] && [ "$now" != "$1" ]; }

switch_over() {
  local before
  before=$(leader)
  say "the leader is $before; asking for a switchover, while rows are being written"
  run "${kubectl[@]}" -n "$NAMESPACE" annotate --overwrite "patroni/$CLUSTER" patroni-operator.dev/switchover=any
  until_ok 90 leader_changed "$before" || {
    k get patronioperations >&2
    die "the leader is still $before"
  }
  say "the leader is now $(leader)"
  until_ok 60 k wait --for=condition=Ready "patroni/$CLUSTER" --timeout=60s
  run "${kubectl[@]}" -n "$NAMESPACE" get patronioperations
  run "${kubectl[@]}" -n "$NAMESPACE" get patroni
}

prove_rows() {
  local acknowledged present gap
  k exec psql -- touch /tmp/stop
  until_ok 30 k exec psql -- test -s /tmp/stopped || die "the writer does not stop"
  acknowledged=$(k exec psql -- cat /tmp/acknowledged)
  present=$(k exec psql -- psql -Atc "select count(*) from demo where n <= $acknowledged")
  gap=$(k exec psql -- psql -Atc "select round(extract(epoch from max(step))::numeric, 1) from (select at - lag(at) over (order by n) as step from demo) s")
  say "$acknowledged rows acknowledged, $present of them there, longest pause between two rows $gap s"
  [ "$acknowledged" = "$present" ] || die "acknowledged rows are missing"
}

next_steps() {
  cat >&2 <<K

Look around:
  $shown_prefix
  kubectl -n $NAMESPACE get patroni,patronioperations,pods
  kubectl -n $NAMESPACE describe patroni $CLUSTER
  kubectl -n $NAMESPACE exec $CLUSTER-postgres-0 -- patronictl list
  kubectl -n $NAMESPACE exec -it psql -- psql
  kubectl -n $NAMESPACE annotate patroni/$CLUSTER patroni-operator.dev/switchover=any
  kubectl -n $NAMESPACE scale patroni/$CLUSTER --replicas=4
K
  [ "$where" != sandbox ] || printf '%s\n' "" "Cut a node off:  npm run sandbox -- cut node1      (and: heal node1)" "End it:          npm run sandbox -- down" >&2
  [ "$where" != kind ] || printf '%s\n' "" "End it:  kind delete cluster --name $KIND_NAME" >&2
}
