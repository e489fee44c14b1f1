import type { Status } from '../message/status.ts';

/**
 * What a whole session has come to: its first message and all that was made of it.
 * - `delivered`: at least one message reached an end that is not a discard, and none failed
 * - `refused`: at least one failed or was suspended, whatever became of the others
 * - `discarded`: nothing failed, and nothing was delivered
 */
export const SESSION_STATES = ['under-way', 'delivered', 'refused', 'discarded'] as const;

export interface SessionOutcome {
  readonly sessionId: number;
  readonly state: (typeof SESSION_STATES)[number];
  /** Messages of it have no end yet; of a refused one these are its other messages. */
  readonly open: boolean;
  /** The message that decides: the first that failed, else one that is under way, else the last. */
  readonly messageId: number;
  readonly host: string;
  readonly status: Status;
  /** Of the one that decides, also the error of its last try while it is under way. */
  readonly code?: string | undefined;
  readonly text?: string | undefined;
  /** What the peer said of it. */
  readonly said?: string | undefined;
}

/** What of a message decides how its session stands. */
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

/** How each session stands; what the trace does not know is left out. */
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
