# shellcheck shell=bash
# Builds images with buildah into $IMAGES, as docker archives (uncompressed: they import faster than OCI archives).
# Each is keyed by a hash of everything that goes into it, so that an unchanged image costs nothing.

DATA_PLANE=(postgres etcd haproxy)
DEBIAN_SUITE=trixie
NODE_MAJOR=24
# Where Debian's packages come from: what was asked for, else what this Debian itself uses, else debootstrap's own default.
debian_mirror() {
  local found=${SANDBOX_DEBIAN_MIRROR:-}
  [ -n "$found" ] || found=$(grep -hsoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources | head -n 1 | tr -d ' ' || true)
  [ -n "$found" ] || found=$(sed -n 's/^default_mirror //p' /usr/share/debootstrap/scripts/sid 2>/dev/null | head -n 1)
  [ -n "$found" ] || die "no Debian mirror is known: set SANDBOX_DEBIAN_MIRROR"
  echo "${found%/}"
}

BUILD_RUN=/run/patroni-operator-sandbox-build/$(sha256sum <<<"$CACHE" | cut -c1-8)   # belongs to one store

buildah_here() { buildah --root "$CACHE/containers" --runroot "$BUILD_RUN" "$@"; }

image_name() { # image_name NAME → reference
  case $1 in
    postgres) echo localhost/patroni-operator/postgres:17-dev ;;
    etcd) echo localhost/patroni-operator/etcd:3.6-dev ;;
    haproxy) echo localhost/patroni-operator/haproxy:3.0-dev ;;
    operator) echo localhost/patroni-operator/operator:dev ;;
    *) echo "localhost/$1:sandbox" ;;
  esac
}

hash_files() { # hash_files FOLDER: names and contents
  (cd "$1" && find . -type f ! -name '*.md' -print0 | sort -z | xargs -0 sha256sum)
}

up_to_date() { [ "$(cat "$IMAGES/$1.key" 2>/dev/null)" = "$2" ] && [ -f "$IMAGES/$1.tar" ]; } # up_to_date NAME KEY

# build_image NAME KEY TIME CONTEXT [OPTION…]
build_image() {
  local name=$1 key=$2 time=$3 context=$4 ref start=$SECONDS ca=/etc/ssl/certs/ca-certificates.crt trust=(); shift 4
  up_to_date "$name" "$key" && return
  ref=$(image_name "$name")
  say "building image $ref: about $time"
  # downloads in the build trust what the host trusts, which matters behind a mirror of one's own
  [ -e "$ca" ] && trust=(-v "$ca:/run/host-ca.crt:ro" --build-arg PIP_CERT=/run/host-ca.crt --build-arg SSL_CERT_FILE=/run/host-ca.crt)
  [ -z "${PIP_INDEX_URL:-}" ] || trust+=(--build-arg "PIP_INDEX_URL=$PIP_INDEX_URL")
  buildah_here bud --isolation chroot --network host --format docker --layers "${trust[@]}" -t "$ref" "$@" "$context" >"$CACHE/build-$name.log" 2>&1 ||
    { tail -n 20 "$CACHE/build-$name.log" >&2; die "could not build $ref: see $CACHE/build-$name.log"; }
  export_image "$name" "$ref"
  echo "$key" >"$IMAGES/$name.key"
  say "built $ref in $((SECONDS - start)) s, $(du -m "$IMAGES/$name.tar" | cut -f1) MB"
}

export_image() { # export_image NAME REFERENCE
  rm -f "$IMAGES/$1.tar" "$IMAGES/$1.new"
  buildah_here push -q "$2" "docker-archive:$IMAGES/$1.new:$2" >/dev/null
  mv "$IMAGES/$1.new" "$IMAGES/$1.tar"
}

# base_debian: localhost/debian:trixie, about what Docker Hub's debian:trixie-slim is
base_debian() {
  local root=$CACHE/src/rootfs c key ref=localhost/debian:$DEBIAN_SUITE
  key=$(declare -f base_debian slim_root | sha256sum | cut -c1-12)
  BASE_KEY=$key
  [ "$(cat "$IMAGES/debian.key" 2>/dev/null)" = "$key" ] && buildah_here inspect --type image "$ref" >/dev/null 2>&1 && return
  say "making the base image with debootstrap, once: about 40 s"
  rm -rf "$root"; mkdir -p "$root"
  debootstrap --variant=minbase --include=ca-certificates "$DEBIAN_SUITE" "$root" "$MIRROR" >"$CACHE/debootstrap.log" 2>&1 ||
    { tail -n 5 "$CACHE/debootstrap.log" >&2; die "debootstrap failed: see $CACHE/debootstrap.log"; }
  slim_root "$root"
  chroot "$root" sh -c 'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get dist-upgrade -qy && apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/*' \
    >>"$CACHE/debootstrap.log" 2>&1 || die "could not upgrade the base image: see $CACHE/debootstrap.log"
  rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
  c=$(buildah_here from scratch)
  buildah_here copy -q "$c" "$root" / >/dev/null
  buildah_here config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd bash "$c"
  buildah_here commit -q --format docker "$c" "$ref" >/dev/null
  buildah_here rm "$c" >/dev/null
  rm -rf "$root"
  echo "$key" >"$IMAGES/debian.key"
}

