import type { Logger } from '../log/logger.ts';
import type { Damage } from '../trace/store/damage.ts';
import type { TraceStore } from '../trace/trace-store.ts';

const EVENT = 'file-damaged';

/** Tells, in the log and in the event log, of a file of the trace that was set aside. */
export function tellDamaged(
  parts: { readonly store: Pick<TraceStore, 'apply'>; readonly log: Logger },
  damage: Damage,
): Promise<void> {
  return tell(
    parts,
    damage,
    'What the streams still hold of it is read again; the rest of it is missing.',
  );
}

/** The same of a file of the operator plane itself. */
export function tellDamagedMeta(
  parts: { readonly store: Pick<TraceStore, 'apply'>; readonly log: Logger },
  damage: Damage,
): Promise<void> {
  const what =
    damage.file === 'audit.db' ? 'The audit log' : 'Users, saved searches, jobs and alerts';
  return tell(
    parts,
    damage,
    `${what} in it are missing: a new file was begun. Restore it from a backup.`,
  );
}

async function tell(
  { store, log }: { readonly store: Pick<TraceStore, 'apply'>; readonly log: Logger },
  { file, keptAs }: Damage,
  then: string,
): Promise<void> {
  log.error({ event: EVENT, file, keptAs }, EVENT);
  const text = `${file} is damaged and was set aside as ${keptAs}. ${then}`;
  const record = {
    kind: 'host',
    host: '',
    event: EVENT,
    level: 'error',
    at: Date.now(),
    text,
  } as const;
  await store.apply([{ kind: 'entry', entry: { record } }]);
}
