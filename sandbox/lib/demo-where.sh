# shellcheck shell=bash disable=SC2154,SC2034
# The three places where the demo can run. Each bring_up_* sets: kubectl and helm (commands as arrays), images (Helm's --set arguments).

KIND_NAME=patroni-operator
KIND_KUBECONFIG=$CACHE/kind.kubeconfig
DOCKER_IMAGES=(postgres:17-dev etcd:3.6-dev haproxy:3.0-dev operator:dev)

choose_place() {
  if have docker && have kind && timeout 10 docker info >/dev/null 2>&1; then echo kind
  elif [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ]; then echo sandbox
  else die "the demo needs one of
  - docker (running) and kind, with kubectl and helm:  https://kind.sigs.k8s.io
  - Linux and root, for the sandbox:                    sudo npm run demo
  - a Kubernetes cluster of yours:                      npm run demo -- --context NAME"
  fi
}

describe_place() {
  case $1 in
    kind) echo "a kind cluster of $nodes node(s), in docker" ;;
    sandbox) echo "the sandbox: Kubernetes' own programs on this machine, $nodes node(s)" ;;
    context) echo "your cluster, context $context" ;;
  esac
}

# use_images PREFIX: the four images under one name
use_images() {
  images=(--set-string "image.repository=$1/operator" --set-string image.tag=dev
    --set-string "images.postgres.17=$1/postgres:17-dev" --set-string "images.etcd=$1/etcd:3.6-dev" --set-string "images.haproxy=$1/haproxy:3.0-dev")
}

bring_up_sandbox() {
  ! is_up || nodes=$(node_count)   # one that is up will do
  NO_INSTALL=${install:+1} "$here/sandbox" build
  "$here/sandbox" up --nodes "$nodes" "${install[@]}"
  "$here/sandbox" tools >/dev/null
  kubectl=("$BIN/kubectl" --kubeconfig "$RUN/kubeconfig")
  helm=("$BIN/helm4" --kubeconfig "$RUN/kubeconfig")
  use_images localhost/patroni-operator
  shown_prefix="export KUBECONFIG=$RUN/kubeconfig PATH=$BIN:\$PATH"
}
take_down_sandbox() { "$here/sandbox" down; }

bring_up_kind() {
  need_commands kubectl helm
  mkdir -p "$CACHE"
  kubectl=(kubectl --kubeconfig "$KIND_KUBECONFIG")
  helm=(helm --kubeconfig "$KIND_KUBECONFIG")
  if ! kind get clusters 2>/dev/null | grep -qx "$KIND_NAME"; then
    say "making a kind cluster: about a minute"
    { printf 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: control-plane\n'
      for _ in $(seq 2 "$nodes"); do echo '- role: worker'; done
    } | kind create cluster --quiet --name "$KIND_NAME" --kubeconfig "$KIND_KUBECONFIG" --config - --wait 120s
  fi
  kind export kubeconfig --quiet --name "$KIND_NAME" --kubeconfig "$KIND_KUBECONFIG"
  docker_build localhost/patroni-operator
  say "loading the images into kind: about a minute"
  kind load docker-image --name "$KIND_NAME" "${DOCKER_IMAGES[@]/#/localhost/patroni-operator/}"
  use_images localhost/patroni-operator
  shown_prefix="export KUBECONFIG=$KIND_KUBECONFIG"
}
take_down_kind() { kind delete cluster --name "$KIND_NAME" --kubeconfig "$KIND_KUBECONFIG"; }

bring_up_context() {
  need_commands kubectl helm
  kubectl=(kubectl --context "$context")
  helm=(helm --kube-context "$context")
  "${kubectl[@]}" get nodes >/dev/null || die "context $context does not answer"
  images=()
  if [ -n "$registry" ]; then
    need_commands docker
    docker_build "$registry"
    local image
    for image in "${DOCKER_IMAGES[@]}"; do docker push --quiet "$registry/$image"; done
    use_images "$registry"
  fi
  shown_prefix="kubectl config use-context $context"
}
take_down_context() {
  "${kubectl[@]}" delete namespace demo --ignore-not-found
  "${helm[@]}" uninstall patroni-operator --namespace patroni-operator
}

docker_build() { # docker_build PREFIX
  local name
  say "building the images with docker, once: about 5 minutes"
  (cd "$REPOSITORY" && npm run --silent build)
  for name in postgres etcd haproxy; do
    docker build --quiet -t "$1/$(image_tag "$name")" "$REPOSITORY/images/$name" >/dev/null
  done
  docker build --quiet -t "$1/$(image_tag operator)" "$REPOSITORY" >/dev/null
}
image_tag() { printf '%s\n' "${DOCKER_IMAGES[@]}" | grep "^$1:"; }

need_commands() {
  local c
  for c in "$@"; do have "$c" || die "missing on this machine: $c (kubectl: https://kubernetes.io/docs/tasks/tools, helm: https://helm.sh/docs/intro/install)"; done
}
