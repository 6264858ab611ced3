/* eslint-disable max-lines -- the one table of errors; tables are exempt from the limit (house style 4) */
/**
 * Every failure the operator can name, in one table. Rooms add their rows under their own heading; the key is `ERR_<ROOM>_<WHAT>` and is never
 * reused for another meaning. `docs/reference/errors.md` is generated from this file.
 *
 * - `retry`: `transient` is tried again with backoff; `terminal` waits until the object changes, because repeating the same request cannot help.
 * - `message`: one sentence with the facts; facts never carry a secret.
 * - `cause` and `remedy`: for the person who reads the code in a log, an event or a condition.
 */

/** Whether repeating the same work can succeed without a change of the object. */
export type Retry = 'transient' | 'terminal';

interface ErrorRow {
  readonly retry: Retry;
  readonly message: (facts: never) => string;
  readonly cause: string;
  readonly remedy: string;
}

/** What is known about a refused or failed request to the Kubernetes API. `path` is the URL path without the query. */
export interface KubeRequestFacts {
  readonly method: string;
  readonly path: string;
  /** HTTP status code; absent when there was no answer. */
  readonly status?: number;
  /** `reason` of the returned Status object, such as `AlreadyExists`. */
  readonly reason?: string;
  /** `message` of the returned Status object, or of the network error. */
  readonly detail?: string;
  /** `details.causes` of the returned Status: which fields are wrong. */
  readonly causes?: readonly KubeFieldCause[];
  /** `details.retryAfterSeconds` or the Retry-After header. */
  readonly retryAfterSeconds?: number;
}

export interface KubeFieldCause {
  readonly field: string;
  readonly message: string;
  readonly reason?: string;
}

/** Where a manifest is wrong (a path such as `spec.etcd.replicas`), and what to do about it. */
export interface SpecFacts {
  readonly path: string;
  readonly detail: string;
}

const request = (f: KubeRequestFacts): string => `${f.method} ${f.path}`;
const because = (f: KubeRequestFacts): string => (f.detail === undefined || f.detail === '' ? '' : `: ${f.detail}`);
const fields = (f: KubeRequestFacts): string =>
  f.causes === undefined || f.causes.length === 0 ? because(f) : `: ${f.causes.map((c) => `${c.field}: ${c.message}`).join('; ')}`;

/** A request to one Patroni member. `member` is its name (the pod's), `path` the URL path. */
export interface PatroniRequestFacts {
  readonly member: string;
  readonly method: string;
  readonly path: string;
  /** HTTP status; absent when there was no answer. */
  readonly httpStatus?: number;
  /** Patroni's own words, or those of the network error. */
  readonly detail?: string;
}

/** A request to one etcd member. `member` is its name (the pod's), `path` that of the gRPC gateway. */
export interface EtcdRequestFacts {
  readonly member: string;
  readonly path: string;
  /** HTTP status; absent when there was no answer. */
  readonly httpStatus?: number;
  /** etcd's own words, or those of the network error. */
  readonly detail?: string;
}

/** A conversation with PostgreSQL on one member. `step` says what was being done; never the statement, which may carry a verifier. */
export interface PostgresFacts {
  readonly member: string;
  readonly step: string;
  /** SQLSTATE, when PostgreSQL answered. */
  readonly sqlState?: string;
  readonly detail?: string;
}

const patroniRequest = (f: PatroniRequestFacts): string => `${f.method} ${f.path} on Patroni member ${f.member}`;
const etcdRequest = (f: EtcdRequestFacts): string => `POST ${f.path} on etcd member ${f.member}`;
const detailOf = (f: { readonly detail?: string }): string => (f.detail === undefined || f.detail === '' ? '' : `: ${f.detail}`);
const sqlStateOf = (f: PostgresFacts): string => (f.sqlState === undefined ? '' : ` (SQLSTATE ${f.sqlState})`);

