/**
 * Patterns shared by the schemas. They must stay within RE2 (no look-ahead, no back-reference), since the API server compiles them, and without backslash or quote,
 * since they are written into CEL strings. `test/conformance` checks both.
 */

/** An amount of bytes as users write it: `10Gi`, `1.5Gi`, `500M`. Source: k8s.io/apimachinery resource.Quantity, without sign, exponent and fractions of a byte. */
export const bytesPattern = /^[0-9]+([.][0-9]+)?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;

/** A non-negative Kubernetes quantity as users write it: `500m`, `0.5`, `10Gi`. Source: k8s.io/apimachinery resource.Quantity (no exponent form). */
export const quantityPattern = /^[0-9]+([.][0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;

/** A name that needs no quoting in PostgreSQL: lower case, digits and underscores. */
export const roleNamePattern = /^[a-z_][a-z0-9_]*$/;

/** The name of a replication slot. Source: PostgreSQL ReplicationSlotValidateName. */
export const slotNamePattern = /^[a-z0-9_]{1,63}$/;

/** A name as C has them. */
export const identifierPattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Prefix of Patroni's keys in etcd: one path segment. */
export const dcsNamespacePattern = /^[/][a-z0-9][a-z0-9_-]*$/;

/** A DNS-1035 label: what a Service may be called, hence a cluster whose Services carry its name. */
export const dnsLabelPattern = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** A DNS-1123 subdomain: what most Kubernetes objects may be called. */
export const dnsSubdomainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** An image reference without blanks: `registry:5000/path/name:tag@sha256:…`. The kubelet is the real judge. */
export const imagePattern = /^[a-zA-Z0-9][-a-zA-Z0-9._:/@]*$/;

/** A label value. Source: k8s.io/apimachinery validation.IsValidLabelValue. */
export const labelValuePattern = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

/** A label or annotation key: an optional DNS prefix, a slash, a name of at most 63. Source: k8s.io/apimachinery validation.IsQualifiedName. */
export const qualifiedNamePattern = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?[/])?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
