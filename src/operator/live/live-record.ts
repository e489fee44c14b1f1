import { timeOfId } from '../../message/id.ts';
import type { HostRecord } from '../../message/record.ts';
import type { Status } from '../../message/status.ts';
import { type MessageState, statusOf } from '../../trace/message-state.ts';
import type { Applied } from '../../trace/projector.ts';

/** A message in its current state; `source` and `type` are missing if only its outcome is known. */
export interface LiveMessage {
  readonly id: number;
  readonly sessionId: number;
  readonly source?: string | undefined;
  readonly target: string;
  readonly type?: string | undefined;
  readonly status: Status;
  readonly at: number;
  readonly size?: number | undefined;
  readonly code?: string | undefined;
}

export type LiveEvent = Omit<HostRecord, 'kind' | 'lost'>;

/** Says that an alert or a job has changed and should be fetched again. */
export interface LiveChange {
  readonly id: number;
  readonly state: string;
  readonly host?: string | undefined;
}

/** The content of one record of the live stream. The trace already shows all of it. */
export interface LiveRecord {
  readonly messages: readonly LiveMessage[];
  /** How many more messages there are than those listed. */
  readonly more: number;
  readonly events: readonly LiveEvent[];
  readonly alerts: readonly LiveChange[];
  readonly jobs: readonly LiveChange[];
  /** Something before it could not be reported: followers must read everything again. */
  readonly missed?: boolean | undefined;
}

export const NOTHING_LIVE: LiveRecord = { messages: [], more: 0, events: [], alerts: [], jobs: [] };

/** The most messages listed in one record or frame. */
const LIVE_ROWS = 200;

/** What a batch of the trace means to followers: the new states of its messages, and what hosts did. */
export function liveRecord({ inputs, messages }: Applied): LiveRecord {
  const events = inputs.flatMap((input): LiveEvent[] => {
    if (input.kind !== 'entry' || input.entry.record.kind !== 'host') return [];
    const { kind: _, ...event } = input.entry.record;
    return [event];
  });
  return limited({ ...NOTHING_LIVE, messages: messages.map(liveMessage), events });
}

/** Merges two records; the later one wins. */
export function joinedRecords(before: LiveRecord, later: LiveRecord): LiveRecord {
  const messages = new Map(before.messages.map((message) => [message.id, message]));
  for (const message of later.messages) {
    messages.delete(message.id);
    messages.set(message.id, message);
  }
  return limited({
    messages: [...messages.values()],
    more: before.more + later.more,
    events: [...before.events, ...later.events].slice(-LIVE_ROWS),
    alerts: [...before.alerts, ...later.alerts].slice(-LIVE_ROWS),
    jobs: [...before.jobs, ...later.jobs].slice(-LIVE_ROWS),
    missed: before.missed === true || later.missed === true ? true : undefined,
  });
}

function limited(record: LiveRecord): LiveRecord {
  const over = record.messages.length - LIVE_ROWS;
  if (over <= 0) return record;
  return { ...record, messages: record.messages.slice(over), more: record.more + over };
}

function liveMessage(state: MessageState): LiveMessage {
  const { id, sessionId, host: target, envelope, settlement, lastTry } = state;
  const { source, type, size } = envelope ?? {};
  const at = settlement?.done ?? lastTry?.at ?? envelope?.created ?? timeOfId(id);
  const code = (settlement ?? lastTry)?.error?.code;
  return { id, sessionId, source, target, type, status: statusOf(state), at, size, code };
}
