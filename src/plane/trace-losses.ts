import type { MovedFile } from '../access/meta/meta-database.ts';
import type { Broker } from '../broker/broker.ts';
import type { MissingRange } from '../broker/stream-reader.ts';
import type { Logger } from '../log/logger.ts';
import type { Damage } from '../trace/store/damage.ts';
import type { TraceStore } from '../trace/trace-store.ts';

const EVENT = 'file-damaged';

/** Reports, in the log and the event log, that a file of the trace was set aside. */
export function tellDamaged(
  parts: { readonly store: Pick<TraceStore, 'apply'>; readonly log: Logger },
  damage: Damage,
): Promise<void> {
  return tell(
    parts,
    damage,
    'What the streams still have of it is read again; the rest is missing.',
  );
}

/** The same for a file of the operator plane itself. */
export function tellDamagedMeta(
  parts: { readonly store: Pick<TraceStore, 'apply'>; readonly log: Logger },
  damage: Damage,
): Promise<void> {
  const what =
    damage.file === 'audit.db' ? 'The audit log' : 'Users, saved searches, jobs and alerts';
  return tell(
    parts,
    damage,
    `${what} in it are missing: a new file was created. Restore it from a backup.`,
  );
}

/** Reports, in the log and the event log, that a file was removed or replaced while it was open. */
export function tellMoved(
  parts: { readonly store: Pick<TraceStore, 'apply'>; readonly log: Logger },
  { file, keptAs }: MovedFile,
): Promise<void> {
  const text =
    keptAs === file
      ? `${file} was removed while it was open. It was written again with all that it held; nothing is missing.`
      : `${file} was replaced while it was open. What it held is kept as ${keptAs}; until the next start the operator plane works with that, and what changes meanwhile is in neither. Start it again now.`;
  return tellText(parts, { event: 'file-moved', file, keptAs, text });
}

function tell(
  parts: { readonly store: Pick<TraceStore, 'apply'>; readonly log: Logger },
  { file, keptAs }: Damage,
  then: string,
): Promise<void> {
  const text = `${file} is damaged and was set aside as ${keptAs}. ${then}`;
  return tellText(parts, { event: EVENT, file, keptAs, text });
}

async function tellText(
  { store, log }: { readonly store: Pick<TraceStore, 'apply'>; readonly log: Logger },
  { event, file, keptAs, text }: Damage & { readonly event: string; readonly text: string },
): Promise<void> {
  log.error({ event, file, keptAs }, event);
  const record = {
    kind: 'host',
    host: '',
    event,
    level: 'error',
    at: Date.now(),
    text,
  } as const;
  await store.apply([{ kind: 'entry', entry: { record } }]);
}

/** Reports, in the log and the event log, messages that a stream lost before the trace had read them. */
export async function tellMissing(
  { broker, store, log }: { broker: Broker; store: Pick<TraceStore, 'apply'>; log: Logger },
  { stream, from, to }: MissingRange,
): Promise<void> {
  const event = 'messages-missing';
  const count = to - from + 1;
  const host = broker.names.queueOf(stream)?.host ?? '';
  log.error({ event, host, stream, from, to, count }, event);
  const what =
    host === '' ? `records of ${stream}` : `${count === 1 ? 'message' : 'messages'} for ${host}`;
  const text = `${count} ${what} (${from} to ${to}) were lost before the trace had read them: NATS no longer has them and nobody removed them, so its storage was damaged. Ask their senders to send again.`;
  await store.apply([
    {
      kind: 'entry',
      entry: { record: { kind: 'host', host, event, level: 'error', at: Date.now(), text } },
    },
  ]);
}
