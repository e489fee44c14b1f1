import type { Setting, Settings } from '../../src/adapter/setting.ts';
import { type TroubledProxy, troubledProxy } from '../support/troubled-proxy.ts';

/** The settings by which adapters reach a server: `host:port`, also where it says another, or an address of the web. */
const PLACES = new Set(['connect', 'url', 'endpoint', 'addresses']);
/** How long something may take: `timeout`, `ackTimeout`; and how soon a lost connection is noticed. */
const PATIENCE = /timeout$|^(keepAlive|heartbeat|ping)$/i;
/** An answer of the production, which is not the peer's. */
const OURS = new Set(['answerTimeout', 'frameTimeout', 'queryTimeout']);

/** Short, but enough for a real server on a busy machine. */
export const SHORT = 1_000;

type Given = Readonly<Record<string, unknown>>;

export interface Troubled extends AsyncDisposable {
  readonly proxy: TroubledProxy;
  /** The same settings through the proxy, with little patience. */
  readonly given: Given;
}

/** Undefined if the adapter reaches no server of its own accord. */
export async function throughProxy(
  settings: Settings,
  given: Given,
): Promise<Troubled | undefined> {
  const port = portOf(given);
  if (port === undefined) return undefined;
  const proxy = await troubledProxy(port);
  return {
    proxy,
    given: { ...impatient(settings), ...moved(settings, given, port, proxy.port) },
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

function moved(settings: Settings, given: Given, from: number, to: number): Given {
  const entries = Object.entries(given).map(([name, value]) => {
    const { fields } = (settings[name] ?? {}) as Setting<unknown>;
    if (name === 'callOut' && fields !== undefined) {
      return [name, { ...impatient(fields), ...moved(fields, value as Given, from, to) }];
    }
    if (PLACES.has(name)) return [name, String(value).replace(`:${from}`, `:${to}`)];
    return [name, PATIENCE.test(name) && !OURS.has(name) ? `${SHORT}ms` : value];
  });
  return Object.fromEntries(entries) as Given;
}

const impatient = (settings: Settings): Given =>
  Object.fromEntries(
    Object.entries(settings)
      .filter(([name, { kind }]) => kind === 'duration' && PATIENCE.test(name) && !OURS.has(name))
      .map(([name]) => [name, `${SHORT}ms`]),
  );
