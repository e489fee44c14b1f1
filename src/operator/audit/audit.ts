import type { Principal } from '../rights/principal.ts';

/** One act of a person or machine: who did what to which object, and how it ended. */
export interface AuditEntry {
  readonly actor: Pick<Principal, 'name' | 'via'>;
  readonly ip: string;
  /** A verb with its area: `message.view`, `message.resend`, `host.stop`. */
  readonly action: string;
  /** What it was done to: `message 123`, `host ward`. */
  readonly object: string;
  readonly outcome: 'done' | 'refused' | 'failed';
  /** What else matters: a reason, criteria, counts. Never a body; values of search fields may be patient data and are hashed by the log. */
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
}

/** Where acts are recorded. An act whose record cannot be kept must not be done: await it before the act. */
export interface Audit {
  record(entry: AuditEntry): Promise<void>;
}