slim_root() { # slim_root FOLDER: no documentation, no translations, neither now nor from later packages
  cat >"$1/etc/dpkg/dpkg.cfg.d/slim" <<'K'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/lintian/*
K
  printf 'deb %s %s main\ndeb %s %s-updates main\n' "$MIRROR" "$DEBIAN_SUITE" "$MIRROR" "$DEBIAN_SUITE" >"$1/etc/apt/sources.list"
  printf 'deb %s-security %s-security main\n' "${MIRROR%/debian}/debian" "$DEBIAN_SUITE" >>"$1/etc/apt/sources.list"
  rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/* "$1"/var/log/* "$1"/usr/share/{man,info,locale,lintian}/*
  find "$1/usr/share/doc" ! -type d ! -name copyright -delete
  find "$1/usr/share/doc" -type d -empty -delete
}

# base_node: localhost/node:24 from npm's own copy of the Node.js release
base_node() {
  local ctx=$CACHE/src/image-node arch key
  case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) die "no Node.js package for $(uname -m)" ;; esac
  key=$(declare -f base_node | cat - <(echo "$BASE_KEY") | sha256sum | cut -c1-12)
  NODE_KEY=$key
  [ "$(cat "$IMAGES/node.key" 2>/dev/null)" = "$key" ] && buildah_here inspect --type image "localhost/node:$NODE_MAJOR" >/dev/null 2>&1 && return
  say "making the Node.js $NODE_MAJOR base image, once: about 30 s"
  rm -rf "$ctx"; mkdir -p "$ctx"
  (cd "$ctx" && npm pack --silent "node-linux-$arch@$NODE_MAJOR" >/dev/null && tar -xzf ./*.tgz package/bin/node && mv package/bin/node . && rm -r package ./*.tgz)
  if have strip; then strip "$ctx/node"; fi
  printf 'FROM localhost/debian:%s\nCOPY node /usr/local/bin/node\n' "$DEBIAN_SUITE" >"$ctx/Dockerfile"
  buildah_here bud --isolation chroot --format docker -q -t "localhost/node:$NODE_MAJOR" "$ctx" >/dev/null
  echo "$key" >"$IMAGES/node.key"
}

build_system_images() { # what every node needs: pause and CoreDNS
  local p ctx
  for p in pause coredns; do
    up_to_date "$p" "$(cat "$BIN/$p.key")" && continue
    ctx=$CACHE/src/image-$p
    rm -rf "$ctx"; mkdir -p "$ctx"; cp "$BIN/$p" "$ctx/"
    printf 'FROM scratch\nCOPY %s /%s\nENTRYPOINT ["/%s"]\n' "$p" "$p" "$p" >"$ctx/Dockerfile"
    build_image "$p" "$(cat "$BIN/$p.key")" "5 s" "$ctx"
  done
}

# build_data_plane NAME: an image of images/
build_data_plane() {
  local name=$1 context=$REPOSITORY/images/$1 options=(--build-arg "BASE_IMAGE=localhost/debian:$DEBIAN_SUITE") time key
  [ -f "$context/Dockerfile" ] || die "no image called $name: there are ${DATA_PLANE[*]} operator"
  case $name in
    postgres) time="2 minutes" ;;
    etcd) time="2 minutes" ;;
    *) time="30 s" ;;
  esac
  key=$({ hash_files "$context"; echo "$BASE_KEY"; } | sha256sum | cut -c1-12)
  up_to_date "$name" "$key" && return
  if [ "$name" = etcd ]; then
    need_go
    mkdir -p "$(go env GOMODCACHE)" "$(go env GOCACHE)"
    # the host's Go and its caches instead of a golang image
    options+=(--build-arg "GO_IMAGE=localhost/debian:$DEBIAN_SUITE" --build-arg "GOPROXY=$(go env GOPROXY)" -v "$(goroot_to_mount):/usr/local/go:ro"
      -v "$(go env GOMODCACHE):/go/pkg/mod" -v "$(go env GOCACHE):/go/build-cache")
  fi
  build_image "$name" "$key" "$time" "$context" "${options[@]}"
}

goroot_to_mount() { # Debian's own Go is spread over symbolic links, which mean nothing inside
  local root
  root=$(go env GOROOT)
  if [ -L "$root/src" ]; then
    [ -d "$CACHE/src/goroot" ] || cp -rL "$root" "$CACHE/src/goroot"
    root=$CACHE/src/goroot
  fi
  echo "$root"
}

build_operator() {
  local key
  [ -f "$REPOSITORY/Dockerfile" ] || die "no Dockerfile for the operator"
  (cd "$REPOSITORY" && npm run --silent build) >"$CACHE/build-bundle.log" 2>&1 ||
    { tail -n 20 "$CACHE/build-bundle.log" >&2; die "npm run build failed: see $CACHE/build-bundle.log"; }
  key=$({ sha256sum <"$REPOSITORY/Dockerfile"; hash_files "$REPOSITORY/dist"; echo "$NODE_KEY"; } | sha256sum | cut -c1-12)
  build_image operator "$key" "5 s" "$REPOSITORY" --build-arg "BASE_IMAGE=localhost/node:$NODE_MAJOR"
}

# build_images [NAME…]: all of them, or those named
build_images() {
  local name
  [ $# -gt 0 ] || set -- "${DATA_PLANE[@]}" operator
  need_packages "${BUILD_COMMANDS[@]}"
  mkdir -p "$IMAGES" "$CACHE/src"
  MIRROR=$(debian_mirror)
  base_debian
  for name in "$@"; do
    if [ "$name" = operator ]; then base_node; build_operator; else build_data_plane "$name"; fi
  done
  unmount_build_store
}

# buildah leaves its store mounted onto itself
unmount_build_store() {
  awk -v s="$CACHE/containers/" 'index($2, s) == 1 {print $2}' /proc/mounts | sort -r | xargs -r -d '\n' -n 1 umount -l 2>/dev/null || true
}

