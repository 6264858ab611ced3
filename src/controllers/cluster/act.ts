import { FIELD_MANAGER, FINALIZER, ANNOTATIONS } from '../../api/meta.ts';
import { names } from '../../api/names.ts';
import type { Action } from '../../decide/actions.ts';
import { podsOf } from '../../decide/facts.ts';
import { objectKey } from '../../decide/observed.ts';
import { errorCode } from '../../errors.ts';
import { applyIfNeeded } from '../../kube/apply.ts';
import { KINDS, type KubeObject, type ResourceKind } from '../../kube/types.ts';

import { acceptAnnotation, createOperation, rejectAnnotation, removeAnnotation, requestSwitchover, updateOperation } from './act-operations.ts';
import { CHANGED, memberClient, note, UNCHANGED, type ActContext, type ActResult } from './act-context.ts';
import { patchDynamicConfig, restartMember } from './act-patroni.ts';
import { createSecret, issueLeafSecret, rewriteSecret } from './act-secrets.ts';
import { postgresAccess } from './superuser.ts';

/** Carries one action out. Idempotent; a failure is thrown, ends the pass, and the next pass decides anew. */
export async function act(context: ActContext, action: Action): Promise<ActResult> {
  const { ports, observed } = context;
  const { namespace, name } = observed.cluster.metadata;
  const inNamespace = (object: string) => ({ namespace, name: object });
  switch (action.kind) {
    case 'addFinalizer':
      await patchFinalizers(context, [...(observed.cluster.metadata.finalizers ?? []), FINALIZER]);
      return CHANGED;
    case 'removeFinalizer':
      await patchFinalizers(context, (observed.cluster.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER));
      return CHANGED;
    case 'createSecret':
      return (await createSecret(context, action.plan)) ? CHANGED : UNCHANGED;
    case 'rewriteSecret':
      await rewriteSecret(context, action.plan);
      return CHANGED;
    case 'issueLeaf':
      await issueLeafSecret(context, action.plan);
      return CHANGED;
    case 'apply': {
      const live = observed.objects.get(objectKey(action.manifest.kind, action.manifest.metadata.name));
      const applied = await applyIfNeeded(ports.rest, kindOf(action.manifest.kind), action.manifest, live as KubeObject | undefined, { fieldManager: FIELD_MANAGER, force: true });
      if (applied.reason === undefined) return UNCHANGED;
      ports.logger.info('applied object', { cluster: `${namespace}/${name}`, action: action.kind, kind: action.manifest.kind, object: action.manifest.metadata.name, ...applied.reason });
      return CHANGED;
    }
    case 'deleteObject': {
      const { metadata, kind } = action.manifest;
      await ports.rest.delete(kindOf(kind), inNamespace(metadata.name), { propagationPolicy: 'Background', ...(metadata.uid === undefined ? {} : { preconditions: { uid: metadata.uid } }) });
      return CHANGED;
    }
    case 'growClaim':
      await ports.rest.patch(KINDS.PersistentVolumeClaim, inNamespace(action.claim), { type: 'merge', body: { spec: { resources: { requests: { storage: action.size } } } } }, { fieldManager: FIELD_MANAGER });
      note(context, 'VolumeGrowing', 'Grow', `Volume claim ${action.claim} grows to ${action.size}.`);
      return CHANGED;
    case 'deleteClaim':
      await ports.rest.delete(KINDS.PersistentVolumeClaim, inNamespace(action.claim));
      return CHANGED;
    case 'refreshPodVolumes':
      await ports.rest.patch(KINDS.Pod, inNamespace(action.pod), { type: 'merge', body: { metadata: { annotations: { [ANNOTATIONS.configHash]: action.configHash } } } }, { fieldManager: FIELD_MANAGER });
      return CHANGED;
    case 'patchDynamicConfig':
      return patchDynamicConfig(context, action);
    case 'restartMember':
      return restartMember(context, action);
    case 'removeAnnotation':
      note(context, action.reason, 'Restart', action.message);
      await removeAnnotation(context, action.annotation, action.value);
      return CHANGED;
    case 'reloadMember': {
      await memberClient(context, action.member)?.reload(context.signal);
      return CHANGED;
    }
    case 'reloadCertificates': {
      const client = memberClient(context, action.member);
      if (client === undefined) return UNCHANGED;
      await client.reload(context.signal);
      const body = { metadata: { annotations: { [ANNOTATIONS.certificates]: action.certificates } } };
      await ports.rest.patch(KINDS.Pod, inNamespace(action.member), { type: 'merge', body }, { fieldManager: FIELD_MANAGER });
      return CHANGED;
    }
    case 'ensureApplicationDatabase':
      return ensureDatabase(context, action.leader);
    case 'acceptSwitchoverAnnotation':
      await acceptAnnotation(context, action.value);
      return CHANGED;
    case 'rejectSwitchoverAnnotation':
      await rejectAnnotation(context, action);
      return CHANGED;
    case 'removeSwitchoverAnnotation':
      await removeAnnotation(context, 'switchover', action.value);
      return CHANGED;
    case 'createOperation':
      await createOperation(context, action);
      return CHANGED;
    case 'updateOperation':
      await updateOperation(context, action.operation, action.status);
      return CHANGED;
    case 'requestSwitchover':
      await requestSwitchover(context, action);
      return CHANGED;
    case 'deleteOperation':
      await ports.rest.delete(KINDS.PatroniOperation, inNamespace(action.name));
      return CHANGED;
    case 'deletePod':
      note(context, action.reason, 'Restart', action.message);
      await ports.rest.delete(KINDS.Pod, inNamespace(action.pod), { preconditions: { uid: action.uid } });
      ports.logger.info('restarting pod', { cluster: `${namespace}/${name}`, member: action.pod, action: 'deletePod', reason: action.reason });
      return CHANGED;
  }
}

async function ensureDatabase(context: ActContext, leader: string): Promise<ActResult> {
  const { observed, ports, secrets } = context;
  const { effective } = observed;
  const pod = podsOf(observed, 'postgres').find((candidate) => candidate.name === leader);
  if (effective === undefined || pod?.ip === undefined) return UNCHANGED;
  const { name, namespace, spec } = effective;
  const target = (await postgresAccess(ports, secrets, effective))(pod);
  const application = await secrets.read(ports.cache.child('Secret', namespace, names.applicationSecret(name)), ['username', 'password']);
  const ownerPassword = application?.['password'];
  if (target === undefined || ownerPassword === undefined) return UNCHANGED;
  const { database, owner } = spec.application;
  await ports.ensureApplicationDatabase(target, { database, owner, ownerPassword });
  note(context, 'DatabaseCreated', 'Create', `Database ${database} owned by ${owner} exists.`);
  return { changed: true, application: { database, owner } };
}

async function patchFinalizers(context: ActContext, finalizers: readonly string[]): Promise<void> {
  const { namespace, name, resourceVersion } = context.observed.cluster.metadata;
  try {
    // The resourceVersion makes the list replace exactly what was read: finalizers of others are never lost.
    await context.ports.rest.patch(KINDS.PatroniCluster, { namespace, name }, { type: 'merge', body: { metadata: { finalizers, resourceVersion } } }, { fieldManager: FIELD_MANAGER });
  } catch (error) {
    if (errorCode(error) !== 'ERR_KUBE_NOT_FOUND') throw error;
  }
}

function kindOf(kind: string): ResourceKind {
  const kinds: Readonly<Record<string, ResourceKind | undefined>> = KINDS;
  const found = kinds[kind];
  if (found === undefined) throw new TypeError(`no resource is known for kind ${kind}`);
  return found;
}