export const ERRORS = {
  // ---- kube: the Kubernetes API -------------------------------------------------------------------------------------------------------
  ERR_KUBE_CONFIG: {
    retry: 'terminal',
    message: (f: { readonly problem: string }) => `no usable Kubernetes configuration: ${f.problem}`,
    cause:
      'The kubeconfig file or context does not exist or is not readable, or the process does not run in a cluster and no kubeconfig was given.',
    remedy: 'Check `--kubeconfig` and `--context`, or in a pod that the service account token is mounted.',
  },
  ERR_KUBE_BAD_REQUEST: {
    retry: 'terminal',
    message: (f: KubeRequestFacts) => `${request(f)} was rejected as malformed (HTTP ${f.status ?? 400})${because(f)}`,
    cause: 'The API server could not parse the request, or does not support what it asks for.',
    remedy:
      'Check that the Kubernetes version is supported and that the CRDs are of the same release as the operator; otherwise report it as a bug.',
  },
  ERR_KUBE_UNAUTHORIZED: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} was not authenticated${because(f)}`,
    cause: 'The service account token or client certificate is expired, or belongs to another cluster.',
    remedy: 'Check that the token volume is mounted and refreshed, or log in again if the operator runs from a kubeconfig.',
  },
  ERR_KUBE_FORBIDDEN: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} is forbidden${because(f)}`,
    cause: 'RBAC does not allow the request, or a quota, a Pod Security level or a terminating namespace refuses the object.',
    remedy: 'Read the text after the colon: update the chart (its Roles come with it), raise the quota, or label the namespace.',
  },
  ERR_KUBE_NOT_FOUND: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} found nothing${because(f)}`,
    cause: 'The object, its namespace or its kind does not exist (any more).',
    remedy: 'Usually none: the next pass sees that it is gone. If a kind is missing, install the CRDs.',
  },
  ERR_KUBE_METHOD_NOT_ALLOWED: {
    retry: 'terminal',
    message: (f: KubeRequestFacts) => `${request(f)} is not supported by the API server${because(f)}`,
    cause: 'The API server does not offer this operation on the resource.',
    remedy: 'Check that the Kubernetes version is supported and the CRDs are of the same release as the operator.',
  },
  ERR_KUBE_CONFLICT: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} conflicts with a change made meanwhile${fields(f)}`,
    cause:
      'The object changed since it was read, a precondition (uid, resourceVersion) no longer holds, or another field manager owns a field.',
    remedy:
      'None if it passes. If it repeats and names a field manager, something else (a GitOps tool, kubectl) sets the same field: remove it there.',
  },
  ERR_KUBE_ALREADY_EXISTS: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} failed because the object exists already${because(f)}`,
    cause: 'An object of that name was created meanwhile, or was there before the cluster.',
    remedy: 'None if it passes. If it repeats, remove or rename the object that is in the way.',
  },
  ERR_KUBE_GONE: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} asked for a resourceVersion that is no longer kept${because(f)}`,
    cause: 'A watch or paged list was resumed from a point that the API server has compacted.',
    remedy: 'None: the operator lists again. If it is frequent, the API server or its etcd is overloaded.',
  },
  ERR_KUBE_INVALID: {
    retry: 'terminal',
    message: (f: KubeRequestFacts) => `${request(f)} was rejected as invalid${fields(f)}`,
    cause: 'Schema or admission refuses the object; often an immutable field would have to change.',
    remedy: 'The message names the fields: correct them in the PatroniCluster.',
  },
  ERR_KUBE_TOO_LARGE: {
    retry: 'terminal',
    message: (f: KubeRequestFacts) => `${request(f)} is too large${because(f)}`,
    cause: 'The object exceeds the size limit of the API server or etcd (about 1.5 MiB).',
    remedy: 'Shorten the configuration in the PatroniCluster.',
  },
  ERR_KUBE_THROTTLED: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} was throttled by the API server${because(f)}`,
    cause: 'The API server sheds load (API Priority and Fairness).',
    remedy: 'None if it passes; otherwise look for the client that floods the API server.',
  },
  ERR_KUBE_EVICTION_BLOCKED: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} was refused by a PodDisruptionBudget${because(f)}`,
    cause: 'Evicting the pod now would leave fewer healthy pods than its PodDisruptionBudget demands.',
    remedy: 'Wait until the other members are healthy; `kubectl get pdb` shows what is missing.',
  },
  ERR_KUBE_SERVER: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} failed in the API server (HTTP ${f.status ?? 500})${because(f)}`,
    cause: 'An internal error of the API server, of an admission webhook or of its etcd.',
    remedy: 'Read the text after the colon; if it names a webhook, repair that webhook.',
  },
  ERR_KUBE_UNAVAILABLE: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} did not reach the API server${because(f)}`,
    cause: 'The API server is down, restarting or cut off by the network.',
    remedy: 'Database service goes on without it. Restore the API server or the route to it.',
  },
  ERR_KUBE_TIMEOUT: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} was not answered in time${because(f)}`,
    cause: 'The API server, its etcd or an admission webhook is overloaded, or a connection died silently.',
    remedy: 'None if it passes; otherwise look at the load of the API server and its etcd.',
  },
  ERR_KUBE_ABORTED: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} was given up by the operator`,
    cause: 'The operator is stopping, or the pass that made the request ran out of time.',
    remedy: 'None: the work is done again by the next pass.',
  },
  ERR_KUBE_PROTOCOL: {
    retry: 'transient',
    message: (f: KubeRequestFacts) => `${request(f)} got an answer that is not Kubernetes JSON${because(f)}`,
    cause: 'A proxy answers in place of the API server, or a stream was cut in the middle of an object.',
    remedy: 'Check what listens at the server URL of the kubeconfig; a proxy in between must pass the answers unchanged.',
  },
  ERR_KUBE_WATCH_SILENT: {
    retry: 'transient',
    message: (f: { readonly resource: string; readonly silentMs: number }) =>
      `watch of ${f.resource} was silent for ${f.silentMs} ms and is opened again`,
    cause: 'The connection died without a sign (a dropped NAT entry, a frozen proxy); not even bookmarks arrived.',
    remedy: 'None if rare. If frequent, look at idle timeouts of proxies and load balancers before the API server.',
  },
  ERR_KUBE_EXEC: {
    retry: 'transient',
    message: (f: { readonly pod: string; readonly problem: string }) => `could not run a command in pod ${f.pod}: ${f.problem}`,
    cause: 'The pod or container is gone or starting, the kubelet is not reachable, or the connection broke.',
    remedy: 'Check `kubectl get pod` and that `kubectl exec` works for it.',
  },

  // ---- runtime: the loop ----------------------------------------------------------------------------------------------------------------
  ERR_RUNTIME_UNEXPECTED: {
    retry: 'transient',
    message: (f: { readonly detail: string }) => `unexpected failure: ${f.detail}`,
    cause: 'A defect in the operator: something was thrown that has no entry in this table.',
    remedy: 'Report it with the log lines of the same reconcileId. The pass is repeated with backoff.',
  },
  ERR_RUNTIME_RECONCILE_TIMEOUT: {
    retry: 'transient',
    message: (f: { readonly controller: string; readonly key: string; readonly timeoutMs: number }) =>
      `${f.controller} gave up on ${f.key} after ${f.timeoutMs} ms`,
    cause: 'One pass took longer than allowed; something it waits for does not answer.',
    remedy: 'None if it passes. Otherwise the log lines of the same reconcileId show the last step that was begun.',
  },
  ERR_RUNTIME_LEADERSHIP_LOST: {
    retry: 'transient',
    message: (f: { readonly lease: string; readonly detail: string }) => `leadership of ${f.lease} is lost: ${f.detail}`,
    cause: 'The lease could not be renewed within the deadline, or another replica of the operator holds it.',
    remedy: 'None: another replica takes over and this one starts anew. If frequent, the API server is slow or the operator lacks CPU.',
  },

  // ---- patroni: the REST API of a member ------------------------------------------------------------------------------------------------
  ERR_PATRONI_UNREACHABLE: {
    retry: 'transient',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} got no answer${detailOf(f)}`,
    cause:
      'The pod is starting, stopping or gone, Patroni in it does not run, or a NetworkPolicy blocks the operator. Patroni also breaks off when its DCS does not answer.',
    remedy: 'Look at the pod, its log and at etcd; from the operator the REST port of the pods (8008 by default) must be reachable.',
  },
  ERR_PATRONI_TIMEOUT: {
    retry: 'transient',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} was not answered in time${detailOf(f)}`,
    cause: 'The node of the pod is cut off or overloaded, or Patroni waits for its DCS: it reads etcd for nearly every request.',
    remedy: 'Check the node and etcd; Patroni answers again once etcd does.',
  },
  ERR_PATRONI_ABORTED: {
    retry: 'transient',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} was given up by the operator`,
    cause: 'The operator is stopping, or the pass that made the request ran out of time.',
    remedy: 'None: the next pass looks at what came of it.',
  },
  ERR_PATRONI_TLS: {
    retry: 'transient',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} failed to agree on TLS${detailOf(f)}`,
    cause: 'The certificate of the member is expired, not for its name or not from the CA of the cluster; or the member does not accept ours.',
    remedy: 'Compare the certificate Secrets of the cluster with what the pod has mounted; Patroni loads a renewed certificate on reload.',
  },
  ERR_PATRONI_UNAUTHORIZED: {
    retry: 'transient',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} was not authenticated${detailOf(f)}`,
    cause: 'Name or password of the REST API differ between the Secret that the operator reads and the file that Patroni has loaded.',
    remedy: 'Wait until the kubelet has updated the mounted Secret (about a minute) and Patroni has been reloaded.',
  },
  ERR_PATRONI_FORBIDDEN: {
    retry: 'transient',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} is forbidden${detailOf(f)}`,
    cause: 'The address of the operator is not in the allowlist of the REST API, or no client certificate was presented ("client certificate required").',
    remedy: 'Add the network of the operator to `spec.patroni.allowlist`, or check the Secret with the client certificate.',
  },
  ERR_PATRONI_REJECTED: {
    retry: 'terminal',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} was rejected (HTTP ${f.httpStatus ?? 400})${detailOf(f)}`,
    cause: 'Patroni does not understand the request; its version may not support it.',
    remedy: 'Check that the Patroni version of the image is supported; otherwise report it as a bug.',
  },
  ERR_PATRONI_UNAVAILABLE: {
    retry: 'transient',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} failed in Patroni (HTTP ${f.httpStatus ?? 503})${detailOf(f)}`,
    cause: 'Patroni could not read or write its DCS, or failed inside.',
    remedy: 'Check the health of etcd and the log of the member.',
  },
  ERR_PATRONI_PROTOCOL: {
    retry: 'transient',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} got an answer that is not Patroni's${detailOf(f)}`,
    cause: 'Something else listens on the REST port, or the connection broke in the middle of the answer.',
    remedy: 'Check what listens on the REST port of the pod.',
  },
  ERR_PATRONI_CONFIG_CONFLICT: {
    retry: 'transient',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} could not change the dynamic configuration as it was read`,
    cause: 'Someone else (patronictl, another client) changed the dynamic configuration meanwhile, or etcd did not take the change.',
    remedy: 'None if it passes: the operator reads it again and repeats its change. If it repeats, check the health of etcd.',
  },
  ERR_PATRONI_CONFIG_MISSING: {
    retry: 'transient',
    message: (f: PatroniRequestFacts) => `${patroniRequest(f)} found no dynamic configuration in the DCS`,
    cause: 'The cluster has not been initialised yet, or its keys in etcd were wiped.',
    remedy: 'None while the cluster is being created. Otherwise look at etcd: a wiped DCS must be handled before anything is restarted.',
  },

  // ---- etcd: the DCS --------------------------------------------------------------------------------------------------------------------
  ERR_ETCD_UNREACHABLE: {
    retry: 'transient',
    message: (f: EtcdRequestFacts) => `${etcdRequest(f)} got no answer${detailOf(f)}`,
    cause: 'The pod is starting, stopping or gone, or a NetworkPolicy blocks the operator.',
    remedy: 'Look at the pod and its log; from the operator port 2379 of the pods must be reachable.',
  },
  ERR_ETCD_TIMEOUT: {
    retry: 'transient',
    message: (f: EtcdRequestFacts) => `${etcdRequest(f)} was not answered in time${detailOf(f)}`,
    cause: 'The node of the pod is cut off or overloaded, its disk is slow, or the member has lost contact to a quorum.',
    remedy: 'Check the other etcd members, the node and the latency of its disk.',
  },
  ERR_ETCD_ABORTED: {
    retry: 'transient',
    message: (f: EtcdRequestFacts) => `${etcdRequest(f)} was given up by the operator`,
    cause: 'The operator is stopping, or the pass that made the request ran out of time.',
    remedy: 'None: the next pass asks again.',
  },
  ERR_ETCD_TLS: {
    retry: 'transient',
    message: (f: EtcdRequestFacts) => `${etcdRequest(f)} failed to agree on TLS${detailOf(f)}`,
    cause: 'The certificate of the member is expired, not for its name or not from the CA of the cluster; or the member does not accept ours.',
    remedy: 'Compare the certificate Secrets of the cluster with what the pod has mounted; etcd reads a changed CA only at its start.',
  },
  ERR_ETCD_DENIED: {
    retry: 'terminal',
    message: (f: EtcdRequestFacts) => `${etcdRequest(f)} was denied (HTTP ${f.httpStatus ?? 401})${detailOf(f)}`,
    cause: 'Authentication is on in etcd and the operator is not allowed this, or our certificate carries a CN, which the gateway then refuses.',
    remedy: 'Check `spec.etcd.authenticationMode` and that the client certificate has an empty subject.',
  },
  ERR_ETCD_NO_QUORUM: {
    retry: 'transient',
    message: (f: EtcdRequestFacts) => `${etcdRequest(f)} failed because etcd has no leader${detailOf(f)}`,
    cause: 'More than half of the members are not running or cannot reach each other.',
    remedy: 'Bring the missing members back; as long as there is no quorum nothing can be written to the DCS.',
  },
  ERR_ETCD_FAILED: {
    retry: 'transient',
    message: (f: EtcdRequestFacts) => `${etcdRequest(f)} failed in etcd (HTTP ${f.httpStatus ?? 500})${detailOf(f)}`,
    cause: 'The member refused or could not finish the request; its words follow the colon.',
    remedy: 'If it says "mvcc: database space exceeded", compact and defragment etcd; otherwise read the log of the member.',
  },
  ERR_ETCD_PROTOCOL: {
    retry: 'transient',
    message: (f: EtcdRequestFacts) => `${etcdRequest(f)} got an answer that is not etcd's${detailOf(f)}`,
    cause: 'Something else listens on the client port, or the connection broke in the middle of the answer.',
    remedy: 'Check what listens on port 2379 of the pod.',
  },

  // ---- postgres: SQL on a member ----------------------------------------------------------------------------------------------------------
  ERR_POSTGRES_UNREACHABLE: {
    retry: 'transient',
    message: (f: PostgresFacts) => `could not reach PostgreSQL on ${f.member} to ${f.step}${detailOf(f)}`,
    cause: 'PostgreSQL is starting, stopping or failing over, the connection broke, or a NetworkPolicy blocks the operator.',
    remedy: 'None if it passes; otherwise look at the pod and check that port 5432 is reachable from the operator.',
  },
  ERR_POSTGRES_TIMEOUT: {
    retry: 'transient',
    message: (f: PostgresFacts) => `PostgreSQL on ${f.member} took too long to ${f.step}${detailOf(f)}`,
    cause: 'The member is overloaded or cut off, a lock is held, or a commit waits for a synchronous standby.',
    remedy: 'Look at pg_stat_activity on the leader and at the state of the replicas.',
  },
  ERR_POSTGRES_TLS: {
    retry: 'transient',
    message: (f: PostgresFacts) => `TLS to PostgreSQL on ${f.member} failed while trying to ${f.step}${detailOf(f)}`,
    cause: 'The server certificate is expired, not for the name of the member or not from the CA of the cluster, or the server has TLS off.',
    remedy: 'Compare the server certificate Secret with what the pod has mounted; PostgreSQL loads a renewed certificate on reload.',
  },
  ERR_POSTGRES_AUTHENTICATION: {
    retry: 'transient',
    message: (f: PostgresFacts) => `PostgreSQL on ${f.member} did not let the operator in to ${f.step}${sqlStateOf(f)}${detailOf(f)}`,
    cause: 'The password in the superuser Secret is not the one in the database, or pg_hba has no line for the operator.',
    remedy: 'Check the superuser Secret and the pg_hba lines of the cluster: a hostssl line for the superuser must match the operator.',
  },
  ERR_POSTGRES_NOT_PRIMARY: {
    retry: 'transient',
    message: (f: PostgresFacts) => `PostgreSQL on ${f.member} is not the primary, so it was not asked to ${f.step}`,
    cause: 'The leader changed between reading the state of the cluster and connecting, or its promotion is not finished.',
    remedy: 'None: the next pass connects to the leader of then.',
  },
  ERR_POSTGRES_ROLE_RESERVED: {
    retry: 'terminal',
    message: (f: { readonly role: string }) => `role ${f.role} exists with superuser or replication rights and is not made the owner of the application database`,
    cause: 'The owner of the application database names a role that belongs to the administration of the cluster.',
    remedy: 'Choose another owner in `spec.bootstrap`.',
  },
  ERR_POSTGRES_SQL: {
    retry: 'transient',
    message: (f: PostgresFacts) => `PostgreSQL on ${f.member} refused to ${f.step}${sqlStateOf(f)}${detailOf(f)}`,
    cause: 'The statement failed in PostgreSQL; its words follow the colon.',
    remedy: 'Correct what the message names; the operator tries again.',
  },
  ERR_CLUSTER_SECRET_INCOMPLETE: {
    retry: 'transient',
    message: (f: { secret: string; key: string }) => `Secret ${f.secret} does not exist or has no key ${f.key}`,
    cause: 'The Secret is being created, or somebody removed it or one of its keys.',
    remedy: 'If it stays: restore the key from a backup. A lost password can be set anew with ALTER ROLE; a lost CA key needs a new CA.',
  },

  // ---- spec: what a manifest may say ----------------------------------------------------------------------------------------------------
  ERR_SPEC_NOT_A_CLUSTER: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The document is not a PatroniCluster (or PatroniOperation) of a version that this release knows.',
    remedy: 'Set `apiVersion: patroni-operator.dev/v1alpha1` and `kind: PatroniCluster`, with `metadata.name` and `spec`.',
  },
  ERR_SPEC_UNKNOWN_FIELD: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'A field that does not exist, often a typing error or a field of a newer release. It would have no effect.',
    remedy: 'Correct or remove the field; `kubectl explain patroniclusters.spec` lists what there is.',
  },
  ERR_SPEC_REQUIRED: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'A field without a default is missing.',
    remedy: 'Set the field.',
  },
  ERR_SPEC_TYPE: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The value has another type than the field, such as a number in place of a text.',
    remedy: 'Write the value in the type that the message names; in YAML, quotes make a text of a number.',
  },
  ERR_SPEC_VALUE: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The value is outside its bounds, is none of the choices, or has characters that are not allowed.',
    remedy: 'Choose a value that the message allows.',
  },
  ERR_SPEC_NAME: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The name of a cluster becomes part of the names of its Services and pods, which have at most 63 characters.',
    remedy: 'Choose a name of at most 40 lower-case letters, digits and dashes that starts with a letter.',
  },
  ERR_SPEC_IMMUTABLE: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The field cannot change after creation.',
    remedy: 'Set the field back. For the new value, create another cluster and move the data.',
  },
  ERR_SPEC_STORAGE_SHRINKS: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'Kubernetes cannot make a volume smaller.',
    remedy: 'Set the size back or make it larger. For smaller volumes, create another cluster and move the data.',
  },
  ERR_SPEC_QUANTITY: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The value is not a Kubernetes quantity, or too small to be meant.',
    remedy: 'Write a number and a unit, such as 10Gi, 512Mi or 500m.',
  },
  ERR_SPEC_RESOURCE_UNKNOWN: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'Requests or limits name a resource that Kubernetes does not know.',
    remedy: 'Correct the name: cpu, memory, ephemeral-storage, hugepages-2Mi, or a device such as example.com/device.',
  },
  ERR_SPEC_REQUEST_ABOVE_LIMIT: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'More of a resource is requested than its limit allows; Kubernetes refuses such pods.',
    remedy: 'Raise `limits` or lower `requests`.',
  },
  ERR_SPEC_LABEL: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'A key or value of labels, annotations or a node selector is one that Kubernetes refuses.',
    remedy: 'Write keys such as team or example.com/team, and values of at most 63 letters, digits, dashes, dots and underscores.',
  },
  ERR_SPEC_RESERVED_NAME: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The name has a meaning in PostgreSQL or belongs to a user of Patroni.',
    remedy: 'Choose another name.',
  },
  ERR_SPEC_USERS_NOT_DISTINCT: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'Superuser, replication user and the user of pg_rewind have different rights and passwords, so they must be different roles.',
    remedy: 'Give each user in `spec.patroni.users` its own name.',
  },
  ERR_SPEC_ETCD_EVEN: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'An even number of etcd members needs a larger majority without surviving more failures.',
    remedy: 'Set `spec.etcd.replicas` to 1, 3, 5 or 7.',
  },
  ERR_SPEC_PORT_TAKEN: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The port is used by another program of the same pod.',
    remedy: 'Choose another port.',
  },
  ERR_SPEC_MAXLAG_NEEDS_READONLY: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The field `haproxy.readOnly.maxLag` is set while read-only connections are turned off, so it would have no effect.',
    remedy: 'Remove `maxLag` or set `haproxy.readOnly.enabled: true`.',
  },
  ERR_SPEC_CONFIG_PROTECTED: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The key is one that the operator depends on, that would be ignored where it stands, or that would do harm.',
    remedy: 'Remove the key and do what the message says instead; `docs/reference/patroni-configuration.md` has the table.',
  },
  ERR_SPEC_CONFIG_UNKNOWN: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'Patroni has no key of this name, so it would be ignored without a word.',
    remedy: 'Correct the name or remove the key.',
  },
  ERR_SPEC_CONFIG_VALUE: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'Patroni does not take this value for the key: it would take another one, or fail to load its configuration.',
    remedy: 'Write a value of the type and within the bounds that the message names.',
  },
  ERR_SPEC_CONFIG_TIMING: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'Patroni needs `loop_wait + 2 × retry_timeout ≤ ttl`, or it changes the values by itself.',
    remedy: 'Raise `ttl`, or lower `loop_wait` or `retry_timeout`.',
  },
  ERR_SPEC_CONFIG_OMIT: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The path in `spec.patroni.omit` names something that the operator needs, or nothing at all.',
    remedy: 'Remove the path; omit only what the operator sets and can do without.',
  },
  ERR_SPEC_PARAMETER: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'PostgreSQL would refuse the setting, or Patroni would put another value in its place.',
    remedy: 'Correct the value; `docs/reference/patroni-configuration.md` tells what is checked.',
  },
  ERR_SPEC_HBA: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'PostgreSQL would refuse the line, and would not start with it.',
    remedy: 'Write the line as the page about pg_hba.conf (or pg_ident.conf) in the manual of PostgreSQL says.',
  },
  ERR_SPEC_NO_IMAGE: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The operator was configured with no image for the PostgreSQL version that is asked for.',
    remedy: 'Set `spec.images.postgres`, or give the operator an image for that version (chart value `images.postgres`).',
  },
  ERR_SPEC_REFERENCE_MISSING: {
    retry: 'terminal',
    message: (f: SpecFacts) => `${f.path}: ${f.detail}`,
    cause: 'The spec names an object, such as a Secret, that does not exist in the namespace of the cluster.',
    remedy: 'Create the object, or correct the name.',
  },

  // ---- cli: the command line ------------------------------------------------------------------------------------------------------------
  ERR_CLI_INPUT: {
    retry: 'terminal',
    message: (f: { readonly file: string; readonly problem: string }) => `${f.file}: ${f.problem}`,
    cause: 'The file does not exist, is not readable, or is not YAML or JSON.',
    remedy: 'Check the path and the line that the message names; `-f -` reads standard input.',
  },
  ERR_CLI_OPTION: {
    retry: 'terminal',
    message: (f: { readonly option: string; readonly problem: string }) => `${f.option} ${f.problem}`,
    cause: 'A flag or an environment variable has a value that cannot be used.',
    remedy: 'Correct the value; `patroni-operator help run` describes every flag and its environment variable.',
  },

  // ---- webhook: admission ---------------------------------------------------------------------------------------------------------------
  ERR_WEBHOOK_CERTIFICATE: {
    retry: 'transient',
    message: (f: { readonly problem: string }) => `the certificate of the webhook cannot be used: ${f.problem}`,
    cause: 'A file of the certificate is missing or no PEM text, or certificate and key do not belong together, as for a moment while they are being replaced.',
    remedy: 'None if it passes. Otherwise look at the Certificate of cert-manager and at the Secret that the operator has mounted.',
  },
} as const satisfies Record<string, ErrorRow>;

