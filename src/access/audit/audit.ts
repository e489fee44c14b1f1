import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { describeError } from '../../error/engine-error.ts';
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

/**
 * Where acts are recorded. Await it before answering: what could not be recorded must not be shown or
 * reported as done.
 */
export interface Audit {
  record(entry: AuditEntry): Promise<void>;
}

/** Carries out what was ordered and records the result, success or failure, before answering. */
export async function recorded<Result>(
  audit: Audit,
  entry: Omit<AuditEntry, 'outcome'>,
  run: () => Promise<Result>,
): Promise<Result> {
  let result: Result;
  try {
    result = await run();
  } catch (error) {
    const { code } = describeError(error);
    await audit.record({ ...entry, outcome: 'failed', detail: { ...entry.detail, code } });
    throw error;
  }
  // outside: what was done and could not be recorded as done is not recorded as failed either
  await audit.record({ ...entry, outcome: 'done' });
  return result;
}

/** The details of an act, with the emergency because of which it was possible. */
export function withEmergency(
  { emergency }: Pick<Principal, 'emergency'>,
  detail: AuditEntry['detail'],
): AuditEntry['detail'] {
  return emergency === undefined ? detail : { ...detail, reason: `emergency: ${emergency.reason}` };
}

/** What somebody views. */
export type Look = Pick<AuditEntry, 'action' | 'object' | 'detail'>;

/** Shows something after recording who views it. */
export type LookRecorder = <Result>(
  audit: Audit,
  look: Omit<AuditEntry, 'outcome'>,
  run: () => Promise<Result>,
) => Promise<Result>;

/** A refresh or the next page counts as the same view: it is recorded once in this time. */
const AGAIN = 15 * 60_000;
const REMEMBERED = 10_000;

/** The same view by the same person is one entry per quarter of an hour. */
export function lookRecorder(now: () => number = Date.now): LookRecorder {
  // with `max` instead it would take its room at once, and nearly every route has one
  const known = new LRUCache<string, true>({
    maxSize: REMEMBERED,
    sizeCalculation: () => 1,
    ttl: AGAIN,
    ttlResolution: 0,
    perf: { now },
  });
  return (audit, look, run) => {
    const key = createHash('sha256').update(JSON.stringify(look)).digest('base64');
    if (known.has(key)) return run();
    return recorded(audit, look, async () => {
      const result = await run();
      known.set(key, true);
      return result;
    });
  };
}
