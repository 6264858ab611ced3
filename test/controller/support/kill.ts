import type { World } from './world.ts';

/** Writes of operators that count: events are a courtesy, written on the side. */
const COUNTED = { userAgent: /^patroni-operator\/v/, path: /^(?!.*\/events)/ };

/** No scenario takes nearly as many writes. */
const MOST_LIVES = 150;

/** One Postgres member and a replica, one etcd member, nothing in front: few objects, so that every step can be tried. */
export const SMALL = { postgres: { replicas: 2 }, etcd: { replicas: 1 }, haproxy: { enabled: false }, networkPolicy: { enabled: false } };

/**
 * Lets the operator die right before its `n`-th write, counted from now, its successor right after that same write (committed, but the answer never came), and has a third one
 * finish. @returns whether there was an `n`-th write at all; false means that `holds` came to hold without anybody's death
 */
export async function killAroundWrite(world: World, n: number, what: string, holds: () => boolean): Promise<boolean> {
  let deaths = 0;
  const die = (): 'reset' => {
    deaths++;
    world.killOperators();
    return 'reset';
  };
  world.api.faults.aroundWrites({ ...COUNTED, before: (write) => (write.n === n ? die() : undefined) });
  await world.until(what, () => deaths === 1 || holds());
  if (deaths === 1) {
    world.api.faults.aroundWrites({ ...COUNTED, after: (write) => (write.n === 1 ? die() : undefined) });
    world.start();
    await world.until(`${what} after a death before write ${n}`, () => deaths === 2 || holds());
  }
  world.api.faults.aroundWrites({});
  if (deaths === 2) world.start();
  await world.until(`${what} after deaths around write ${n}`, holds);
  return deaths > 0;
}

/**
 * As `killAroundWrite`, for the write `first` and then every `stride`-th one, in one run: with each `first` up to `stride`, all writes have their turn in `stride` runs.
 * @returns how many operators died
 */
export async function killAroundWrites(world: World, { first, stride }: { readonly first: number; readonly stride: number }, what: string, holds: () => boolean): Promise<number> {
  let deaths = 0;
  const die = (): 'reset' => {
    deaths++;
    world.killOperators();
    return 'reset';
  };
  const arm = (): void => {
    const n = deaths === 0 ? first : stride;
    const isBefore = deaths % 2 === 0;
    world.api.faults.aroundWrites(isBefore ? { ...COUNTED, before: (write) => (write.n === n ? die() : undefined) } : { ...COUNTED, after: (write) => (write.n === 1 ? die() : undefined) });
  };
  arm();
  await world.until(`${what} with deaths around writes ${first} and every ${stride}th`, () => {
    if (world.revive()) arm();
    return holds();
  });
  world.api.faults.aroundWrites({});
  return deaths;
}

/**
 * As `killAroundWrite`, with requests to Patroni that change something counted in one row with the writes: right before the `n`-th the operator dies and the request never arrives;
 * its successor dies once that same request has been carried out, without hearing of it.
 */
export async function killAroundRequest(world: World, n: number, what: string, holds: () => boolean): Promise<boolean> {
  let deaths = 0;
  const arm = (at: number, when: 'before' | 'after'): void => {
    let seen = 0;
    const isDeadly = (): boolean => {
      seen += 1;
      if (seen !== at) return false;
      deaths += 1;
      world.killOperators();
      return true;
    };
    world.api.faults.aroundWrites({ ...COUNTED, [when]: () => (isDeadly() ? 'reset' : undefined) });
    world.onPatroniWrite((request) => (request.when === when && isDeadly() ? 'lost' : undefined));
  };
  arm(n, 'before');
  await world.until(what, () => deaths === 1 || holds());
  if (deaths === 1) {
    arm(1, 'after');
    world.start();
    await world.until(`${what} after a death before request ${n}`, () => deaths === 2 || holds());
  }
  world.api.faults.aroundWrites({});
  world.onPatroniWrite(undefined);
  if (deaths === 2) world.start();
  await world.until(`${what} after deaths around request ${n}`, holds);
  return deaths > 0;
}

/** Every operator dies right after its first write; the next one starts where it left off. @returns how many lived */
export async function killAfterEveryWrite(world: World, what: string, holds: () => boolean): Promise<number> {
  let lives = 1;
  const written: string[] = [];
  world.api.faults.aroundWrites({
    ...COUNTED,
    after: ({ method, path }) => {
      written.push(`${method} ${path}`);
      world.killOperators();
      return 'reset';
    },
  });
  await world.until(what, () => {
    if (world.revive() && lives++ > MOST_LIVES) throw new Error(`no progress: ${written.slice(-20).join('\n')}`);
    return holds();
  });
  world.api.faults.aroundWrites({});
  return lives;
}
