import type { EffectiveCluster } from '../../api/effective.ts';
import type { PatroniClusterSpec } from '../../api/patronicluster.ts';
import { bootstrapSection, wantedLocalConfig } from '../../config/local-config.ts';
import { shortHash } from '../../lib/canonical-json.ts';
import { deepMerge, type JsonObject } from '../../lib/deep-merge.ts';
import { quotedYaml } from '../common/yaml.ts';

/**
 * Patroni's local configuration, the same for every member: what belongs to one pod comes from its environment and from the file of the member, passwords from the Secrets'
 * own fragments (`60-*.yml` and up). The tag `config-hash` shows in `GET /cluster` which member runs which file; it is the hash of the text without the tag.
 */
export function patroniConfig(c: EffectiveCluster): string {
  return quotedYaml(deepMerge(wantedLocalConfig(c), { tags: { 'config-hash': fileHash(c) } }));
}

/** What the tag `config-hash` of a member says once it has loaded the current file, and its own. */
export function patroniConfigHash(c: EffectiveCluster, ordinal: number): string {
  const tags = memberTags(c.spec, ordinal);
  return tags === undefined ? fileHash(c) : memberHash(c, tags);
}

/**
 * Files of single members by ordinal: the tags that only they carry. The entry point of the image links the one of its pod in as the last file that Patroni reads, so a pod
 * finds its tags without anybody's help.
 */
export function memberFiles(c: EffectiveCluster): readonly { readonly ordinal: number; readonly text: string }[] {
  return (c.spec.patroni.members ?? []).flatMap(({ ordinal }) => {
    const tags = memberTags(c.spec, ordinal);
    return tags === undefined ? [] : [{ ordinal, text: quotedYaml({ tags: { ...tags, 'config-hash': memberHash(c, tags) } }) }];
  });
}

/** Patroni's tags of a member, with its names; undefined when it has none of its own. */
function memberTags(spec: PatroniClusterSpec, ordinal: number): JsonObject | undefined {
  const member = spec.patroni.members?.find((candidate) => candidate.ordinal === ordinal);
  if (member === undefined) return undefined;
  const { failoverPriority, syncPriority, nofailover, noloadbalance, nosync, nostream, clonefrom } = member;
  const tags = { nofailover, failover_priority: failoverPriority, noloadbalance, nosync, sync_priority: syncPriority, nostream, clonefrom };
  const given = Object.entries(tags).filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function memberHash(c: EffectiveCluster, tags: JsonObject): string {
  return shortHash(`${fileHash(c)} ${quotedYaml(tags)}`);
}

function fileHash(c: EffectiveCluster): string {
  const of = [c.namespace, c.name, c.clusterDomain].join('/');
  const known = hashes.get(c.spec);
  if (known?.of === of) return known.hash;
  const hash = shortHash(quotedYaml(wantedLocalConfig(c)));
  hashes.set(c.spec, { of, hash });
  return hash;
}

/** Every look at an idle cluster compares it with what the members say, and writing YAML is the dear part of such a look. By spec, which lives from one version of the cluster to the next. */
const hashes = new WeakMap<PatroniClusterSpec, { readonly of: string; readonly hash: string }>();

/** What Patroni reads only while there is no cluster yet. */
export function bootstrapConfig(c: EffectiveCluster): string {
  return quotedYaml(bootstrapSection(c));
}
