import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Lent } from '../adapter/adapter.ts';
import type { Settings } from '../adapter/setting.ts';
import { isAway } from '../broker/away.ts';
import type { State } from '../broker/state.ts';
import type { Definition, LookupSource } from '../definition/definition.ts';
import { DisableError } from '../error/adapter-error.ts';
import { background } from '../error/background.ts';
import { describeError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import type { Events } from '../log/events.ts';
import type { HostLogs } from '../log/logger.ts';
import type { LoadedTable, LoadedTables } from '../lookup/loaded-tables.ts';
import { newsFilter } from '../peer/news.ts';
import { refusedPause, retryDelay } from '../time/back-off.ts';
import { pause } from '../time/pause.ts';

interface LookupLoaderOptions extends Pick<Lent<Settings>, 'credential' | 'verifier'> {
  readonly loaded: LoadedTables;
  /** Where the rows are stored for the next start; shared with other engines. */
  readonly kv: State['kv'];
  readonly events: Events;
  readonly logs: HostLogs;
  readonly peerCertificate: (
    host: string,
    ...seen: Parameters<Lent<Settings>['peerCertificate']>
  ) => void;
}

/** How long a start waits for tables, so that the first messages can use them. */
const FIRST_LOADS = 10_000;
const AGAIN = { every: 5_000, backoff: 2 };
/** The limit for a value in NATS, with some margin. */
const MOST_KEPT = 900_000;

/**
 * Loads the code tables of a production that are not files: when the engine starts, at intervals,
 * and again if a change of the production changes the query. The last good rows are used meanwhile,
 * including those from before a start.
 */
export class LookupLoader {
  readonly #parts: LookupLoaderOptions;
  readonly #running = new Map<
    string,
    { readonly question: string; readonly stop: AbortController; readonly ended: Promise<void> }
  >();
  readonly #isNews = newsFilter();

  constructor(parts: LookupLoaderOptions) {
    this.#parts = parts;
  }

  /** Resolves once every table has rows, possibly earlier ones, or has failed once; after ten seconds at most. */
  async start(definition: Definition): Promise<void> {
    const first = this.#follow(definition);
    await Promise.race([first, pause(FIRST_LOADS, undefined, { ref: false })]);
  }

  /** Tables with an unchanged query continue; those with a changed one are loaded now. */
  apply(definition: Definition): void {
    background(this.#follow(definition), 'loading lookup tables');
    this.#parts.loaded.keepOnly(new Set(definition.lookupSources.keys()));
  }

  async close(): Promise<void> {
    const all = [...this.#running.values()];
    this.#running.clear();
    for (const { stop } of all) stop.abort(new Error('the engine stops'));
    await Promise.all(all.map(({ ended }) => ended));
  }

  /** Resolves when the first loads of the tables started here have ended. */
  async #follow({ name: production, lookupSources }: Definition): Promise<void> {
    for (const [name, { question, stop }] of this.#running) {
      if (lookupSources.get(name)?.question === question) continue;
      stop.abort(new Error('the production has changed'));
      this.#running.delete(name);
    }
    const begun = [...lookupSources.values()].filter(({ name }) => !this.#running.has(name));
    const firsts = begun.map((source) => {
      const stop = new AbortController();
      const first = Promise.withResolvers<void>();
      const ended = this.#loop(source, { production, signal: stop.signal, first: first.resolve });
      this.#running.set(source.name, { question: source.question, stop, ended });
      background(ended, `loading the lookup table ${source.name}`);
      return first.promise;
    });
    await Promise.all(firsts);
  }

  async #loop(
    source: LookupSource,
    {
      production,
      signal,
      first,
    }: { readonly production: string; readonly signal: AbortSignal; readonly first: () => void },
  ): Promise<void> {
    await this.#recall(source);
    if (this.#parts.loaded.of(source.name) !== undefined) first();
    for (let failures = 0; !signal.aborted; ) {
      const failed = await this.#load(source, production, signal);
      first();
      failures = failed === undefined ? 0 : failures + 1;
      await pause(pauseAfter(failed, failures, source.every), signal);
    }
    first();
  }

  /** Returns what went wrong. */
  async #load(source: LookupSource, production: string, signal: AbortSignal): Promise<unknown> {
    const { name, adapter, question } = source;
    const { loaded, events } = this.#parts;
    try {
      const entries = await adapter.load(this.#lent(source, production, signal));
      if (signal.aborted) return undefined;
      const before = loaded.of(name);
      const now = { entries, at: Date.now(), question };
      loaded.fill(name, now);
      const isSame = before?.question === question && isEqual(before.entries, entries);
      if (!isSame) {
        events.told(name, 'info', 'lookup-loaded', `${entries.size} rows`);
        background(this.#keep(name, now), `keeping the lookup table ${name}`, isAway);
      }
      return undefined;
    } catch (error) {
      if (!signal.aborted) this.#tell(name, error, loaded.of(name));
      return error;
    }
  }

  #tell(name: string, error: unknown, last: LoadedTable | undefined): void {
    const { text } = describeError(error);
    if (!this.#isNews(`${name} ${text}`)) return;
    const serves =
      last === undefined
        ? 'There are no rows yet: messages that need the table fail for now and are retried.'
        : `The rows of ${new Date(last.at).toISOString()} are used meanwhile.`;
    this.#parts.events.told(name, 'warn', 'lookup-not-loaded', `${text} ${serves}`);
  }

  #lent({ name, settings }: LookupSource, production: string, signal: AbortSignal): Lent<Settings> {
    const { credential, verifier, logs, events, peerCertificate } = this.#parts;
    return {
      host: name,
      production,
      settings,
      log: logs.of(name),
      signal,
      credential,
      verifier,
      peerCertificate: (...seen) => peerCertificate(name, ...seen),
      connection: () => undefined,
      event: (level, event, text, unlogged) => events.told(name, level, event, { text, unlogged }),
    };
  }

  /** Rows from before this start, from the same query, are used until newer ones arrive. */
  async #recall({ name, question }: LookupSource): Promise<void> {
    const { loaded, kv } = this.#parts;
    if (loaded.of(name) !== undefined) return;
    const entry = await kv.get(keyOf(name)).catch(unless(isAway, 'reading a stored lookup table'));
    if (entry === undefined || entry === null || entry.operation !== 'PUT') return;
    const kept = JSON.parse(String(await promisify(gunzip)(entry.value))) as Kept;
    if (kept.question !== question) return;
    loaded.fill(name, { ...kept, entries: new Map(kept.entries) });
  }

  async #keep(name: string, { entries, at, question }: LoadedTable): Promise<void> {
    const kept: Kept = { entries: [...entries], at, question };
    const bytes = await promisify(gzip)(JSON.stringify(kept));
    if (bytes.length <= MOST_KEPT) {
      await this.#parts.kv.put(keyOf(name), bytes);
      return;
    }
    await this.#parts.kv.delete(keyOf(name));
    const text =
      'The table is too large to be stored for the next start, which will have to wait for its source.';
    if (this.#isNews(`${name} ${text}`)) {
      this.#parts.events.told(name, 'info', 'lookup-not-kept', text);
    }
  }
}

interface Kept {
  readonly entries: readonly (readonly [string, string])[];
  readonly at: number;
  readonly question: string;
}

const keyOf = (name: string): string => `lookup.${name}`;

/** After a refusal it is not tried again and again, since that can lock an account. */
function pauseAfter(failed: unknown, failures: number, every: number): number {
  if (failed === undefined) return every;
  if (failed instanceof DisableError) return Math.max(every, refusedPause(failures));
  return Math.min(every, retryDelay({ ...AGAIN, max: every }, failures));
}

function isEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
