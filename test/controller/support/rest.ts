import type { World } from './world.ts';

/** How long a change may have echoes: an event, a tag that shows late. */
const ECHO_MS = 20_000;
/** The dynamic configuration of an idle cluster is read again within this time. */
const RECHECK_MS = 70_000;

/** What is written although nothing changes, while the operator looks at everything again: nothing, if all is well. */
export async function writesAtRest(world: World): Promise<readonly string[]> {
  await world.pass(ECHO_MS);
  const before = world.api.resourceVersion();
  const asked: string[] = [];
  world.onPatroniWrite(({ path, when }) => {
    if (when === 'before') asked.push(`Patroni: ${path}`);
    return undefined;
  });
  await world.pass(RECHECK_MS);
  world.onPatroniWrite(undefined);
  const after = world.api.resourceVersion();
  return [...asked, ...(after === before ? [] : [`Kubernetes: resourceVersion ${before} → ${after}`])];
}
