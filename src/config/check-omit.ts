import type { EffectiveCluster } from '../api/effective.ts';
import { formatPath, isWithin, type JsonPath, leavesOf, valueAtPath } from '../lib/json-path.ts';
import { found, type Found } from './found.ts';
import { dynamicBase } from './dynamic-config.ts';
import { omittedPath, PARAMETERS } from './layers.ts';
import { localBase } from './local-config.ts';
import { PROTECTED_DYNAMIC, PROTECTED_LOCAL, PROTECTED_PARAMETERS, protectedBelow } from './protected.ts';

const LOCAL_ROWS = [...PROTECTED_LOCAL, ...PROTECTED_PARAMETERS.map((row) => ({ ...row, path: [...PARAMETERS, ...row.path] }))];

/** Judges `spec.patroni.omit`: what the operator needs cannot be left out, and a path that names nothing is told. */
export function checkOmissions(c: EffectiveCluster): readonly Found[] {
  return (c.spec.patroni.omit ?? []).flatMap((text, i): readonly Found[] => {
    const at = `spec.patroni.omit[${String(i)}]`;
    const local = omittedPath(text, 'local');
    const dynamic = omittedPath(text, 'dynamic');
    if (dynamic === undefined) return [];
    if (dynamic.length === 0 || (local !== undefined && isWithin(['bootstrap', 'dcs'], local))) {
      return [found('error', 'ERR_SPEC_CONFIG_OMIT', at, 'would leave out the whole dynamic configuration: name single keys of it')];
    }
    const needed = local === undefined ? needs(c, dynamic, 'dynamic') : (needs(c, local, 'local') ?? needs(c, dynamic, 'dynamic'));
    if (needed !== undefined) return [found('error', 'ERR_SPEC_CONFIG_OMIT', at, needed)];
    const isThere = (local !== undefined && valueAtPath(localBase(c), local) !== undefined) || valueAtPath(dynamicBase(c), dynamic) !== undefined;
    return isThere ? [] : [found('warning', 'ERR_SPEC_CONFIG_OMIT', at, 'names nothing that the operator sets, so it has no effect: correct or remove it')];
  });
}

/** Why the operator needs something at or below `path`: a protected key that it sets itself. */
function needs(c: EffectiveCluster, path: JsonPath, target: 'local' | 'dynamic'): string | undefined {
  const base = target === 'local' ? localBase(c) : dynamicBase(c);
  const rows = protectedBelow(target === 'local' ? LOCAL_ROWS : PROTECTED_DYNAMIC, path);
  const row = rows.find(({ path: key }) => leavesOf(base).some((leaf) => isWithin(leaf.path, key) && (isWithin(leaf.path, path) || isWithin(path, leaf.path))));
  return row === undefined ? undefined : `cannot be left out, since ${formatPath(row.path)} ${row.why}: remove the path`;
}
