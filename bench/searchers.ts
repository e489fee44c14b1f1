import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * Simulated users who search, in their own thread, so that their cost is not part of the load
 * generator's. When stopped, it reports how long each request took.
 */

/** Searches of every kind, one after another: by status, by text in all bodies, the newest; and the dashboard. */
const ASKED: readonly (readonly [method: string, path: string, body?: object])[] = [
  ['POST', 'messages/search', { status: ['error', 'suspended'], limit: 50 }],
  ['POST', 'messages/search', { contains: 'held by no message', timeBudget: 2_000 }],
  ['POST', 'messages/search', { limit: 100 }],
  ['POST', 'messages/count', { timeBudget: 1_000 }],
  ['GET', 'status'],
];

/** What open pages ask again and again, here each five times a second. */
const PAGES: typeof ASKED = [
  ['GET', 'status'],
  ['GET', 'hosts'],
  ['GET', 'queues'],
  ['POST', 'messages/search', { limit: 50 }],
  ['GET', 'failures'],
  ['GET', 'events?limit=50'],
  ['GET', 'alerts'],
];
const PAUSE = 200;

const { api, token, searchers, what } = workerData as {
  readonly api: string;
  readonly token: string;
  readonly searchers: number;
  readonly what: 'searches' | 'pages';
};
const all = what === 'pages' ? PAGES : ASKED;
const authorization = `Bearer ${token}`;
const ended = new AbortController();
/** Milliseconds of each request, by what was asked. */
const took = new Map<string, number[]>();

async function search(): Promise<void> {
  for (let n = 0; !ended.signal.aborted; n++) {
    const [method, path, body] = all[n % all.length] ?? ['GET', 'status'];
    const began = performance.now();
    const response = await fetch(new URL(path, api), {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    await response.text();
    if (response.status !== 200) throw new Error(`${path} answers ${response.status}`);
    const times = took.get(path) ?? [];
    times.push(performance.now() - began);
    took.set(path, times);
    if (what === 'pages') await sleep(PAUSE);
  }
}

async function follow(): Promise<void> {
  const { signal } = ended;
  const asked = { signal, headers: { authorization } };
  // aborted when the others have ended
  const response = await fetch(new URL('stream', api), asked).catch(() => undefined);
  await response?.text().catch(() => undefined);
}

// browsers run on other machines
if (process.platform === 'linux') setPriority(0, 10);
const people = [...Array.from({ length: searchers }, search), follow()];
parentPort?.once('message', () => {
  ended.abort();
  void Promise.all(people).then(() => parentPort?.postMessage(took));
});
