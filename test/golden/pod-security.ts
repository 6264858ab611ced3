/** The parts of a pod that the Pod Security Standard `restricted` looks at. */
export interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: Readonly<Record<string, unknown>> }[];
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly hostPort?: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
}

const ALLOWED_VOLUMES = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'];

/** What a pod breaks of the Pod Security Standard `restricted` (Kubernetes 1.34), and of our own rule that root file systems are read-only. Empty when nothing. */
export function restrictedViolations(pod: PodSpec): readonly string[] {
  const broken: string[] = [];
  const { securityContext: ofPod = {} } = pod;
  if (pod.hostNetwork === true || pod.hostPID === true || pod.hostIPC === true) broken.push('host namespaces');
  if (pod.automountServiceAccountToken !== false) broken.push('service account token');
  for (const volume of pod.volumes ?? []) {
    const [kind = ''] = Object.keys(volume).filter((key) => key !== 'name');
    if (!ALLOWED_VOLUMES.includes(kind)) broken.push(`volume ${String(volume['name'])} of type ${kind}`);
  }
  for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
    const own = container.securityContext ?? {};
    const effective = (key: string) => own[key] ?? ofPod[key];
    const complain = (what: string) => broken.push(`${container.name}: ${what}`);
    if (effective('runAsNonRoot') !== true) complain('runAsNonRoot');
    if (effective('runAsUser') === 0) complain('runAsUser 0');
    if ((effective('seccompProfile') as { type?: string } | undefined)?.type !== 'RuntimeDefault') complain('seccompProfile');
    if (own['allowPrivilegeEscalation'] !== false) complain('allowPrivilegeEscalation');
    if (own['privileged'] === true) complain('privileged');
    if (own['readOnlyRootFilesystem'] !== true) complain('readOnlyRootFilesystem');
    const capabilities = (own['capabilities'] ?? {}) as { drop?: readonly string[]; add?: readonly string[] };
    if (capabilities.drop?.includes('ALL') !== true) complain('capabilities.drop');
    if ((capabilities.add ?? []).some((name) => name !== 'NET_BIND_SERVICE')) complain('capabilities.add');
    if ((container.ports ?? []).some((port) => (port.hostPort ?? 0) !== 0)) complain('hostPort');
  }
  return broken;
}
