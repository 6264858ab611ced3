# shellcheck shell=bash
# Brings images from elsewhere onto the nodes.

# load IMAGE|TAR…: a docker or OCI archive, or an image known to docker, podman or this sandbox's buildah
load_images() {
  local it name
  need_up
  mkdir -p "$IMAGES"
  for it in "$@"; do
    if [ -f "$it" ]; then
      name=$(basename "$it" .tar)
      cmp -s "$it" "$IMAGES/loaded-$name.tar" || cp "$it" "$IMAGES/loaded-$name.tar"
    else
      name=$(tr -c 'A-Za-z0-9.\n' - <<<"$it")
      fetch_image "$it" "$IMAGES/loaded-$name.tar" || die "no file and no image of docker, podman or buildah: $it"
    fi
  done
  import_everywhere
}

fetch_image() { # fetch_image REFERENCE TAR
  rm -f "$2.new"
  if buildah_here inspect --type image "$1" >/dev/null 2>&1; then buildah_here push -q "$1" "docker-archive:$2.new:$1" >/dev/null
  elif have docker && docker image inspect "$1" >/dev/null 2>&1; then docker save -o "$2.new" "$1"
  elif have podman && podman image exists "$1"; then podman save -q -o "$2.new" "$1"
  else return 1; fi
  mv "$2.new" "$2"
}

# import_everywhere: all nodes at once
import_everywhere() {
  local i pids=() p
  for i in $(seq "$(node_count)"); do import_images "$i" & pids+=($!); done
  for p in "${pids[@]}"; do wait "$p" || exit 1; done
}
