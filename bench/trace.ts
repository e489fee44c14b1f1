import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { searchFields } from '../src/trace/search-fields.ts';
import { openTraceStore } from '../src/trace/store/open-store.ts';
import type { TraceStore } from '../src/trace/trace-store.ts';
import { TraceTraffic } from './trace-traffic.ts';

/** How fast a trace store writes messages, and answers queries meanwhile. */
export interface TraceRates {
  readonly messages: number;
  /**
   * Messages (an accepted one and its three answered deliveries per session) per second of `apply`,
   * in batches of 500 inputs.
   */
  readonly writtenPerSecond: number;
  /** CPU time of `apply` for one message. */
  readonly cpuMicroseconds: number;
  readonly bytesPerMessage: number;
  /** Milliseconds of queries while 500 messages per second are written. */
  readonly queries: Readonly<
    Record<string, { readonly p50: number; readonly p95: number; readonly max: number }>
  >;
}

export interface TraceBenchOptions {
  readonly messages: number;
  readonly days: number;
  /** How often each query is run. */
  readonly asked?: number;
  /** Opens the store: once to fill it, then again to query it with cold caches. */
  readonly open: () => Promise<TraceStore>;
  readonly report?: (line: string) => unknown;
}

const BATCH = 500;
const WRITTEN_MEANWHILE = 500;

/** Fills a store and queries it. The last day is today, so that what is written meanwhile goes to the same day. */
export async function traceRates(options: TraceBenchOptions): Promise<TraceRates> {
  const { messages, days, open, asked = 200, report = () => undefined } = options;
  const filling = await open();
  const traffic = new TraceTraffic({ messages, days, fields: searchFields(SEARCH) });
  let written = 0;
  let took = 0;
  let cpu = 0;
  for (const batch of traffic.batches(BATCH)) {
    const used = process.cpuUsage();
    const began = performance.now();
    await filling.apply(batch.inputs);
    took += performance.now() - began;
    const { user, system } = process.cpuUsage(used);
    cpu += user + system;
    written += batch.messages;
    if (written % 100_000 < batch.messages) {
      report(`${written} messages, ${Math.round((written / took) * 1_000)}/s`);
    }
  }
  await filling.close();
  const store = await open();
  const { bytes } = await store.usage();
  const writing = new AbortController();
  const writer = writeMeanwhile(store, traffic, writing.signal);
  const queries = await measure(store, traffic, asked);
  writing.abort();
  await writer;
  await store.close();
  return {
    messages: written,
    writtenPerSecond: Math.round((written / took) * 1_000),
    cpuMicroseconds: Math.round(cpu / written),
    bytesPerMessage: Math.round(bytes / written),
    queries,
  };
}

const SEARCH = new Map([
  ['mrn', 'PID-3.1'],
  ['name', 'PID-5.1'],
  ['visit', 'PV1-19.1'],
  ['account', 'PID-18.1'],
  ['accession', 'ORC-2.1'],
]);

/** Ten batches per second. */
async function writeMeanwhile(
  store: TraceStore,
  traffic: TraceTraffic,
  signal: AbortSignal,
): Promise<void> {
  const every = 100;
  let due = performance.now();
  while (!signal.aborted) {
    await store.apply(traffic.now((WRITTEN_MEANWHILE * every) / 1_000));
    due += every;
    await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => undefined);
  }
}

async function measure(
  store: TraceStore,
  traffic: TraceTraffic,
  asked: number,
): Promise<TraceRates['queries']> {
  const questions: Readonly<Record<string, () => Promise<unknown>>> = {
    'newest 50': () => store.find({}),
    '50 before a time': () => store.find({ to: traffic.anyTime() }),
    'newest 50 of a host': () => store.find({ target: traffic.anyTarget() }),
    'newest 50 errors': () => store.find({ status: ['error'] }),
    'errors of a host': () => store.find({ status: ['error'], target: traffic.anyTarget() }),
    'error text': () => store.find({ error: 'no such ward' }),
    'by MRN': () => store.find({ search: { mrn: traffic.anyMrn() } }),
    'by MRN and host': () =>
      store.find({ search: { mrn: traffic.anyMrn() }, target: traffic.anyTarget() }),
    'by beginning of MRN': () =>
      store.find({ search: { mrn: `${traffic.anyMrn().slice(0, 5)}*` } }),
    'by beginning of MRN, 2 digits': () =>
      store.find({ search: { mrn: `${traffic.anyMrn().slice(0, 3)}*` } }),
    'by type': () => store.find({ type: 'ORU_R01' }),
    'slow ones': () => store.find({ minDuration: 3_000 }),
    'visible hosts only': () => store.find({ visible: [traffic.anyTarget()] }),
    'session with bodies': async () => {
      const session = await store.session(traffic.anySession());
      for (const { id } of session?.messages ?? []) await store.body(id);
    },
    'pasted control id': () => store.quickFind(traffic.anyControlId()),
    'statistics of a day by the minute': () =>
      store.statistics({ from: Date.now() - 86_400_000, to: Date.now(), step: 60_000 }),
    failures: () => store.failures({ from: Date.now() - 86_400_000 }),
  };
  const times: Record<string, TraceRates['queries'][string]> = {};
  for (const [name, ask] of Object.entries(questions)) {
    const taken: number[] = [];
    for (let time = 0; time < asked; time++) {
      const began = performance.now();
      await ask();
      taken.push(performance.now() - began);
      // gives the writer a turn, as requests over a network would
      await sleep(2);
    }
    taken.sort((a, b) => a - b);
    const at = (part: number): number =>
      Number((taken[Math.floor(taken.length * part)] ?? 0).toFixed(2));
    times[name] = { p50: at(0.5), p95: at(0.95), max: at(0.999) };
  }
  return times;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '100000' },
      days: { type: 'string', default: '10' },
      trace: { type: 'string' },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-trace-'));
  try {
    const rates = await traceRates({
      messages: Number(values.messages),
      days: Number(values.days),
      open: () => openTraceStore({ production: 'bench', url: values.trace, folder }),
      report: (line) => process.stderr.write(`${line}\n`),
    });
    process.stdout.write(`${JSON.stringify(rates, undefined, 2)}\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
