import { randomUUID } from 'node:crypto';
import type { KV } from '@nats-io/kv';
import { isAway } from '../broker/away.ts';
import { isTold, tolerate } from '../error/foreseen.ts';
import { Deadline } from '../time/deadline.ts';
import { pause } from '../time/pause.ts';
import type { TraceStore } from '../trace/trace-store.ts';

const KEY = 'trace.mark';
/** Milliseconds between two marks: a copy of the trace that is older is recognized as one. */
const EVERY = 60_000;
/** Milliseconds until a store or a server that did not answer is asked again. */
const AGAIN = 2_000;
/** Milliseconds that the end waits for the last one. */
const LAST = 1_000;

/** The marks that the trace may have: the last one and, until it is known to have that, the one before it. */
type Marks = readonly string[];

export interface MarkedTrace {
  readonly store: Pick<TraceStore, 'mark' | 'setMark'>;
  readonly kv: KV;
  /** Whether this plane still builds the trace. */
  readonly isOurs: () => boolean;
  /** Whether it was already found, and told, that the trace is behind NATS. */
  readonly isBehind: () => Promise<boolean>;
  /** Called once if the trace is not the one that was marked last: of another time than NATS, or in part. */
  readonly onOther: () => void;
}

/**
 * Notices a trace that was restored from a backup, or of which files were removed, while no plane ran: what the streams
 * were acknowledged for since then is not in it, and nobody would read it again. The trace and NATS get the same random
 * mark at the start, each minute and at the end; they are compared before the first of these.
 */
export async function keepMark(
  { store, kv, isOurs, isBehind, onOther }: MarkedTrace,
  signal: AbortSignal,
): Promise<void> {
  const known = await untilAnswered(async () => {
    const [stored, marks, wasTold] = await Promise.all([store.mark(), readMarks(kv), isBehind()]);
    return { stored, marks, wasTold };
  }, signal);
  if (known === undefined) return;
  const { marks, wasTold } = known;
  let { stored } = known;
  if (!wasTold && marks !== undefined && !marks.includes(stored ?? '')) {
    // before the new mark, after which nobody would see it
    await untilAnswered(() => sawOther(kv), signal);
    onOther();
  }
  const mark = async (): Promise<void> => {
    const next = randomUUID();
    // NATS first: a plane that is killed in between finds the mark that the trace still has
    await kv.put(KEY, JSON.stringify([next, ...(stored === undefined ? [] : [stored])]));
    await store.setMark(next);
    stored = next;
    // from now on a copy with the mark before is an old one
    await kv.put(KEY, JSON.stringify([next]));
  };
  do {
    await mark().catch(unanswered);
    await pause(EVERY, signal, { ref: false });
  } while (!signal.aborted);
  if (isOurs()) await new Deadline(LAST).within('marking the trace', mark().catch(unanswered));
}

const OTHER = 'trace.other';

/** The trace is another one from now on. */
export const sawOther = async (kv: KV): Promise<number> =>
  kv.put(OTHER, JSON.stringify(Date.now()));

/**
 * Whether large bodies to which this trace does not refer may still be another's: the one before it, to which people may
 * return, keeps its messages for as long.
 */
export async function hasOtherBodies(kv: KV, keep: number, now = Date.now()): Promise<boolean> {
  const entry = await kv.get(OTHER);
  return entry?.operation === 'PUT' && now - entry.json<number>() < keep;
}

async function readMarks(kv: KV): Promise<Marks | undefined> {
  const entry = await kv.get(KEY);
  return entry?.operation === 'PUT' ? entry.json<Marks>() : undefined;
}

/** That NATS or the store is away is told elsewhere; the marks stay as they are. */
const unanswered = (error: unknown): undefined => {
  tolerate(error, (one) => isAway(one) || isTold(one), 'marking the trace');
};

/** The answer, as soon as NATS and the store give one; undefined if the signal comes first. */
export async function untilAnswered<Answer>(
  ask: () => Promise<Answer>,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  while (!signal.aborted) {
    const answer = await ask().catch(unanswered);
    if (answer !== undefined) return answer;
    await pause(AGAIN, signal, { ref: false });
  }
  return undefined;
}
