import type { Status } from '../../message/status.ts';
import type { TraceInput } from '../../trace/trace-input.ts';

/** A message as it was just now; `source` and `type` are left out where only its outcome was told. */
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

export interface LiveEvent {
  readonly host: string;
  readonly event: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly at: number;
  readonly text: string;
  readonly by?: string | undefined;
}

/** That an alert or a job has changed: ask for it. */
export interface LiveChange {
  readonly id: number;
  readonly state: string;
  readonly host?: string | undefined;
}

/** What one record of the live stream tells. The trace shows all of it already. */
export interface LiveRecord {
  readonly messages: readonly LiveMessage[];
  /** Messages beyond those that are named. */
  readonly more: number;
  readonly events: readonly LiveEvent[];
  readonly alerts: readonly LiveChange[];
  readonly jobs: readonly LiveChange[];
  /** Something before it could not be told: whoever follows must read anew. */
  readonly missed?: boolean | undefined;
}

export const NOTHING_LIVE: LiveRecord = { messages: [], more: 0, events: [], alerts: [], jobs: [] };

/** Messages that one record or frame names at most. */
export const LIVE_ROWS = 200;

/** What a batch of the trace tells those who follow it: the last word on each message. */
export function liveRecord(inputs: readonly TraceInput[]): LiveRecord {
  const messages = new Map<number, LiveMessage>();
  const events: LiveEvent[] = [];
  for (const input of inputs) {
    if (input.kind === 'entry' && input.entry.record.kind === 'host') {
      const { kind: _, ...event } = input.entry.record;
      events.push(event);
      continue;
    }
    const told = liveMessage(input);
    if (told === undefined) continue;
    const before = messages.get(told.id);
    messages.delete(told.id);
    messages.set(told.id, joined(before, told));
  }
  return limited({ ...NOTHING_LIVE, messages: [...messages.values()], events });
}

/** Two records as one, the later one's word counting. */
export function joinedRecords(before: LiveRecord, later: LiveRecord): LiveRecord {
  const messages = new Map(before.messages.map((message) => [message.id, message]));
  for (const message of later.messages) {
    const old = messages.get(message.id);
    messages.delete(message.id);
    messages.set(message.id, joined(old, message));
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

/** An outcome does not say where its message came from; what was told before does. */
function joined(before: LiveMessage | undefined, told: LiveMessage): LiveMessage {
  if (before === undefined) return told;
  const { source = before.source, type = before.type, size = before.size } = told;
  return { ...told, source, type, size };
}

function liveMessage(input: TraceInput): LiveMessage | undefined {
  if (input.kind === 'message') {
    const { id, sessionId, source, target, type, size, created: at } = input.envelope;
    return { id, sessionId, source, target, type, status: input.status, at, size };
  }
  const { record } = input.entry;
  if (record.kind === 'leg') {
    const { id, sessionId, source, target, type, size } = record.message;
    const { status, done: at, error } = record;
    return { id, sessionId, source, target, type, status, at, size, code: error?.code };
  }
  if (record.kind === 'outcome') {
    const { id, sessionId, host: target, status, done: at, error } = record;
    return { id, sessionId, target, status, at, code: error?.code };
  }
  if (record.kind === 'attempt') {
    const { id, sessionId, host: target, at, error } = record;
    return { id, sessionId, target, status: 'retrying', at, code: error.code };
  }
  return undefined;
}
