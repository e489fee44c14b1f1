import type { Keyed } from '../broker/keyed.ts';
import type { Steps } from '../broker/steps.ts';
import type { WaitingRoom } from '../broker/waiting-room.ts';
import { EngineError } from '../error/engine-error.ts';
import type { Expression } from '../expression/expression.ts';
import type { Envelope } from '../message/message.ts';
import { describeSize } from '../time/size.ts';
import {
  type Batch,
  type Batches,
  type BatchLimits,
  type ClosedBatch,
  holderOf,
  isClosed,
  TAKEN_OVER,
  withoutParts,
  withPart,
} from './batch.ts';
import {
  type BatchPart,
  countOf,
  dropAll,
  firstOf,
  lostIn,
  type Pieces,
  partsOf,
} from './batch-pieces.ts';
import { checkPart, type JoinedAs, type JoinedPart, joinedParts } from './joined-parts.ts';
import { type BatchChange, changeBatches, pieceReader } from './stored-batches.ts';
import { bytesHeld, READ_LIMIT, type Subject } from './subject.ts';
import { type DurableRun, type Process, type ProcessResult, Waits } from './wiring.ts';

export interface Collecting extends BatchLimits {
  /** Parts with the same value are collected together; without it, all. */
  readonly key: Expression | undefined;
  /** Whether a part is the last one. */
  readonly end: Expression | undefined;
  readonly as: JoinedAs;
}

/** Where parts wait: durable in an engine, in memory in a production test. */
export interface PartStore {
  change(key: string, change: BatchChange): Promise<Batches>;
  /** What of a long list is stored on its own. */
  readonly pieces: Pick<Pieces, 'read'>;
  /** A part that waits outside the queue; undefined if it is not there (yet, or any more). */
  part(id: number): Promise<JoinedPart | undefined>;
  /** The part that made the message which this one is in; undefined if it is in none. */
  madeBy(id: number): Promise<number | undefined>;
  markMade(ids: readonly number[], closer: number): Promise<void>;
  /** What is collected, by its keys. */
  all(): AsyncIterable<readonly [key: string, Batches]>;
  /** Makes a part that waits come back at once. */
  wake(id: number): Promise<void>;
}

export interface CollectOptions extends Collecting {
  readonly name: string;
  readonly to: readonly string[];
  readonly store: PartStore;
  readonly now: () => number;
}

/**
 * Milliseconds after the time of a batch at which its other parts come back, if the first one did not. Long enough
 * for the first one to make the message: parts that are on their way back cannot be read.
 */
const NET = 10 * 60_000;
/** Milliseconds until parts that are about to be set aside are looked for again. */
const AGAIN = 1_000;
/** Milliseconds after which a message is made without parts that NATS has lost. */
const LOST = 15 * 60_000;
/** How many parts are read at once. */
const AT_ONCE = 32;

/**
 * A process that collects messages and makes one of them (architecture.md §6). A part waits outside
 * the queue until the message is stored, and only then completes. The part with which a batch is
 * complete makes the message, so an engine that dies meanwhile leaves it in the queue, and it does
 * so again.
 */
export function collector(parts: CollectOptions): Process {
  const runOrWait = async (
    subject: Subject,
    { cameBack = false }: Partial<DurableRun> = {},
  ): Promise<ProcessResult | Waits> => {
    const { store, now } = parts;
    const { message } = subject;
    const part = partOf(parts, subject);
    const key = await keyOf(parts, subject, cameBack);
    const isEnd = parts.end?.evaluate(subject) === true;
    const maker = await store.madeBy(message.id);
    if (maker !== undefined) return madeBefore(parts, key, message, maker);
    const coming = { id: message.id, size: part.body.byteLength, now: now(), isEnd };
    let holder: Batch | undefined;
    const after = await store.change(key, async (before, pieces) => {
      holder = await holderOf(before, message.id, pieces);
      return withPart(before, parts, coming, holder);
    });
    const closed = closedBy(after, message.id);
    if (closed !== undefined) return finished(parts, { key, closed, message, part });
    if (isClosed(holder)) return new Waits(holder.at + TAKEN_OVER, []);
    const { open } = after;
    if (open === undefined) return new Waits(coming.now + NET, []);
    return new Waits(firstOf(open) === message.id ? open.until : open.until + NET, []);
  };
  return {
    readsBody: true,
    runOrWait,
    async run(subject) {
      const result = await runOrWait(subject);
      const waits: ProcessResult = { status: 'completed', sends: [], explain: undefined };
      return result instanceof Waits ? waits : result;
    },
    ended: (id) => withdraw(parts, id),
  };
}

