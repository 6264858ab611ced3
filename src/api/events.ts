/**
 * The events the operator records on a PatroniCluster: reason → severity and meaning. Beside these, an action that failed is told with its error code as the reason
 * (`docs/reference/errors.md`).
 */

/** One reason of an event. */
export interface EventRow {
  readonly type: 'Normal' | 'Warning';
  readonly means: string;
}

export const EVENTS = {
  LeaderElected: { type: 'Normal', means: 'Another member leads than before, though no operation asked for it: after a failure, or by `patronictl`. Also told of a leader that is seen again after none was.' },
  Ready: { type: 'Normal', means: 'The condition Ready became True, other than at the end of an operation.' },
  NotReady: { type: 'Warning', means: 'The condition Ready was True and is not any more, though no operation is under way; the message says what is missing.' },
  InvalidSpec: { type: 'Warning', means: 'The spec breaks a rule or names an object that does not exist. Nothing is changed until it is corrected.' },
  SpecCorrected: { type: 'Normal', means: 'The spec passes every rule again.' },
  SecretMissing: { type: 'Warning', means: 'A Secret with a password or the CA existed and is gone. It is not made anew; restore it.' },
  EtcdQuorumLost: { type: 'Warning', means: 'Fewer than a majority of the etcd members are ready.' },
  EtcdQuorumRegained: { type: 'Normal', means: 'etcd has a quorum again.' },
  Paused: { type: 'Normal', means: 'Patroni was paused: no automatic failover, and the operator restarts nothing.' },
  Resumed: { type: 'Normal', means: 'The pause of Patroni has ended.' },
  DatabaseCreated: { type: 'Normal', means: 'The database of the application and its owner exist.' },
  ConfigurationChanged: { type: 'Normal', means: 'Keys of the dynamic configuration were set or removed; the message names them. "Set back" means that somebody else had changed them.' },
  RestartingPostgres: { type: 'Normal', means: 'PostgreSQL of a member is restarted for changed settings; its pod stays.' },
  RestartRefused: { type: 'Warning', means: 'Patroni did not restart PostgreSQL of a member; the message holds its reason.' },
  RestartsDone: { type: 'Normal', means: 'The restarts that were asked for are done.' },
  RestartRejected: { type: 'Warning', means: 'A request for restarts was not understood.' },
  PendingRestart: { type: 'Normal', means: 'A change waits for a restart, and for what `updateStrategy` demands before it.' },
  ConfigOverridden: { type: 'Warning', means: 'ALTER SYSTEM on a member wins over a key of the spec.' },
  RollingRestart: { type: 'Normal', means: 'A pod is restarted because its template has changed.' },
  VolumeGrowing: { type: 'Normal', means: 'A volume claim was enlarged to what the spec says.' },
  CertificateIssued: { type: 'Normal', means: 'A certificate was issued or renewed.' },
  CertificateExpired: { type: 'Warning', means: 'A certificate has expired before it was renewed.' },
  SwitchoverStarted: { type: 'Normal', means: 'Patroni was asked to hand over.' },
  SwitchoverSucceeded: { type: 'Normal', means: 'The member that was asked for leads, and the old leader streams from it.' },
  SwitchoverFailed: { type: 'Warning', means: 'The switchover ended otherwise than asked for; the message says how.' },
  SwitchoverRejected: { type: 'Warning', means: 'The switchover was refused before anything was done; the message says why.' },
} as const satisfies Record<string, EventRow>;

export type EventReason = keyof typeof EVENTS;
