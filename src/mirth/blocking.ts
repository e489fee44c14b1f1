import { isXml, type Xml } from './e4x/xml.ts';
import { VariableMap } from './maps.ts';

/**
 * In Rhino, scripts could block: for a database, a pause, another channel's answer. Here they cannot. So
 * where a script would block, it is left; its request is carried out as a step of its process; then the script runs again from
 * the beginning, and gets the answers known so far. Its earlier effects are discarded.
 */
export type Effect =
  | { readonly kind: 'call'; readonly to: string; readonly values: readonly unknown[] }
  | { readonly kind: 'route'; readonly channel: string; readonly body: string }
  | { readonly kind: 'sleep'; readonly time: number };

/** How a request ended: what the script gets, or what is thrown there. */
export type RequestEnd = { readonly value: unknown } | { readonly error: Error };

/** Leaves a script that has to wait. Not an error: `passOn` lets it through every `catch`. */
class Pending extends Error {
  readonly effect: Effect;

  constructor(effect: Effect) {
    super('the script waits for an answer');
    this.effect = effect;
  }
}

/** A script with more never ends. */
const MOST = 10_000;

let waiting: { readonly answers: RequestEnd[]; at: number } | undefined;

/** Returns the answer to a script's request, or leaves the script until there is one. */
export function ask(effect: Effect): unknown {
  if (waiting === undefined) {
    throw new Error('this script cannot wait here: only scripts of a channel’s process can');
  }
  const answer = waiting.answers[waiting.at];
  waiting.at += 1;
  if (answer === undefined) throw new Pending(effect);
  if ('error' in answer) throw answer.error;
  return answer.value;
}

/** Called at the beginning of each `catch` in a script that may wait. */
export function passOn(error: unknown): void {
  if (error instanceof Pending) throw error;
}

/** Runs a script as often as needed. `fresh` undoes its changes before each run but the first. */
export async function runWaiting(
  run: () => unknown,
  fresh: () => void,
  perform: (effect: Effect) => Promise<RequestEnd>,
): Promise<unknown> {
  const answers: RequestEnd[] = [];
  for (;;) {
    const before = waiting;
    waiting = { answers, at: 0 };
    try {
      return run();
    } catch (error) {
      if (!(error instanceof Pending)) throw error;
      if (answers.length >= MOST)
        throw new Error(`the script waits more than ${MOST} times`, { cause: error });
      answers.push(await perform(error.effect));
    } finally {
      waiting = before;
    }
    fresh();
  }
}

/** Copies a value, so that later changes by the script do not affect it. */
export function copied(value: unknown): unknown {
  if (isXml(value)) return (value as Xml).copy() as unknown;
  if (value instanceof VariableMap) return value.copy(copied);
  if (Array.isArray(value)) return value.map(copied);
  const isPlain =
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copied(one)]));
}

/** A map that outlives the message: what a script did with it is not repeated when it runs again. */
export class OnceMap extends VariableMap {
  readonly #of: VariableMap;
  readonly #done: unknown[] = [];
  #at = 0;

  constructor(of: VariableMap) {
    super();
    this.#of = of;
  }

  /** Called when the script begins again. */
  again(): void {
    this.#at = 0;
  }

  #once(act: () => unknown): unknown {
    const at = this.#at;
    this.#at += 1;
    if (at === this.#done.length) this.#done.push(act());
    return this.#done[at];
  }

  override get(key: unknown): unknown {
    return this.#once(() => this.#of.get(key));
  }

  override put(key: unknown, value: unknown): void {
    this.#once(() => this.#of.put(key, value));
  }

  override containsKey(key: unknown): boolean {
    return this.#once(() => this.#of.containsKey(key)) === true;
  }

  override remove(key: unknown): void {
    this.#once(() => this.#of.remove(key));
  }

  override keySet(): string[] {
    return this.#once(() => this.#of.keySet()) as string[];
  }

  override values(): unknown[] {
    return this.#once(() => this.#of.values()) as unknown[];
  }

  override entrySet(): ReturnType<VariableMap['entrySet']> {
    return this.#once(() => this.#of.entrySet()) as ReturnType<VariableMap['entrySet']>;
  }

  override size(): number {
    return Number(this.#once(() => this.#of.size()));
  }

  override isEmpty(): boolean {
    return this.size() === 0;
  }

  override clear(): void {
    this.#once(() => this.#of.clear());
  }
}
