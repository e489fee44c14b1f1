import type { Broker } from '../broker/broker.ts';
import type { MissingRange } from '../broker/stream-reader.ts';
import type { Logger } from '../log/logger.ts';
import { describeDuration } from '../time/duration.ts';
import type { Damage, MovedFile } from '../trace/store/damage.ts';
import type { TraceStore } from '../trace/trace-store.ts';
import type { GoneRange } from './trace-behind.ts';

const EVENT = 'file-damaged';

interface Told {
  readonly store: Pick<TraceStore, 'apply'>;
  readonly log: Logger;
}

/** Reports, in the log and the event log, that a file of the trace was set aside. */
export function tellDamaged(parts: Told, damage: Damage): Promise<void> {
  return tell(
    parts,
    damage,
    'What the streams still have of it is read again; the rest is missing.',
  );
}

/** The same for a file of the operator plane itself. */
export function tellDamagedMeta(parts: Told, damage: Damage): Promise<void> {
  const what =
    damage.file === 'audit.db' ? 'The audit log' : 'Users, saved searches, jobs and alerts';
  return tell(
    parts,
    damage,
    `${what} in it are missing: a new file was created. Restore it from a backup.`,
  );
}

/** Reports, in the log and the event log, that a file of the operator plane itself was removed or replaced while it was open. */
export function tellMovedMeta(parts: Told, moved: MovedFile): Promise<void> {
  return tellMoved(
    parts,
    moved,
    `What it held is kept as ${moved.keptAs}; until the next start the operator plane works with that, and what changes meanwhile is in neither. Start it again now.`,
  );
}

/** The same for a file of the trace. */
export function tellMovedTrace(parts: Told, moved: MovedFile): Promise<void> {
  return tellMoved(
    parts,
    moved,
    `It was written again with all that it held, and what replaced it is kept as ${moved.keptAs}. Stop the operator plane before a backup is put in place.`,
  );
}

function tellMoved(parts: Told, { file, keptAs }: MovedFile, ifReplaced: string): Promise<void> {
  const text =
    keptAs === file
      ? `${file} was removed while it was open. It was written again with all that it held; nothing is missing.`
      : `${file} was replaced while it was open. ${ifReplaced}`;
  return tellText(parts, { event: 'file-moved', file, keptAs, text });
}

function tell(parts: Told, { file, keptAs }: Damage, then: string): Promise<void> {
  const text =
    keptAs === undefined
      ? `${file} was removed or replaced while it was open, and what it held is damaged. ${then}`
      : `${file} is damaged and was set aside as ${keptAs}. ${then}`;
  return tellText(parts, { event: EVENT, file, keptAs, text });
}

/** Reports that the trace is of another time than what NATS was read into last. */
export function tellOther(parts: Told): Promise<void> {
  return tellText(parts, {
    event: 'trace-restored',
    text: 'The trace is not the one that was written last: it or NATS was restored from a backup, a standby of PostgreSQL took over that was behind, files of it were removed, or --trace names another one. What the streams still have is read again; what was settled since the backup, or is in the other trace, and has left them is missing.',
  });
}

/** Reports that the clock was set ahead by so many milliseconds. */
export function tellLeap(parts: Told, leap: number): Promise<void> {
  return tellText(parts, {
    event: 'clock-set',
    text: `The clock of this machine was set ahead by ${describeDuration(leap)}. By it messages are that much older: nothing is removed from the trace for an hour. If the clock is wrong, set it right until then.`,
  });
}

async function tellText(
  { store, log }: Told,
  { event, text, ...files }: Partial<Damage> & { readonly event: string; readonly text: string },
): Promise<void> {
  log.error({ event, ...files }, event);
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
export function tellMissing(parts: Losing, range: MissingRange): Promise<void> {
  const { from, to } = range;
  const { count, what } = named(parts, range);
  const text = `${count} ${what} (${from} to ${to}) were lost before the trace had read them: NATS no longer has them and nobody removed them, so its storage was damaged. Ask their senders to send again.`;
  return tellRange(parts, range, text);
}

/**
 * The same for messages that the trace had, and has lost, and that have left their stream since, as they were settled.
 * They count as read from then on: of a stream in which nothing follows them each start would tell them again.
 */
export async function tellGone(
  parts: Losing & { readonly store: Pick<TraceStore, 'setReadUpTo'> },
  range: GoneRange,
): Promise<void> {
  const { id, from, to } = range;
  const { count, what } = named(parts, range);
  const text = `${count} ${what} (${from} to ${to}) are missing in the trace, which is behind what was written into it: they were settled and have left NATS, so that they cannot be read again.`;
  await tellRange(parts, range, text);
  await parts.store.setReadUpTo([{ id, floor: to }]);
}

type Losing = Told & { readonly broker: Broker };

function named(
  { broker }: Losing,
  { stream, from, to }: MissingRange,
): { readonly count: number; readonly what: string } {
  const host = broker.names.queueOf(stream)?.host;
  const count = to - from + 1;
  const what =
    host === undefined
      ? `records of ${stream}`
      : `${count === 1 ? 'message' : 'messages'} for ${host}`;
  return { count, what };
}

async function tellRange(
  { broker, store, log }: Losing,
  { stream, from, to }: MissingRange,
  text: string,
): Promise<void> {
  const event = 'messages-missing';
  const host = broker.names.queueOf(stream)?.host ?? '';
  log.error({ event, host, stream, from, to, count: to - from + 1 }, event);
  await store.apply([
    {
      kind: 'entry',
      entry: { record: { kind: 'host', host, event, level: 'error', at: Date.now(), text } },
    },
  ]);
}
