import { exec } from './kubectl.ts';
import { podName, type Cluster } from './cluster.ts';

/** What was seen of the members while something happened. */
export interface Watched {
  /** The most members that did not answer at one look. */
  readonly mostDown: number;
  readonly looks: number;
}

/** Looks at PostgreSQL of every member again and again while `body` runs, from inside of their pods (`pg_isready` over the socket). */
export async function whileLookingAtMembers(cluster: Cluster, replicas: number, body: () => Promise<void>): Promise<Watched> {
  let isOver = false;
  let mostDown = 0;
  let looks = 0;
  const look = async (): Promise<void> => {
    while (!isOver) {
      const answers = await Promise.all(
        Array.from({ length: replicas }, (_, ordinal) =>
          exec({ namespace: cluster.namespace, pod: podName(cluster, ordinal) }, ['pg_isready', '-q', '-t', '1', '-h', '/run/postgresql'], { timeoutMs: 5_000 }).then(
            () => true,
            () => false,
          ),
        ),
      );
      mostDown = Math.max(mostDown, answers.filter((isUp) => !isUp).length);
      looks += 1;
    }
  };
  const looking = look();
  try {
    await body();
  } finally {
    isOver = true;
    await looking;
  }
  return { mostDown, looks };
}
