# shellcheck shell=bash
# Builds the programs of a Kubernetes node, kubectl and Helm from their published Go modules into $BIN, once per version.

# a Go program is built again when its source or its versions change
program_key() { cat "$SANDBOX_DIR/$1"/*.go - <<<"$2" | sha256sum | cut -c1-12; }   # program_key NAME VERSIONS

# go_build DESTINATION FOLDER [ARGUMENT…]: builds FOLDER's main package; a newer version's file takes the old one's place at once.
go_build() {
  local to=$1 src=$2; shift 2
  (cd "$src" && go mod tidy && go build -trimpath -buildvcs=false "$@" -o "$to.new" .) >"$src/build.log" 2>&1 ||
    { tail -n 20 "$src/build.log" >&2; die "could not build $(basename "$to"): see $src/build.log"; }
  mv "$to.new" "$to"
}

fresh_source() { # fresh_source NAME: a new folder with NAME's source
  rm -rf "$CACHE/src/$1"; mkdir -p "$CACHE/src/$1"
  if [ -d "$SANDBOX_DIR/$1" ]; then cp "$SANDBOX_DIR/$1"/*.go "$CACHE/src/$1/"; fi
}

# require_kubernetes FILE: k8s.io/kubernetes names its staging modules v0.0.0 and replaces them by folders that its
# published module does not carry; their published twins have the same minor and patch version.
require_kubernetes() {
  local staging=v0.${KUBERNETES_VERSION#1.} dir
  dir=$(cd / && go mod download -json "k8s.io/kubernetes@v$KUBERNETES_VERSION" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  [ -n "$dir" ] || die "could not fetch the module k8s.io/kubernetes@v$KUBERNETES_VERSION"
  { printf 'module sandbox.local/node\n\ngo 1.24.0\n\ngodebug default=go1.24\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$KUBERNETES_VERSION"
    sed -n -e "s|^[[:space:]]*\(k8s\.io/[a-z0-9-]*\) v0\.0\.0\$|\t\1 => \1 $staging|p" \
      -e "s|^[[:space:]]*\(k8s\.io/[a-z0-9-]*\) => \./staging.*|\t\1 => \1 $staging|p" "$dir/go.mod" | sort -u
    printf ')\n'
  } >"$1"
}

build_kubernetes() {
  local program v=k8s.io/component-base/version minor=${KUBERNETES_VERSION#1.}
  program=node-$(program_key node "$KUBERNETES_VERSION")
  if [ ! -x "$BIN/$program" ]; then
    say "building Kubernetes' own programs from source, once: about 8 minutes on 2 cores"
    fresh_source node
    require_kubernetes "$CACHE/src/node/go.mod"
    go_build "$BIN/$program" "$CACHE/src/node" -ldflags "-s -w -X $v.gitVersion=v$KUBERNETES_VERSION -X $v.gitMajor=1 \
      -X $v.gitMinor=${minor%%.*} -X $v.gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=v$KUBERNETES_VERSION"
    find "$BIN" -name 'node-*' ! -name "$program" -delete
  fi
  for v in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do ln -sfn "$program" "$BIN/$v"; done
}

# build_small NAME TIME MODULE@VERSION…: a program of our own
build_small() {
  local name=$1 time=$2 key; shift 2
  key=$(program_key "$name" "$*")
  [ -x "$BIN/$name" ] && [ "$(cat "$BIN/$name.key" 2>/dev/null)" = "$key" ] && return
  say "building $name from source: about $time"
  fresh_source "$name"
  (cd "$CACHE/src/$name" && go mod init "sandbox.local/$name" && for m in "$@"; do go get "$m"; done) >"$CACHE/src/$name.log" 2>&1 ||
    { tail -n 5 "$CACHE/src/$name.log" >&2; die "could not fetch the modules of $name"; }
  go_build "$BIN/$name" "$CACHE/src/$name" -ldflags '-s -w'
  echo "$key" >"$BIN/$name.key"
}

build_helm() { # build_helm MAJOR VERSION
  local name=helm$1 module=helm.sh/helm/v$1 minor=${KUBERNETES_VERSION#1.} v
  [ "$(cat "$BIN/$name.key" 2>/dev/null)" = "$2" ] && [ -x "$BIN/$name" ] && return
  say "building Helm $2 from source: about a minute"
  # Helm 3 takes the Kubernetes version that charts see offline from its own build
  v="-X $module/pkg/chartutil.k8sVersionMajor=1 -X $module/pkg/chartutil.k8sVersionMinor=${minor%%.*}"
  v+=" -X $module/pkg/lint/rules.k8sVersionMajor=1 -X $module/pkg/lint/rules.k8sVersionMinor=${minor%%.*}"
  # `go install` would do, but it refuses modules that replace others
  fresh_source "$name"
  (cd "$CACHE/src/$name" && go mod init sandbox.local/helm && go get "$module/cmd/helm@v$2" &&
    go build -trimpath -buildvcs=false -ldflags "-s -w -X $module/internal/version.version=v$2 $v" -o "$BIN/$name.new" "$module/cmd/helm") \
    >"$CACHE/src/$name/build.log" 2>&1 || { tail -n 10 "$CACHE/src/$name/build.log" >&2; die "could not build Helm $2"; }
  mv "$BIN/$name.new" "$BIN/$name"
  echo "$2" >"$BIN/$name.key"
}

build_programs() {
  mkdir -p "$BIN" "$CACHE/src"
  if ! [ -x "$BIN/kubelet" ] || programs_stale; then
    need_go
    build_kubernetes
    build_small pause "5 s"
    build_small coredns "2 minutes" "github.com/coredns/coredns@v$COREDNS_VERSION"
    build_small provisioner "1 minute" "k8s.io/client-go@v0.${KUBERNETES_VERSION#1.}"
    build_small policies "10 s" "k8s.io/client-go@v0.${KUBERNETES_VERSION#1.}"
    programs_key >"$BIN/programs.key"
  fi
}
programs_key() { cat "$SANDBOX_DIR"/*/*.go - <<<"$KUBERNETES_VERSION $COREDNS_VERSION" | sha256sum | cut -c1-12; }
programs_stale() { [ "$(cat "$BIN/programs.key" 2>/dev/null)" != "$(programs_key)" ]; }

