import type { Setting, Settings } from '../../src/adapter/setting.ts';
import { type TroubledProxy, troubledProxy } from '../support/troubled-proxy.ts';

/** The settings by which adapters reach a server: `host:port`, also where it says another, or an address of the web. */
const PLACES = new Set(['connect', 'url', 'endpoint', 'addresses']);
/** How long something may take: `timeout`, `ackTimeout`; and how soon a lost connection is noticed. */
const PATIENCE = /timeout$|^(keepAlive|heartbeat|ping)$/i;
/** An answer of the production, which is not the peer's. */
const OURS = new Set(['answerTimeout', 'frameTimeout', 'queryTimeout']);

/** Milliseconds that are short, but enough for a real server: at least, at most, and by how long it takes at the moment. */
const [LEAST, MOST, TIMES] = [1_000, 5_000, 5];

/** A second; more on a machine that is so busy that a healthy server has just needed a good part of it. */
async function shortFor(healthy: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await healthy();
  return Math.round(Math.min(MOST, Math.max(LEAST, TIMES * (performance.now() - began))));
}

type Given = Readonly<Record<string, unknown>>;

export interface Troubled extends AsyncDisposable {
  readonly proxy: TroubledProxy;
  /** The same settings through the proxy, with little patience. */
  readonly given: Given;
  /** Its milliseconds. */
  readonly short: number;
}

/**
 * Undefined if the adapter reaches no server of its own accord.
 *
 * @param healthy opens the adapter at the server itself, and closes it
 */
export async function throughProxy(
  settings: Settings,
  given: Given,
  healthy: () => Promise<unknown>,
): Promise<Troubled | undefined> {
  const port = portOf(given);
  if (port === undefined) return undefined;
  const short = await shortFor(healthy);
  const proxy = await troubledProxy(port);
  const places = { from: port, to: proxy.port, short };
  return {
    proxy,
    short,
    given: { ...impatient(settings, short), ...moved(settings, given, places) },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

function portOf(given: Given): number | undefined {
  for (const [name, value] of Object.entries(given)) {
    if (name === 'callOut') return portOf(value as Given);
    const [, port] = PLACES.has(name) ? (/:(\d+)(?:\/|$)/.exec(String(value)) ?? []) : [];
    if (port !== undefined) return Number(port);
  }
  return undefined;
}

interface Move {
  readonly from: number;
  readonly to: number;
  readonly short: number;
}

function moved(settings: Settings, given: Given, move: Move): Given {
  const { from, to, short } = move;
  const entries = Object.entries(given).map(([name, value]) => {
    const { fields } = (settings[name] ?? {}) as Setting<unknown>;
    if (name === 'callOut' && fields !== undefined) {
      return [name, { ...impatient(fields, short), ...moved(fields, value as Given, move) }];
    }
    if (PLACES.has(name)) return [name, String(value).replace(`:${from}`, `:${to}`)];
    return [name, PATIENCE.test(name) && !OURS.has(name) ? `${short}ms` : value];
  });
  return Object.fromEntries(entries) as Given;
}

const impatient = (settings: Settings, short: number): Given =>
  Object.fromEntries(
    Object.entries(settings)
      .filter(([name, { kind }]) => kind === 'duration' && PATIENCE.test(name) && !OURS.has(name))
      .map(([name]) => [name, `${short}ms`]),
  );