/** The key under which a message is collected: as it was when it came, if the production has another one by now. */
async function keyOf(
  { key: given, store }: CollectOptions,
  subject: Subject,
  cameBack: boolean,
): Promise<string> {
  const key = given === undefined ? '' : String(given.evaluate(subject));
  const { id } = subject.message;
  const isIn = async (batches: Batches): Promise<boolean> =>
    (await holderOf(batches, id, store.pieces)) !== undefined;
  if (!cameBack || (await isIn(await store.change(key, (before) => before)))) return key;
  for await (const [other, batches] of store.all()) if (await isIn(batches)) return other;
  return key;
}

/** The batch that this part makes a message of. */
const closedBy = ({ closed }: Batches, id: number): ClosedBatch | undefined =>
  closed.find(({ closer }) => closer === id);

/** Throws for what cannot be a part; it is then suspended alone. */
function partOf({ as }: CollectOptions, subject: Subject): JoinedPart {
  const { message } = subject;
  const body = bytesHeld(subject);
  if (body === undefined) {
    throw new EngineError(
      'MESSAGE_TOO_LARGE',
      `a message that is collected may have up to ${describeSize(READ_LIMIT)}; route this one elsewhere`,
    );
  }
  checkPart(as, message.type, () => body);
  return { type: message.type, charset: message.charset, body };
}

interface Finishing {
  readonly key: string;
  readonly closed: ClosedBatch;
  readonly message: Envelope;
  readonly part: JoinedPart;
}

async function finished(
  parts: CollectOptions,
  { key, closed, message, part }: Finishing,
): Promise<ProcessResult | Waits> {
  const { store, now } = parts;
  const { id } = message;
  const all = await partsOf(closed, store.pieces);
  const others = all.map((one) => one.id).filter((one) => one !== id);
  const takes = takesOf(parts, { key, ids: others, closer: id, discardedBy: closed.discardedBy });
  const told = { explain: undefined, takes, receivedIds: others };
  if (closed.discardedBy !== undefined) {
    return { ...told, status: 'discarded', sends: [], by: closed.discardedBy };
  }
  const found = new Map([[id, part]]);
  const isLate = now() - closed.at >= LOST;
  for (let at = 0; at < others.length; at += AT_ONCE) {
    const some = others.slice(at, at + AT_ONCE);
    const read = await Promise.all(some.map((one) => store.part(one)));
    read.forEach((one, index) => one && found.set(some[index] ?? 0, one));
    if (!isLate && read.includes(undefined)) return new Waits(now() + AGAIN, []);
  }
  if (found.size < countOf(closed)) {
    if (isLate) {
      // what is not in the message is not completed with it: should it come back, it is collected anew
      const missing = others.filter((one) => !found.has(one));
      const lost = new Set([...missing, ...(await lostIn(closed, store.pieces))]);
      await store.change(key, (before, pieces) => withoutParts(before, lost, pieces));
    }
    return new Waits(now() + AGAIN, []);
  }
  const inOrder = all.flatMap((one: BatchPart) => found.get(one.id) ?? []);
  const joining = { as: parts.as, name: `${parts.name}-${id}`, at: closed.since };
  const output = joinedParts(inOrder, joining);
  return {
    ...told,
    status: 'completed',
    sends: parts.to.map((to) => ({ to, output, joins: inOrder.length })),
  };
}

