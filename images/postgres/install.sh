#!/bin/sh
# Runs in the image's build, as one layer: PostgreSQL, Python for Patroni, the locales, and nothing that only builds need.
set -eu
export DEBIAN_FRONTEND=noninteractive

groupadd --system --gid 999 postgres
useradd --system --uid 999 --gid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres

{
  echo 'path-exclude /usr/share/doc/*'
  echo 'path-include /usr/share/doc/*/copyright'
  echo 'path-exclude /usr/share/man/*'
  echo 'path-exclude /usr/share/locale/*'
  echo 'path-exclude /usr/lib/postgresql/*/lib/bitcode/*'   # only JIT's inlining reads it
  if [ "$JIT" != true ]; then
    echo 'path-exclude /usr/lib/postgresql/*/lib/llvmjit*'
    echo 'path-exclude /usr/lib/*/libLLVM*'
    echo 'path-exclude /usr/lib/llvm-*'
    echo 'path-exclude /usr/lib/*/libz3*'
  fi
} >/etc/dpkg/dpkg.cfg.d/postgres-image

# no cluster is made by the package: Patroni does that
mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf

apt-get update -q
if [ "$PGDG" = true ]; then
  apt-get install -qy --no-install-recommends ca-certificates curl
  curl -fsSL -o /usr/share/keyrings/pgdg.asc "$PGDG_KEY_URL"
  . /etc/os-release
  echo "deb [signed-by=/usr/share/keyrings/pgdg.asc] $PGDG_URL $VERSION_CODENAME-pgdg main" >/etc/apt/sources.list.d/pgdg.list
  apt-get update -q
fi
apt-get install -qy --no-install-recommends "postgresql-$PG_MAJOR" python3-minimal python3 locales tzdata ca-certificates curl
if [ "$PG_MAJOR" -lt 10 ]; then apt-get install -qy --no-install-recommends "postgresql-contrib-$PG_MAJOR"; fi

# C.UTF-8 is part of libc
localedef -i en_US -c -f UTF-8 en_US.UTF-8

# What runs here runs as one user: nothing may become another
find / -xdev -type f -perm /6000 -exec chmod a-s {} +

install -d -o 999 -g 999 -m 0755 /var/lib/postgresql /etc/patroni
install -d -o 999 -g 999 -m 2775 /run/postgresql
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/* /var/log/* /usr/share/i18n /etc/postgresql /tmp/* \
  /etc/ssl/private/* /etc/ssl/certs/ssl-cert-snakeoil.pem   # a private key that every copy of the image would share
find /usr/share/postgresql/*/man -type f -delete   # alternatives need them at installation
