import type { MemberModel } from './member.ts';
import { outgrown } from './settings.ts';

/** Keeps watch over what an operator does to PostgreSQL: every restart that it asked for, and what it must never bring about. */
export class Hazards {
  readonly #found: string[] = [];
  readonly #restarted: { readonly member: string; readonly wasLeader: boolean }[] = [];

  /** What happened and must not, in words. */
  get found(): readonly string[] {
    return this.#found;
  }

  /** Restarts that were carried out, oldest first. */
  get restarted(): readonly { readonly member: string; readonly wasLeader: boolean }[] {
    return this.#restarted;
  }

  /** PostgreSQL of `m` is about to restart: nobody else may be away. */
  restarts(m: MemberModel, others: readonly MemberModel[], leader: string | undefined): void {
    const away = others.filter((each) => each.state !== 'running' || (each.name !== leader && each.replicationState !== 'streaming'));
    if (away.length > 0) this.#found.push(`${m.name} restarts while ${away.map(({ name }) => name).join(', ')} is away`);
    this.#restarted.push({ member: m.name, wasLeader: m.name === leader });
  }

  /** PostgreSQL of `leader` leads from now on: a standby that has less of some settings stops to replay. */
  leads(leader: MemberModel, members: readonly MemberModel[]): void {
    for (const m of members) {
      const settings = m === leader || !m.isUp || m.state !== 'running' ? [] : outgrown(leader.running, m.running);
      if (settings.length > 0) this.#found.push(`${leader.name} leads with more ${settings.join(', ')} than ${m.name} has`);
    }
  }
}
