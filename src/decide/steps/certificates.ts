import { ANNOTATIONS } from '../../api/meta.ts';
import type { Leaf } from '../../api/names.ts';
import { canonicalJson, shortHash } from '../../lib/canonical-json.ts';
import { DAY_MS } from '../../pki/lifetime.ts';
import { secretPlan, type LeafPlan } from '../../resources/secrets.ts';
import { NOTHING, type Move } from '../actions.ts';
import { podsOf, type Seen } from '../facts.ts';
import { objectKey } from '../observed.ts';

/** Leaves that Patroni and PostgreSQL hold in memory. etcd reads its own at each connection, HAProxy needs the CA only. */
const HELD: ReadonlySet<Leaf> = new Set(['postgres-server', 'patroni-rest', 'replication', 'rest-client', 'etcd-client']);

/** The kubelet brings a changed Secret within its sync period (a minute) and the age of its cache; by then it is certainly there. */
const MOUNTED_AFTER_MS = 180_000;

/**
 * Members that started with certificates which have been renewed since are told to read them again, once the kubelet must have brought them (a reload of Patroni 4.1 reloads the
 * REST certificate when its serial has changed, and PostgreSQL always). A pod that is younger than its certificates needs nothing, so this writes only after a renewal.
 */
export function certificates(seen: Seen): Move {
  const leaves = secretPlan(seen.effective).filter((plan): plan is LeafPlan => plan.kind === 'leaf' && HELD.has(plan.leaf));
  const ends = leaves.map((plan) => ({ plan, notAfter: seen.objects.get(objectKey('Secret', plan.name))?.metadata.annotations?.[ANNOTATIONS.notAfter] }));
  if (ends.some(({ notAfter }) => notAfter === undefined)) return NOTHING;
  const issuedAtMs = Math.max(...ends.map(({ plan, notAfter }) => Date.parse(notAfter ?? '') - plan.subject.validityDays * DAY_MS));
  if (!(seen.nowMs >= issuedAtMs + MOUNTED_AFTER_MS)) return NOTHING;
  const wanted = shortHash(canonicalJson(ends.map(({ plan, notAfter }) => [plan.name, notAfter])), 16);
  const actions = podsOf(seen, 'postgres')
    // Creation times are whole seconds, so the first second is not "before".
    .filter((pod) => pod.running && pod.ready && Date.parse(pod.createdAt) + 1_000 <= issuedAtMs && pod.annotations[ANNOTATIONS.certificates] !== wanted)
    .map((pod) => ({ kind: 'reloadCertificates', member: pod.name, certificates: wanted }) as const);
  return { actions };
}
