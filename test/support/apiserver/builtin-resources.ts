/** The built-in kinds that the double serves. CRDs add theirs at run time (`registry.ts`). */

export interface ResourceInfo {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Has a /status subresource: `status` is written only through it. */
  readonly status: boolean;
  /** JSON paths of the /scale subresource, when there is one. */
  readonly scale?: { readonly spec: string; readonly status: string; readonly selector?: string };
  /** `metadata.generation` counts changes of the desired state. Kinds without a spec of that sort have none. */
  readonly generation: boolean;
  /** Where the objects are stored, when another resource holds them (events.k8s.io shows core events). */
  readonly storedAs?: string;
}

/** `group/version plural Kind short,names flags`: n = namespaced, s = status, g = generation, c = scale, a = category "all". */
const TABLE = `
/v1 pods Pod po nsga
/v1 services Service svc nsa
/v1 configmaps ConfigMap cm n
/v1 secrets Secret - n
/v1 events Event ev n
/v1 namespaces Namespace ns s
/v1 nodes Node no s
/v1 persistentvolumes PersistentVolume pv s
/v1 persistentvolumeclaims PersistentVolumeClaim pvc ns
/v1 serviceaccounts ServiceAccount sa n
/v1 endpoints Endpoints ep n
apps/v1 statefulsets StatefulSet sts nsgca
apps/v1 deployments Deployment deploy nsgca
apps/v1 replicasets ReplicaSet rs nsgca
apps/v1 daemonsets DaemonSet ds nsga
apps/v1 controllerrevisions ControllerRevision - n
batch/v1 jobs Job - nsga
batch/v1 cronjobs CronJob cj nsga
policy/v1 poddisruptionbudgets PodDisruptionBudget pdb nsg
networking.k8s.io/v1 networkpolicies NetworkPolicy netpol ng
networking.k8s.io/v1 ingresses Ingress ing nsg
discovery.k8s.io/v1 endpointslices EndpointSlice - ng
coordination.k8s.io/v1 leases Lease - n
events.k8s.io/v1 events Event ev n
storage.k8s.io/v1 storageclasses StorageClass sc -
scheduling.k8s.io/v1 priorityclasses PriorityClass pc g
rbac.authorization.k8s.io/v1 roles Role - n
rbac.authorization.k8s.io/v1 rolebindings RoleBinding - n
rbac.authorization.k8s.io/v1 clusterroles ClusterRole - -
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding - -
admissionregistration.k8s.io/v1 validatingwebhookconfigurations ValidatingWebhookConfiguration - g
admissionregistration.k8s.io/v1 mutatingwebhookconfigurations MutatingWebhookConfiguration - g
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition crd,crds sg
`;

const parse = (line: string): ResourceInfo => {
  const [groupVersion = '', plural = '', kind = '', names = '', flags = ''] = line.split(' ');
  const [group = '', version = ''] = groupVersion.split('/');
  return {
    group,
    version,
    kind,
    plural,
    singular: kind.toLowerCase(),
    namespaced: flags.includes('n'),
    shortNames: names === '-' ? [] : names.split(','),
    categories: flags.includes('a') ? ['all'] : [],
    status: flags.includes('s'),
    generation: flags.includes('g'),
    ...(flags.includes('c') ? { scale: { spec: '.spec.replicas', status: '.status.replicas', selector: '.status.selector' } } : {}),
    ...(group === 'events.k8s.io' ? { storedAs: '/events' } : {}),
  };
};

export const BUILTIN_RESOURCES: readonly ResourceInfo[] = TABLE.trim().split('\n').map(parse);