build_clients() { # kubectl and both Helms
  mkdir -p "$BIN" "$CACHE/src"
  [ "$(cat "$BIN/helm3.key" "$BIN/helm4.key" 2>/dev/null | tr '\n' ' ')" = "$HELM3_VERSION $HELM4_VERSION " ] && [ -x "$BIN/kubectl" ] && return
  need_go
  build_kubernetes
  build_helm 3 "$HELM3_VERSION"
  build_helm 4 "$HELM4_VERSION"
}

# install_patroni: the very versions of the image, for tests that start members of their own on loopback.
install_patroni() {
  local locked=$REPOSITORY/images/postgres venv=$CACHE/patroni-venv key needed=(python3:python3)
  if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
    needed+=(initdb:postgresql)
    # the package would make a database cluster of its own and start it
    [ -e /etc/postgresql-common/createcluster.conf ] || { mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf; }
  fi
  python3 -c 'import ensurepip' 2>/dev/null || needed+=(ensurepip:python3-venv)
  need_packages "${needed[@]}"
  key=$(cat "$locked"/requirements*.txt | sha256sum | cut -c1-12)
  [ "$(cat "$venv/key" 2>/dev/null)" != "$key" ] || return 0
  say "installing Patroni for the contract tests: about half a minute"
  { python3 -m venv --clear "$venv" && "$venv/bin/pip" install --require-hashes -r "$locked/requirements-build.txt" &&
    "$venv/bin/pip" install --require-hashes --no-build-isolation --prefer-binary -r "$locked/requirements.txt"; } >"$CACHE/patroni-venv.log" 2>&1 ||
    { tail -n 5 "$CACHE/patroni-venv.log" >&2; die "could not install Patroni: see $CACHE/patroni-venv.log"; }
  echo "$key" >"$venv/key"
}