/** Stable name of a failure; match this, not the class or the text. */
export type ErrorCode = keyof typeof ERRORS;

/** The facts that the message of `C` is made from. */
export type FactsOf<C extends ErrorCode> = Parameters<(typeof ERRORS)[C]['message']>[0];

/** A failure from the table. `facts` is what the message was made from; `retry` is copied from the row. */
export class OperatorError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'OperatorError';
  readonly code: C;
  readonly facts: FactsOf<C>;
  readonly retry: Retry;

  constructor(code: C, facts: FactsOf<C>, options?: { readonly cause?: unknown }) {
    // The union of message functions takes the intersection of all facts; the pair (code, facts) was checked at the call.
    super((ERRORS[code].message as (facts: FactsOf<C>) => string)(facts), options);
    this.code = code;
    this.facts = facts;
    this.retry = ERRORS[code].retry;
  }
}

/** Whether `e` is a failure from the table, and, if given, the one with `code`. */
export function isOperatorError(e: unknown): e is OperatorError;
export function isOperatorError<C extends ErrorCode>(e: unknown, code: C): e is OperatorError<C>;
export function isOperatorError(e: unknown, code?: ErrorCode): boolean {
  return e instanceof OperatorError && (code === undefined || e.code === code);
}

/** The code of `e`; `ERR_RUNTIME_UNEXPECTED` for whatever is not from the table. */
export function errorCode(e: unknown): ErrorCode {
  return e instanceof OperatorError ? (e as OperatorError).code : 'ERR_RUNTIME_UNEXPECTED';
}

/** `e` itself when it is from the table; otherwise ERR_RUNTIME_UNEXPECTED with `e` as its cause. Call it once, at the border of the loop. */
export function toOperatorError(e: unknown): OperatorError {
  if (e instanceof OperatorError) return e as OperatorError;
  const detail = e instanceof Error ? `${e.name}: ${e.message}` : String(e);
  return new OperatorError('ERR_RUNTIME_UNEXPECTED', { detail }, { cause: e });
}
