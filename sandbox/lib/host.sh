# shellcheck shell=bash disable=SC2034
# What the host must have: Debian packages and a Go toolchain.

# command:package. `docker-archive` export and image builds need buildah; the base image needs debootstrap.
RUN_COMMANDS=(containerd:containerd runc:runc iptables:iptables conntrack:conntrack socat:socat ip:iproute2 nsenter:util-linux openssl:openssl flock:util-linux)
BUILD_COMMANDS=(buildah:buildah debootstrap:debootstrap curl:curl unzip:unzip)
CNI_PLUGINS=/usr/lib/cni

missing_packages() {
  local pair
  for pair in "$@"; do have "${pair%%:*}" || echo "${pair##*:}"; done
  if [[ " $* " == *" containerd:"* ]] && [ ! -x "$CNI_PLUGINS/bridge" ]; then echo containernetworking-plugins; fi
  # Ubuntu's debootstrap needs Debian's keys
  if [[ " $* " == *" debootstrap:"* ]] && [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then echo debian-archive-keyring; fi
}

# need_packages COMMAND:PACKAGE…: installs what is missing, or says what is missing.
need_packages() {
  local missing
  PATH=$PATH:/usr/sbin:/sbin
  missing=$(missing_packages "$@" | sort -u | tr '\n' ' ')
  [ -z "${missing// /}" ] && return
  if [ "${NO_INSTALL:-}" = 1 ] || ! have apt-get || [ "$(id -u)" != 0 ]; then
    die "missing on this machine: ${missing% }
  Debian/Ubuntu:  apt-get install --no-install-recommends ${missing% }
  elsewhere:      install the programs of the same names (containerd, runc, the CNI plugins in $CNI_PLUGINS, buildah, …) by your own means"
  fi
  say "installing Debian packages: ${missing% } (about a minute)"
  mkdir -p "$CACHE"
  # shellcheck disable=SC2086
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing; } >"$CACHE/apt.log" 2>&1 ||
    { tail -n 5 "$CACHE/apt.log" >&2; die "apt-get failed: see $CACHE/apt.log"; }
}

go_minor() { "$1" env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p'; }

# need_go: puts a Go >= 1.24 on PATH. An older one (>= 1.21) fetches what it needs by itself; without any Go its
# toolchain comes from the module proxy that was named, which serves it as a zip archive.
need_go() {
  local goroot=$CACHE/go-$GO_VERSION minor arch zip
  export CGO_ENABLED=0
  minor=$(go_minor go || true)
  if [ "${minor:-0}" -ge 21 ]; then
    [ "$minor" -ge 26 ] || export GOTOOLCHAIN=auto
    return
  fi
  if [ ! -x "$goroot/bin/go" ]; then
    case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) die "needs Go >= 1.24: https://go.dev/dl" ;; esac
    [ -n "${SANDBOX_GO_PROXY:-}" ] || die "needs Go >= 1.21 (it fetches a newer one by itself): install it (https://go.dev/dl), or name a module proxy in SANDBOX_GO_PROXY"
    say "fetching Go $GO_VERSION (70 MB): the host has ${minor:+only 1.$minor}${minor:-none}"
    zip=$CACHE/go.zip
    curl -fsSL -o "$zip" "${SANDBOX_GO_PROXY}/golang.org/toolchain/@v/v0.0.1-go$GO_VERSION.linux-$arch.zip" ||
      die "could not fetch Go; install Go >= 1.24 (https://go.dev/dl) and try again"
    rm -rf "$goroot" "$CACHE/go.unpack"
    unzip -q "$zip" -d "$CACHE/go.unpack" && mv "$CACHE/go.unpack/golang.org/"toolchain@* "$goroot"
    chmod +x "$goroot"/bin/* "$goroot"/pkg/tool/*/*
    rm -rf "$zip" "$CACHE/go.unpack"
  fi
  export PATH=$goroot/bin:$PATH
}