/** The message was made and stored; what follows it may not be done yet. */
async function madeBefore(
  parts: CollectOptions,
  key: string,
  { id }: Envelope,
  maker: number,
): Promise<ProcessResult> {
  const completed = { status: 'completed', sends: [], explain: undefined } as const;
  if (maker !== id) {
    // its maker did not come to that, since a person ended it
    await withdraw(parts, id);
    return { ...completed, receivedBy: maker };
  }
  const closed = closedBy(await parts.store.change(key, (before) => before), id);
  if (closed === undefined) return completed;
  const all = await partsOf(closed, parts.store.pieces);
  const ids = all.map((one) => one.id).filter((one) => one !== id);
  const { discardedBy } = closed;
  const takes = takesOf(parts, { key, ids, closer: id, discardedBy });
  const how = discardedBy === undefined ? {} : { status: 'discarded' as const, by: discardedBy };
  return { ...completed, ...how, takes, receivedIds: ids };
}

function takesOf(
  { store }: CollectOptions,
  {
    key,
    ids,
    closer,
    discardedBy,
  }: {
    readonly key: string;
    readonly ids: readonly number[];
    readonly closer: number;
    readonly discardedBy: string | undefined;
  },
): ProcessResult['takes'] {
  const status = discardedBy === undefined ? 'completed' : 'discarded';
  return {
    ids,
    status,
    by: discardedBy,
    begin: () => store.markMade([closer, ...ids], closer),
    async end() {
      await store.change(key, (before, pieces) => without(before, closer, pieces));
    },
  };
}

/** The message of this closer is made, and its parts are settled. */
async function without(before: Batches, closer: number, pieces: Pieces): Promise<Batches> {
  const made = closedBy(before, closer);
  if (made === undefined) return before;
  await dropAll(made, pieces);
  return { ...before, closed: before.closed.filter((batch) => batch !== made) };
}

/** A person ended a part: the others go on without it, and another one takes its place. */
async function withdraw({ store }: CollectOptions, id: number): Promise<void> {
  const ids = new Set([id]);
  for await (const [key] of store.all()) {
    let successors: (number | undefined)[] = [];
    await store.change(key, async (before, pieces) => {
      const after = await withoutParts(before, ids, pieces);
      const closers = after.closed.map(({ closer }) => closer);
      successors = closers.filter((closer) => closedBy(before, closer) === undefined);
      if (before.open && after.open && firstOf(before.open) === id) {
        successors.push(firstOf(after.open));
      }
      return after;
    });
    for (const one of successors) if (one !== undefined) await store.wake(one);
  }
}

/** The record that says that a part is in a message. */
const made = (id: number): string => `${id}.0.made`;

/** Parts that wait in NATS. */
export function durableParts(
  name: string,
  {
    keyed,
    waiting,
    steps,
  }: { readonly keyed: Keyed; readonly waiting: WaitingRoom; readonly steps: Steps },
): PartStore {
  return {
    change: (key, change) => changeBatches(keyed, { host: name, key }, change),
    pieces: pieceReader(keyed, name),
    async part(id) {
      const taken = await waiting.find(name, id);
      if (taken === undefined) return undefined;
      const { type, charset, body } = taken.message;
      return { type, charset, body: await body.bytes() };
    },
    async madeBy(id) {
      const record = await steps.read(made(id));
      return record === undefined ? undefined : Number(record.fingerprint);
    },
    async markMade(ids, closer) {
      const at = Date.now();
      for (let from = 0; from < ids.length; from += AT_ONCE) {
        const some = ids.slice(from, from + AT_ONCE);
        await Promise.all(
          some.map((id) => steps.write(made(id), { fingerprint: String(closer), at })),
        );
      }
    },
    async *all() {
      for await (const { place, value } of keyed.all<Batches>('batch')) {
        if (place.host === name) yield [place.key, value] as const;
      }
    },
    wake: (id) => wakeAtOnce(waiting, name, id).then(() => undefined),
  };
}

/** Makes a message that waits outside its queue come back at once. @returns whether it was there */
export async function wakeAtOnce(waiting: WaitingRoom, host: string, id: number): Promise<boolean> {
  const taken = await waiting.find(host, id);
  if (taken === undefined) return false;
  await waiting.enter(taken, host, { until: Date.now(), answers: [] });
  return true;
}
