import { createHash, randomInt } from 'node:crypto';
import type { Keyed, KeyedEntry, KeyedPlace } from '../broker/keyed.ts';
import type { StepRecord, Steps } from '../broker/steps.ts';
import { EngineError } from '../error/engine-error.ts';
import { pause } from '../time/pause.ts';
import { describeSize } from '../time/size.ts';
import { codeTime } from './code-time.ts';
import type { CodeTime, SharedState, StateOptions } from './process-code.ts';

/** What is stored for a key. */
export interface StoredState {
  /** Missing once it was removed. */
  readonly value?: unknown;
  readonly at: number;
  /** When it ends, if it is not changed before. */
  readonly until: number;
  /** The step that made this value; its record is written after this one. */
  readonly step: string;
  readonly fingerprint: string;
  /** The process and the message that changed it last. */
  readonly by: { readonly host: string; readonly message: number };
}

/** Does one step of a process, once; resolves to what the first run of it resulted in. */
export type StateStep = (
  what: string,
  run: (step: { readonly key: string; readonly fingerprint: string }) => Promise<unknown>,
) => Promise<unknown>;

export interface SharedStateOptions {
  readonly keyed: Keyed;
  readonly steps: Pick<Steps, 'read' | 'write'>;
  readonly step: StateStep;
  readonly by: StoredState['by'];
  readonly signal: AbortSignal;
  /** Called for each key that is changed. */
  readonly changed: (key: string) => void;
}

const DAY = 86_400_000;
const KEEP = 90 * DAY;
const LARGEST = 64 * 1024;
const LONGEST_KEY = 256;
/** How often a change is tried while others change the same key, and the milliseconds between two tries at most. */
const TRIES = 200;
const PAUSE = 40;

/** The place of shared state; it belongs to the production, so renaming a process keeps it. */
export const statePlace = (key: string): KeyedPlace => ({ kind: 'state', host: 'production', key });

/**
 * State that messages share by a key. A change is made once, even if the engine dies between the
 * change and its step's record: the entry names the step that made it, and whoever changes it next
 * first writes that step's record, so that the step, run again, finds it.
 */
export function sharedState<Value>(parts: SharedStateOptions, key: string): SharedState<Value> {
  checkKey(key);
  const place = statePlace(key);
  const named = createHash('sha1').update(key).digest('base64url');
  const change = (
    what: string,
    { ttl: given = KEEP }: StateOptions,
    next: (before: Value | undefined) => Value | undefined,
  ): Promise<unknown> => {
    const ttl = checkTime(given);
    return parts.step(`state ${what} ${named}`, async (step) => {
      const value = await changed(parts, place, step, { ttl, next });
      parts.changed(key);
      return value;
    });
  };
  return {
    async get() {
      return (await parts.step(`state get ${named}`, async () => {
        return current((await parts.keyed.read<StoredState>(place)).value);
      })) as Value | undefined;
    },
    async set(value, options = {}) {
      const digest = createHash('sha1').update(jsonOf(value)).digest('base64url');
      await change(`set ${digest}`, options, () => value);
    },
    async update(next, options = {}) {
      return (await change('update', options, next)) as Value;
    },
    async delete() {
      await change('delete', { ttl: DAY }, () => undefined);
    },
  };
}

/** The value, unless its time is over. */
export function current(stored: StoredState | undefined): unknown {
  return stored === undefined || stored.until <= Date.now() ? undefined : stored.value;
}

/** Removes what has ended, unless it changes meanwhile. @returns how many */
export async function sweepState(
  keyed: Pick<Keyed, 'all' | 'replace'>,
  signal?: AbortSignal,
): Promise<number> {
  let removed = 0;
  for await (const found of keyed.all<StoredState>('state', signal)) {
    if (found.value.until > Date.now()) continue;
    if (await keyed.replace<StoredState>(found.place, found, undefined)) removed += 1;
  }
  return removed;
}

async function changed<Value>(
  { keyed, steps, by, signal }: SharedStateOptions,
  place: KeyedPlace,
  { key: step, fingerprint }: { readonly key: string; readonly fingerprint: string },
  given: {
    readonly ttl: number;
    readonly next: (before: Value | undefined) => Value | undefined;
  },
): Promise<Value | undefined> {
  for (let tries = 1; tries <= TRIES; tries++) {
    signal.throwIfAborted();
    const before = await keyed.read<StoredState>(place);
    // done before a crash
    if (before.value?.step === step) return before.value.value as Value | undefined;
    // another engine, which also has this message, was faster, and others came after it
    const done = tries === 1 ? undefined : await steps.read(`${step}.done`);
    if (done !== undefined) return done.result as Value | undefined;
    const value = given.next(current(before.value) as Value | undefined);
    const json = value === undefined ? undefined : jsonOf(value);
    await finishOther(steps, before);
    const at = Date.now();
    const after: StoredState = { value, at, until: at + given.ttl, step, fingerprint, by };
    // what others see is what was stored, not an object that the code still changes
    if (await keyed.replace(place, before, after)) return parsed(json) as Value | undefined;
    await pause(randomInt(PAUSE), signal);
  }
  // the message goes back to its queue, and the code does not notice
  throw new EngineError('QUEUE_UNAVAILABLE', 'too many messages change the same state at once', {
    retryable: true,
  });
}

/** State that lasts as long as the map, for production tests, where messages run one after another. */
export function heldState<Value>(held: Map<string, string>, key: string): SharedState<Value> {
  checkKey(key);
  const read = (): Value | undefined => parsed(held.get(key)) as Value | undefined;
  return {
    get: async () => read(),
    async set(value) {
      held.set(key, jsonOf(value));
    },
    async update(change) {
      const value = change(read());
      held.set(key, jsonOf(value));
      return value;
    },
    async delete() {
      held.delete(key);
    },
  };
}

const parsed = (json: string | undefined): unknown =>
  json === undefined ? undefined : (JSON.parse(json) as unknown);

/** Writes the record of the step that made the value which is about to be replaced, if its engine did not. */
async function finishOther(
  steps: SharedStateOptions['steps'],
  { value }: KeyedEntry<StoredState>,
): Promise<void> {
  if (value === undefined) return;
  const { step, fingerprint, at, value: result } = value;
  const record: StepRecord = { fingerprint, at, result };
  if ((await steps.read(`${step}.done`)) === undefined) await steps.write(`${step}.done`, record);
}

function jsonOf(value: unknown): string {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) {
    throw refused('a value of context.state must be JSON; delete() removes one');
  }
  const size = Buffer.byteLength(json);
  if (size <= LARGEST) return json;
  throw refused(
    `a value of context.state has ${describeSize(size)}, more than ${describeSize(LARGEST)}; keep less of each message, or a key for each part`,
  );
}

function checkKey(key: string): void {
  if (typeof key === 'string' && key !== '' && key.length <= LONGEST_KEY) return;
  throw refused(`a key of context.state must be a text of 1 to ${LONGEST_KEY} characters`);
}

/** Milliseconds after which a value ends. */
function checkTime(ttl: CodeTime): number {
  const time = codeTime('ttl of context.state', ttl);
  if (time > 0) return time;
  throw refused('ttl of context.state must be above 0');
}

const refused = (text: string): EngineError => new EngineError('PROCESS_FAILED', text);
