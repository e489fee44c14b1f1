import { describeError } from '../../error/engine-error.ts';
import type { Audit, AuditEntry } from './audit.ts';

/** Does what was ordered and records it, done or failed, before it is answered. */
export async function recorded<Result>(
  audit: Audit,
  entry: Omit<AuditEntry, 'outcome'>,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await run();
    await audit.record({ ...entry, outcome: 'done' });
    return result;
  } catch (error) {
    const { code } = describeError(error);
    await audit.record({ ...entry, outcome: 'failed', detail: { ...entry.detail, code } });
    throw error;
  }
}
