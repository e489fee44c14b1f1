import { createHash } from 'node:crypto';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Bodies } from '../broker/bodies.ts';
import type {
  Rehearsal,
  RehearsalRequest,
  RehearsedGroup,
  RehearsedPart,
} from '../definition/rehearsal.ts';
import { isEngineError } from '../error/engine-error.ts';
import { toldElsewhere } from '../error/foreseen.ts';
import { causeOf } from '../trace/cause.ts';
import type { TraceReader } from '../trace/trace-store.ts';
import type { StoredBody, TracedMessage } from '../trace/traced-message.ts';
import { originalOf } from './resend.ts';

export interface RehearseAllOptions {
  readonly trace: Pick<TraceReader, 'message' | 'session' | 'body'>;
  readonly bodies: Pick<Bodies, 'open'>;
  readonly rehearse: (request: RehearsalRequest, body: Uint8Array) => Promise<Rehearsal>;
  /** The hosts that send out of the production. */
  readonly operations?: ReadonlySet<string>;
}

export interface RehearsalBounds {
  /** Identifies the run over all of them: the files are read once for it. */
  readonly run: string;
  /** Milliseconds after which no further message is started. */
  readonly budget: number;
  readonly signal?: AbortSignal | undefined;
}

const SAMPLE = 3;
/** Legs of one session are next to each other: their original is tried once. */
const REMEMBERED = 200;
/** Messages that are read and on their way while one is tried. */
const AHEAD = 6;
/** Messages of a long list that are tried first, spread over all of it. */
const SPREAD = 200;

/**
 * The order in which a list is tried: some of all of it first, so that soon there is an answer for the whole, then the
 * rest as listed. The same list has the same order, so that a position in it is enough to continue.
 */
export function trialOrder(ids: readonly number[]): readonly number[] {
  if (ids.length <= 2 * SPREAD) return ids;
  const step = ids.length / SPREAD;
  const first = new Set(Array.from({ length: SPREAD }, (_, n) => Math.floor(n * step)));
  return [...ids.filter((_, n) => first.has(n)), ...ids.filter((_, n) => !first.has(n))];
}

/** Tries what the files on disk would make of the originals of messages, in their order. Nothing is sent. */
export async function rehearseAll(
  parts: RehearseAllOptions,
  ids: readonly number[],
  { run, budget, signal }: RehearsalBounds,
): Promise<RehearsedPart> {
  const groups = new Groups();
  const known = new LRUCache<number, Promise<Tried>>({ max: REMEMBERED });
  const end = performance.now() + budget;
  const begun: Promise<Found>[] = [];
  const look = async (id: number): Promise<Found> => {
    const found = await tried(parts, id, { run, known });
    return { id, found, outcome: await outcomeOf(parts, found) };
  };
  const begin = (id: number): void => {
    const looking = look(id);
    // it may fail before it is its turn to be awaited
    looking.catch(toldElsewhere);
    begun.push(looking);
  };
  let version: string | undefined;
  let done = 0;
  let stuck = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      while (
        begun.length < AHEAD &&
        done + begun.length < ids.length &&
        (done + begun.length === 0 || performance.now() < end)
      )
        begin(ids[done + begun.length] ?? 0);
      const first = begun.shift();
      if (first === undefined || stuck) break;
      const { id, found, outcome } = await first;
      if ('rehearsal' in found) version = found.rehearsal.version;
      stuck = 'code' in found && found.code === 'REHEARSAL_STUCK';
      groups.add(id, outcome);
      done++;
      await yieldToOthers();
    }
  } finally {
    // what was begun behind the last one is not told: it is begun again
    await Promise.allSettled(begun);
  }
  return { groups: groups.list(), done, version, stuck };
}

/** What became of one message of a list. */
interface Found {
  readonly id: number;
  readonly found: Tried;
  readonly outcome: Outcome;
}

interface NotTried {
  readonly code: string;
  readonly text: string;
}

type Tried =
  | {
      readonly message: TracedMessage;
      readonly original: number;
      readonly rehearsal: Rehearsal;
    }
  | NotTried;

/** A problem that is not the message's ends the whole run: the files cannot be read, or no engine answers. */
const ENDS_ALL: ReadonlySet<string> = new Set([
  'CONFIG_INVALID',
  'BROKER_UNAVAILABLE',
  'STORE_UNAVAILABLE',
  'REHEARSAL_BUSY',
]);

async function tried(
  parts: RehearseAllOptions,
  id: number,
  { run, known }: { readonly run: string; readonly known: LRUCache<number, Promise<Tried>> },
): Promise<Tried> {
  try {
    const message = await parts.trace.message(id);
    if (message === undefined)
      return { code: 'NOT_FOUND', text: 'the message is no longer in the trace' };
    const original = await originalOf(parts.trace, message);
    const trying = known.get(original.id) ?? triedOriginal(parts, original, { message, run });
    known.set(original.id, trying);
    const found = await trying;
    return 'rehearsal' in found ? { ...found, message } : found;
  } catch (error) {
    if (!isEngineError(error) || ENDS_ALL.has(error.code)) throw error;
    return { code: error.code, text: error.message };
  }
}

async function triedOriginal(
  { trace, bodies, rehearse }: RehearseAllOptions,
  original: TracedMessage,
  { message, run }: { readonly message: TracedMessage; readonly run: string },
): Promise<Tried> {
  const { id, source: service, created: at, type, name, charset } = original;
  const stored = await trace.body(id);
  if (stored === undefined)
    return { code: 'NOT_FOUND', text: 'the body of the original is no longer in the trace' };
  const body = await bytesOf(bodies, stored);
  const rehearsal = await rehearse({ service, at, type, name, charset, run }, body);
  return { message, original: id, rehearsal };
}

