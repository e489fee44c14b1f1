import { randomUUID } from 'node:crypto';
import { type Records, TemporaryError } from 'waybill/adapter';
import { Counts } from './counts.ts';
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
  /** Milliseconds after which the subscriber hears something, even if nothing happens. */
  readonly heartbeat?: number | undefined;
  /** How its owner was known; one that an older program has made is not judged until it is renewed. */
  readonly proof?: Proof | undefined;
  /** Operators have switched it off: its owner cannot switch it on again. */
  readonly held?: boolean | undefined;
}

/** By which service and what kind of proof, and by which sign-in at our own authorization server. */
export interface Proof {
  readonly service: string;
  readonly kind: string;
  /** When they were let in, milliseconds since 1970. */
  readonly at?: number | undefined;
  readonly grant?:
    | { readonly id: string; readonly client: string; readonly lasts: 'short' | 'long' }
    | undefined;
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
  readonly counts: Counts;

  /** `kept` says how many events of each are remembered for those who have missed them. */
  constructor(records: Records, signal: AbortSignal, kept = 0) {
    this.#records = records;
    this.#signal = signal;
    this.counts = new Counts(records, kept);
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
    await this.#drop(`one/${id}`);
    await this.#tell();
    await this.forget(id);
  }

  /** Switches off one whose time is over; whether that was to be done. */
  async over(id: string): Promise<boolean> {
    let isDone = false;
    await this.change(id, (before) => {
      isDone = before.status !== 'off' && before.end <= Date.now();
      return isDone ? { ...before, status: 'off' } : before;
    });
    return isDone;
  }

  /** Removes what is kept beside subscriptions that are gone: an event may be counted while one is deleted. */
  async sweep(): Promise<void> {
    const beside = new Map<string, string[]>();
    for await (const { key } of this.#records.all('', this.#signal)) {
      const [, kind = '', id = ''] = /^(count|contact|events)\/([^/]+)/.exec(key) ?? [];
      if (kind !== '') beside.set(id, [...(beside.get(id) ?? []), key]);
    }
    for (const [id, keys] of beside) {
      // one that has changed during this look was not met in it
      if ((await this.#records.read(`one/${id}`)).value !== undefined) continue;
      for (const key of keys) await this.#drop(key);
    }
  }

  /** Removes what is kept beside a subscription that is gone. */
  async forget(id: string): Promise<void> {
    await this.counts.remove(id);
    await this.#drop(`contact/${id}`);
  }

  async #drop(key: string): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#records.read(key);
      if (entry.value === undefined) return;
      if (await this.#records.replace(key, entry, undefined)) return;
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
