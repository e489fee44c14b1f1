import { createHash } from 'node:crypto';
import type { Audit, AuditEntry } from './audit.ts';
import { recorded } from './recorded.ts';

/** What somebody looks at. */
export type Look = Pick<AuditEntry, 'action' | 'object' | 'detail'>;

/** Shows something and records who looked, before it is shown. */
export type LookRecorder = <Result>(
  audit: Audit,
  look: Omit<AuditEntry, 'outcome'>,
  run: () => Promise<Result>,
) => Promise<Result>;

/** A page that looks again and again, and the next page, ask the same: recorded once in this time. */
const AGAIN = 15 * 60_000;
const REMEMBERED = 10_000;

/** The same look of the same person is one entry in a quarter of an hour. */
export function lookRecorder(now: () => number = Date.now): LookRecorder {
  const latest = new Map<string, number>();
  return (audit, look, run) => {
    const key = createHash('sha256').update(JSON.stringify(look)).digest('base64');
    const at = now();
    if (at - (latest.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN) return run();
    return recorded(audit, look, async () => {
      const result = await run();
      latest.delete(key);
      latest.set(key, at);
      const [oldest] = latest.keys();
      if (latest.size > REMEMBERED && oldest !== undefined) latest.delete(oldest);
      return result;
    });
  };
}
