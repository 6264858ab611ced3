import { ANNOTATIONS } from '../../api/meta.ts';
import { names } from '../../api/names.ts';
import { sha256Hex } from '../../lib/canonical-json.ts';
import { patroniConfigHash } from '../../resources/postgres/patroni-config.ts';
import type { Action, Move } from '../actions.ts';
import { memberOrdinal, podsOf, type Seen } from '../facts.ts';
import { objectKey } from '../observed.ts';

/**
 * Gets new configuration files to running pods quickly. The kubelet refreshes a mounted ConfigMap only every minute or so, but at once when the pod object changes, so the
 * hash of the mounted text is put on the pod as an annotation (on the pod only: in the template it would restart everything).
 */
export function configFiles(seen: Seen): Move {
  const sources = { postgres: names.patroniConfigMap(seen.effective.name), haproxy: names.haproxyConfigMap(seen.effective.name) } as const;
  const actions = (['postgres', 'haproxy'] as const).flatMap((component): Action[] => {
    const live = seen.objects.get(objectKey('ConfigMap', sources[component]));
    if (live === undefined) return [];
    const configHash = sha256Hex(JSON.stringify(live['data'] ?? {})).slice(0, 16);
    return podsOf(seen, component)
      .filter((pod) => pod.running && !pod.terminating && pod.annotations[ANNOTATIONS.configHash] !== configHash)
      .map((pod) => ({ kind: 'refreshPodVolumes', pod: pod.name, configHash }));
  });
  return { actions: [...actions, ...reloads(seen)] };
}

/**
 * Members that run another configuration file than the wanted one, by the tag each of them shows, are told to read it again. Repeated until the tag changes: the first
 * time the kubelet may not have brought the file yet.
 */
function reloads(seen: Seen): readonly Action[] {
  return (seen.view?.members ?? [])
    .filter((member) => member.tags['config-hash'] !== undefined && member.tags['config-hash'] !== patroniConfigHash(seen.effective, memberOrdinal(seen, member.name) ?? 0))
    .map((member) => ({ kind: 'reloadMember', member: member.name }));
}
