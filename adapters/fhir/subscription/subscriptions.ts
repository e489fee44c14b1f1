import { randomUUID } from 'node:crypto';
import { type Records, TemporaryError } from 'waybill/adapter';
import type { Criteria, Json } from './criteria.ts';

/** What a subscriber gets. */
export type Content = 'empty' | 'id-only' | 'full-resource';

/** A subscription as it is kept. */
export interface Subscription {
  /** What this program wrote; another number is another program's. */
  readonly format: 1;
  readonly id: string;
  readonly versionId: number;
  readonly changed: string;
  /** Who made it; only they see and change it. */
  readonly owner: string;
  readonly status: 'requested' | 'active' | 'error' | 'off';
  /** Why it is in error. */
  readonly error?: string | undefined;
  /** As it was given, without status, id, meta and secrets. */
  readonly resource: Json;
  readonly criteria: readonly Criteria[];
  /** The topic, of a subscription by topics; without one resources are sent as FHIR R4 says. */
  readonly topic?: string | undefined;
  readonly endpoint: string;
  readonly content: Content;
  /** Milliseconds since 1970. */
  readonly end: number;
  /** Since when the endpoint has not taken anything. */
  readonly failing?: number | undefined;
}

/** How many events there were, and which message was counted last: a repetition has the same number. */
interface Count {
  readonly number: number;
  readonly message: number;
  readonly first: number;
}

const TRIES = 50;
/** Milliseconds after which all are read again, whatever was told. */
const FRESH = 60_000;
const CHANGED = 'changed';

/** The subscriptions of a production, each a record in NATS. */
export class Subscriptions {
  readonly #records: Records;
  readonly #signal: AbortSignal;
  #known: ReadonlyMap<string, Subscription> = new Map();
  #seen = -1;
  #read = 0;

  constructor(records: Records, signal: AbortSignal) {
    this.#records = records;
    this.#signal = signal;
  }

  /** All of them, as they are now: what another engine has changed counts at once. */
  async all(): Promise<ReadonlyMap<string, Subscription>> {
    const { revision } = await this.#records.read(CHANGED);
    if (revision === this.#seen && Date.now() - this.#read < FRESH) return this.#known;
    const found = new Map<string, Subscription>();
    for await (const { value } of this.#records.all<Subscription>('one/', this.#signal)) {
      if (value.format === 1) found.set(value.id, value);
    }
    this.#known = found;
    this.#seen = revision;
    this.#read = Date.now();
    return found;
  }

  async find(id: string): Promise<Subscription | undefined> {
    const { value } = await this.#records.read<Subscription>(`one/${id}`);
    return value?.format === 1 ? value : undefined;
  }

  async add(
    of: Omit<Subscription, 'format' | 'id' | 'versionId' | 'changed'>,
  ): Promise<Subscription> {
    const id = randomUUID();
    const made: Subscription = {
      ...of,
      format: 1,
      id,
      versionId: 1,
      changed: new Date().toISOString(),
    };
    if (!(await this.#records.replace(`one/${id}`, { revision: 0 }, made))) throw busy();
    await this.#tell();
    return made;
  }

  /** Changes one; `change` may return the same to leave it, and is asked again if another was faster. */
  async change(
    id: string,
    change: (before: Subscription) => Subscription,
  ): Promise<Subscription | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#records.read<Subscription>(`one/${id}`);
      const { value: before } = entry;
      if (before?.format !== 1) return undefined;
      const changed = change(before);
      if (changed === before) return before;
      // that its endpoint fails concerns neither who looks for subscribers nor its owner
      const isSeen = changed.status !== before.status || changed.resource !== before.resource;
      const after: Subscription = isSeen
        ? { ...changed, versionId: before.versionId + 1, changed: new Date().toISOString() }
        : changed;
      if (!(await this.#records.replace(`one/${id}`, entry, after))) continue;
      if (isSeen) await this.#tell();
      return after;
    }
    throw busy();
  }

  async remove(id: string): Promise<void> {
    for (const key of [`one/${id}`, `count/${id}`]) {
      const entry = await this.#records.read(key);
      if (entry.value !== undefined) await this.#records.replace(key, entry, undefined);
    }
    await this.#tell();
  }

  /** How many events there were for a subscription so far. */
  async counted(id: string): Promise<number> {
    const { value } = await this.#records.read<Count>(`count/${id}`);
    return value?.number ?? 0;
  }

  /** The number of the first of these events of a message; the same again if the message is repeated. */
  async count(
    id: string,
    { message, events }: { readonly message: number; readonly events: number },
  ): Promise<number> {
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#records.read<Count>(`count/${id}`);
      const { value } = entry;
      if (value?.message === message) return value.first;
      const first = (value?.number ?? 0) + 1;
      const count: Count = { number: first + events - 1, message, first };
      if (await this.#records.replace(`count/${id}`, entry, count)) return first;
    }
    throw busy();
  }

  /** Which addresses the operation that notifies may call; undefined before it was ever open. */
  async endpoints(): Promise<readonly string[] | undefined> {
    return (await this.#records.read<readonly string[]>('endpoints')).value;
  }

  async allow(endpoints: readonly string[]): Promise<void> {
    const entry = await this.#records.read<readonly string[]>('endpoints');
    if (JSON.stringify(entry.value) === JSON.stringify(endpoints)) return;
    // another engine writes the same
    await this.#records.replace('endpoints', entry, endpoints);
  }

  /**
   * Every engine reads all of them again before its next event. Once is enough: whoever was faster has told of it
   * after this change was stored.
   */
  async #tell(): Promise<void> {
    const entry = await this.#records.read<number>(CHANGED);
    await this.#records.replace(CHANGED, entry, Date.now());
  }
}

const busy = (): TemporaryError =>
  new TemporaryError('The subscription changes too often at once. It is tried again.');

/** Whether an address begins as one of those that may be called, and hides nothing behind that. */
export function isAllowed(endpoint: string, allowed: readonly string[]): boolean {
  if (!URL.canParse(endpoint)) return false;
  const url = new URL(endpoint);
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return false;
  if (url.hash !== '' || /%2e|%2f|%5c/i.test(url.pathname)) return false;
  return allowed.some((one) => {
    const start = new URL(one);
    const path = start.pathname.endsWith('/') ? start.pathname : `${start.pathname}/`;
    return (
      url.origin === start.origin &&
      (url.pathname === start.pathname || url.pathname.startsWith(path))
    );
  });
}
