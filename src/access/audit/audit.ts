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

/** Where acts are recorded. Await it before answering: what could not be recorded must not be shown, nor told as done. */
export interface Audit {
  record(entry: AuditEntry): Promise<void>;
}