/** The bytes of a body, of a large one from its store. */
async function bytesOf(
  bodies: RehearseAllOptions['bodies'],
  { bytes, ref = '', size }: StoredBody,
): Promise<Uint8Array> {
  return bytes ?? (await bodies.open(ref, size).bytes());
}

type Outcome = Omit<RehearsedGroup, 'count' | 'sample'>;

const NOWHERE: readonly string[] = [];

/** What would happen to a message, in the terms by which messages are grouped. */
async function outcomeOf(parts: RehearseAllOptions, found: Tried): Promise<Outcome> {
  if (!('rehearsal' in found)) {
    const { code, text } = found;
    return {
      kind: 'untried',
      to: NOWHERE,
      code,
      cause: causeOf(text),
      places: [],
    };
  }
  const { message, original, rehearsal } = found;
  const { sent, processes } = rehearsal;
  const own = sent.filter(({ to }) => to === message.target);
  const failed = processes.find(({ status }) => status === 'suspended');
  if (failed !== undefined && own.length === 0) {
    const { process: host, error, places } = failed;
    const { code, text } = error ?? { code: 'PROCESS_FAILED', text: 'it is suspended' };
    return { kind: 'fails', to: NOWHERE, host, code, cause: causeOf(text), original, places };
  }
  const to = targetsOf(sent.map((one) => one.to));
  const all = processes.flatMap(({ places }) => places);
  const ofOwn = all.filter((one) => one.to.includes(message.target));
  return {
    kind: to.length === 0 ? 'nowhere' : 'goes',
    to,
    own: await changeOf(parts, found, own),
    ...(message.id === original && (await wholeChange(parts, found))),
    original,
    places: ofOwn.length > 0 ? ofOwn : all,
  };
}

const targetsOf = (all: readonly string[]): readonly string[] => [...new Set(all)].toSorted();

/** All that was made of an original then, compared with what would be made of it. */
async function wholeChange(
  { trace, bodies, operations }: RehearseAllOptions,
  { message, rehearsal: { sent } }: Extract<Tried, { readonly original: number }>,
): Promise<Pick<RehearsedGroup, 'whole' | 'went'>> {
  if (operations === undefined) return {};
  const session = await trace.session(message.sessionId);
  const legs = (session?.messages ?? []).filter(
    ({ target, resendOf }) => operations.has(target) && resendOf === undefined,
  );
  const went = targetsOf(legs.map(({ target }) => target));
  const now = sent.map(({ to, digest }) => `${to} ${digest}`).toSorted();
  if (JSON.stringify(went) !== JSON.stringify(targetsOf(sent.map(({ to }) => to))))
    return { whole: 'elsewhere', went };
  const then: string[] = [];
  for (const { id, target } of legs) {
    const stored = await trace.body(id);
    if (stored === undefined) return { whole: 'changed', went };
    then.push(`${target} ${digestOf(await bytesOf(bodies, stored))}`);
  }
  const isSame = JSON.stringify(then.toSorted()) === JSON.stringify(now);
  return { whole: isSame ? 'same' : 'changed', went };
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What the message's own target would get, compared with what it got. */
async function changeOf(
  { trace, bodies }: RehearseAllOptions,
  { message: { id, target }, rehearsal }: Extract<Tried, { readonly original: number }>,
  own: Rehearsal['sent'],
): Promise<RehearsedGroup['own']> {
  if (rehearsal.processes.some(({ process }) => process === target)) return undefined;
  if (own.length === 0) return 'nothing';
  const stored = await trace.body(id);
  if (stored === undefined) return 'changed';
  const digest = digestOf(await bytesOf(bodies, stored));
  return own.some((one) => one.digest === digest) ? 'same' : 'changed';
}

/** Counts equal outcomes. */
class Groups {
  readonly #groups = new Map<
    string,
    { readonly outcome: Outcome; count: number; sample: number[] }
  >();

  add(id: number, outcome: Outcome): void {
    const key = groupKey(outcome);
    const group = this.#groups.get(key) ?? { outcome, count: 0, sample: [] };
    this.#groups.set(key, group);
    group.count++;
    if (group.sample.length < SAMPLE) group.sample.push(id);
  }

  list(): readonly RehearsedGroup[] {
    return [...this.#groups.values()]
      .map(({ outcome, count, sample }) => ({ ...outcome, count, sample }))
      .toSorted((a, b) => b.count - a.count);
  }
}

const groupKey = ({
  kind,
  to,
  own,
  whole,
  went,
  host,
  code,
  cause,
}: Omit<Outcome, 'places' | 'original'>): string =>
  JSON.stringify([kind, to, own, whole, went, host, code, cause]);

/** Merges the groups of two parts of a run. */
export function withMore(
  before: readonly RehearsedGroup[],
  more: readonly RehearsedGroup[],
): readonly RehearsedGroup[] {
  const all = new Map(before.map((one) => [groupKey(one), one]));
  for (const one of more) {
    const known = all.get(groupKey(one));
    all.set(
      groupKey(one),
      known === undefined
        ? one
        : {
            ...known,
            count: known.count + one.count,
            sample: [...known.sample, ...one.sample].slice(0, SAMPLE),
          },
    );
  }
  return [...all.values()].toSorted((a, b) => b.count - a.count);
}
