import type { Status } from '../message/status.ts';

/**
 * The outcome of a whole session: its first message and everything made from it.
 * - `delivered`: at least one message reached an end that is not a discard, and none failed
 * - `refused`: at least one failed or was suspended, regardless of the others
 * - `discarded`: nothing failed, and nothing was delivered
 */
export const SESSION_STATES = ['under-way', 'delivered', 'refused', 'discarded'] as const;

export interface SessionOutcome {
  readonly sessionId: number;
  readonly state: (typeof SESSION_STATES)[number];
  /** Some of its messages have no outcome yet; in a refused session these are its other messages. */
  readonly open: boolean;
  /** The deciding message: the first that failed, otherwise one that is under way, otherwise the last. */
  readonly messageId: number;
  readonly host: string;
  readonly status: Status;
  /** The error of the deciding message; while it is under way, that of its last try. */
  readonly code?: string | undefined;
  readonly text?: string | undefined;
  /** The peer's text about it. */
  readonly said?: string | undefined;
}

/** The part of a message that determines the state of its session. */
export interface SessionPart {
  readonly id: number;
  readonly sessionId: number;
  readonly parentId: number | undefined;
  readonly host: string;
  readonly status: Status;
  readonly code: string | undefined;
  readonly text: string | undefined;
  readonly said: string | undefined;
}

const isFailed = ({ status }: SessionPart): boolean => status === 'error' || status === 'suspended';
const isOpen = ({ status }: SessionPart): boolean => status === 'queued' || status === 'retrying';

/** The state of each session; sessions that are not in the trace are left out. */
export function sessionOutcomes(parts: readonly SessionPart[]): readonly SessionOutcome[] {
  return [...Map.groupBy(parts, ({ sessionId }) => sessionId)].flatMap(([sessionId, all]) => {
    const messages = all.toSorted((a, b) => a.id - b.id);
    const open = messages.filter(isOpen);
    const failed = messages.find(isFailed);
    const deciding =
      failed ?? open.find(({ status }) => status === 'retrying') ?? open[0] ?? messages.at(-1);
    if (deciding === undefined) return [];
    const { id, host, status, code, text, said } = deciding;
    const state = failed === undefined ? stateOf(messages, open) : 'refused';
    return [
      { sessionId, state, open: open.length > 0, messageId: id, host, status, code, text, said },
    ] satisfies SessionOutcome[];
  });
}

function stateOf(
  messages: readonly SessionPart[],
  open: readonly SessionPart[],
): SessionOutcome['state'] {
  if (open.length > 0) return 'under-way';
  const parents = new Set(messages.map(({ parentId }) => parentId));
  const ends = messages.filter(({ id }) => !parents.has(id));
  return ends.some(({ status }) => status === 'completed') ? 'delivered' : 'discarded';
}
