import { timeOfId } from '../../message/id.ts';
import type { RecordedError } from '../../message/record.ts';
import type { StatisticChange } from '../batch.ts';
import type { Fact } from '../fold.ts';
import type { MessageState, Settlement } from '../message-state.ts';
import type { SessionPart } from '../session-outcome.ts';
import type { OpenMessage } from '../trace-store.ts';
import { SAID, type Words } from './message-columns.ts';
import { statusOfCode } from './stored-code.ts';

/** The trace's text for a message whose acknowledgement is proven and whose outcome was lost. */
const OUTCOME_LOST = 'outcome lost in a crash';

/** Its text for a message that its queue has lost. */
const MESSAGE_LOST: RecordedError = {
  code: 'MESSAGE_LOST',
  text: 'NATS came back without this message; it may have been sent before, unless its outcome is known',
  retryable: true,
};

export interface Presumption {
  readonly state: MessageState;
  readonly fact: Fact;
  readonly statistic: StatisticChange;
}

/** The presumed outcome of a message whose outcome was lost, and how it is counted. */
export function presumption(state: MessageState, now: number): Presumption {
  return presumed(state, now, {
    status: 'completed',
    done: now,
    presumed: true,
    warning: OUTCOME_LOST,
  });
}

/** The same for a message that was itself lost before it was known to be sent. */
export function loss(state: MessageState, now: number): Presumption {
  return presumed(state, now, { status: 'error', done: now, presumed: true, error: MESSAGE_LOST });
}

function presumed(state: MessageState, now: number, settlement: Settlement): Presumption {
  const { id, sessionId, host } = state;
  const latency = Math.max(0, now - timeOfId(id));
  const failed = settlement.status === 'error';
  return {
    state,
    fact: { id, sessionId, host, settlement },
    statistic: {
      minute: Math.floor(now / 60_000),
      host,
      in: 0,
      out: failed ? 0 : 1,
      errors: failed ? 1 : 0,
      bytes: 0,
      latency,
      latencyMax: latency,
    },
  };
}

/** A message of a queue as a row. */
export interface OpenRow {
  readonly id: number;
  readonly session_id: number;
  readonly status: number;
  readonly created: number;
  readonly stream: number | null;
  readonly sequence: number | null;
}

export function openMessage(row: OpenRow, words: Pick<Words, 'text'>): OpenMessage {
  const { id, session_id: sessionId, created, stream, sequence } = row;
  return {
    id,
    sessionId,
    status: statusOfCode(row.status),
    created,
    queue:
      stream === null || sequence === null ? undefined : { stream: words.text(stream), sequence },
  };
}

/** The part of a message that determines the state of its session, as a row. */
export interface PartRow {
  readonly id: number;
  readonly session_id: number;
  readonly parent_id: number | null;
  readonly target: number;
  readonly status: number;
  readonly error_code: number | null;
  readonly error: string | null;
  readonly said: string | null;
}

export const PART_COLUMNS = `id, session_id, parent_id, target, status, error_code, error, ${SAID} AS said`;

export const sessionPart = (row: PartRow, words: Pick<Words, 'text'>): SessionPart => ({
  id: row.id,
  sessionId: row.session_id,
  parentId: row.parent_id ?? undefined,
  host: words.text(row.target),
  status: statusOfCode(row.status),
  code: row.error_code === null ? undefined : words.text(row.error_code),
  text: row.error ?? undefined,
  said: row.error === null ? undefined : (row.said ?? undefined),
});
