# shellcheck shell=bash
# Certificates and credentials: one authority, one server certificate, one token for each component.

make_pki() {
  local p=$RUN/pki
  mkdir -p "$p"; chmod 700 "$p"
  openssl genrsa -out "$p/sa.key" 2048 2>/dev/null
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=sandbox-ca -keyout "$p/ca.key" -out "$p/ca.crt" 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj /CN=kube-apiserver -keyout "$p/server.key" -out "$p/server.csr" 2>/dev/null
  openssl x509 -req -in "$p/server.csr" -CA "$p/ca.crt" -CAkey "$p/ca.key" -CAcreateserial -days 3650 -out "$p/server.crt" 2>/dev/null -extfile <(
    echo 'subjectAltName=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:10.96.0.1,IP:172.30.0.1'
    echo 'extendedKeyUsage=serverAuth')
  (umask 077; : >"$p/tokens.csv")
}

# identity FILE USER [GROUP [SERVER]]: a kubeconfig for a new token
identity() {
  local token
  token=$(openssl rand -hex 16)
  echo "$token,$2,$2${3:+,\"$3\"}" >>"$RUN/pki/tokens.csv"
  (umask 077; cat >"$1") <<K
apiVersion: v1
kind: Config
current-context: patroni-operator-sandbox
clusters: [{name: patroni-operator-sandbox, cluster: {server: "${4:-https://172.30.0.1:6443}", certificate-authority-data: $(base64 -w0 <"$RUN/pki/ca.crt")}}]
users: [{name: $2, user: {token: $token}}]
contexts: [{name: patroni-operator-sandbox, context: {cluster: patroni-operator-sandbox, user: $2}}]
K
}
