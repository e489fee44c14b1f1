import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { freePort } from '../../../sandbox/free-port.ts';
import { type RemoteTrace, remoteTrace } from '../../control/remote-trace.ts';
import { runMessage } from '../../definition/case/run-message.ts';
import type { Definition } from '../../definition/definition.ts';
import { hl7Header } from '../../document/index.ts';
import { rootLogger } from '../../log/logger.ts';
import { systemClock } from '../../time/clock.ts';
import { drawSession } from '../../trace/drawing/draw-session.ts';
import type { TracedMessage } from '../../trace/traced-message.ts';
import { orderedBy } from '../connect.ts';
import { mllpClient } from '../mllp-client.ts';
import { type OperatorWorker, startOperatorPlane } from '../operator-worker.ts';
import { print, say, sayConsole, table, terminal } from '../output.ts';
import { consoleFolder, ensureConsole, packaged } from '../packaged.ts';
import { type RunningProduction, runProduction } from '../run-production.ts';
import { sandboxModule } from '../sandbox-module.ts';
import { toldToStop } from '../told-to-stop.ts';
import { demoMessages } from './demo-messages.ts';
import { demoPki } from './demo-pki.ts';
import type { DemoWorld } from './demo-world.ts';

interface DemoFlags {
  readonly once?: boolean;
  readonly json?: boolean;
}

const PRODUCTION = packaged('productions/adt-hub');
const PATIENCE = 120_000;

export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'Shows a hospital’s hub at work: real HL7 over mutual TLS in, rules and transforms, HL7 and files out, all of it traced.',
    )
    .option('--once', 'end when everything has arrived: exit 0 if it did, otherwise 1')
    .option('--json', 'the last line is the result as JSON')
    .action(demo);
}

async function demo(flags: DemoFlags): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-demo-'));
  try {
    await show(folder, flags);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function show(folder: string, flags: DemoFlags): Promise<void> {
  const { demoWorld } = await sandboxModule(() => import('./demo-world.ts'));
  if (flags.once !== true) await ensureConsole(say);
  const began = performance.now();
  const pki = await demoPki(join(folder, 'pki'));
  await using world = await demoWorld(folder, pki);
  for (const line of world.describe()) say(line);

  const port = await freePort();
  const data = join(folder, 'data');
  await using running = await runProduction({
    folder: PRODUCTION,
    data,
    log: rootLogger('error'),
    environment: { ...world.environment, WAYBILL_DEMO_LISTEN: `127.0.0.1:${port}` },
    say,
  });
  const { definition } = running;
  const operator = await operatorOf(running, data);
  say(`production ${definition.name} runs; it listens on 127.0.0.1:${port}`);

  const messages = await demoMessages(PRODUCTION);
  const expected = await expectedArrivals(definition, 'adt-in', messages);
  await sendAll(messages, world, port);
  const arrived = await untilArrived(expected, world);
  const result: DemoResult = {
    ok: Object.entries(expected).every(([name, count]) => arrived[name] === count),
    sent: messages.length,
    expected,
    arrived,
    adapters: byAdapter(definition, arrived),
    seconds: Number(((performance.now() - began) / 1_000).toFixed(1)),
  };
  await report(running, result, { data, port, folder: pki.folder });
  if (flags.once !== true) {
    say('The production keeps running. Ctrl-C ends the demo.');
    await toldToStop();
  }
  await operator.stop();
  if (flags.json === true) print(JSON.stringify(result));
  if (!result.ok) process.exitCode = 1;
}

function operatorOf(
  { access, definition }: RunningProduction,
  data: string,
): Promise<OperatorWorker> {
  return startOperatorPlane(
    {
      access,
      production: definition.name,
      data,
      trace: undefined,
      search: [...definition.settings.search],
      keep: definition.settings.keep,
      logLevel: 'error',
      console: { host: '127.0.0.1', port: 0, consoleFolder: consoleFolder() },
    },
    { onUrl: sayConsole },
  );
}

async function sendAll(
  messages: readonly Uint8Array[],
  { pki }: DemoWorld,
  port: number,
): Promise<void> {
  const client = await mllpClient({
    host: '127.0.0.1',
    port,
    tls: { trust: pki.trust, certificate: pki.sender.certificate, key: pki.sender.key },
  });
  let sent = 0;
  for (const message of messages) {
    const code = await client.send(message);
    if (code !== 'AA') say(`message ${sent + 1} was answered with ${code}`);
    sent++;
    if (sent % 50 === 0 || sent === messages.length)
      say(`sent ${sent} of ${messages.length}, each acknowledged`);
  }
  client.close();
}

/** Asks the receiving systems until they have what they should, or nothing has arrived for a while. */
async function untilArrived(
  expected: Readonly<Record<string, number>>,
  world: DemoWorld,
): Promise<Record<string, number>> {
  const limit = Date.now() + PATIENCE;
  for (;;) {
    const arrived = await world.arrived();
    const done = Object.entries(expected).every(([name, count]) => (arrived[name] ?? 0) >= count);
    if (done || Date.now() > limit) return arrived;
    await sleep(50);
  }
}

function byAdapter(
  { operations }: Definition,
  arrived: Readonly<Record<string, number>>,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name, adapter } of operations.values()) {
    counts[adapter.type] = (counts[adapter.type] ?? 0) + (arrived[name] ?? 0);
  }
  return counts;
}

async function report(
  { broker, definition }: RunningProduction,
  result: DemoResult,
  where: { readonly data: string; readonly port: number; readonly folder: string },
): Promise<void> {
  print(`\n${result.sent} messages sent, ${result.seconds} s since the start\n`);
  print(arrivalTable(result));
  const trace = remoteTrace(broker, orderedBy());
  await untilTraced(trace, result.sent);
  print(`\n${await traceReport(trace, [...definition.processes.keys()])}`);
  print(`
To continue, in another terminal:
  npx waybill status --data ${where.data}
  npx waybill find status=suspended --data ${where.data}
  npx waybill check productions/adt-hub     every problem of a production, with its place
  npx waybill test productions/adt-hub      its tests, without any network
  npx waybill send mllps://localhost:${where.port} productions/adt-hub/messages/admission.hl7 --ca ${where.folder}/ca.crt --cert ${where.folder}/sender.crt --key ${where.folder}/sender.key
Then copy productions/passthrough and make it your own: docs/production-format.md.
`);
}

/** The trace follows the messages by some milliseconds. */
async function untilTraced(trace: RemoteTrace, sent: number): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 100) {
    const page = await trace.find({ source: 'adt-in', limit: Math.min(1_000, sent) });
    if (page.items.length >= Math.min(1_000, sent)) return;
    await sleep(100);
  }
}

/** How many messages each operation should get by the production's rules, worked out without the engine. */
async function expectedArrivals(
  definition: Definition,
  service: string,
  messages: readonly Uint8Array[],
): Promise<Record<string, number>> {
  const expected: Record<string, number> = Object.fromEntries(
    [...definition.operations.keys()].map((name) => [name, 0]),
  );
  for (const body of messages) {
    const { sent } = await runMessage(
      { definition, clock: systemClock, answer: () => undefined },
      service,
      { body, type: typeOf(body) },
    );
    for (const { to } of sent) expected[to] = (expected[to] ?? 0) + 1;
  }
  return expected;
}

function typeOf(body: Uint8Array): string {
  return hl7Header(body).type;
}

interface DemoResult {
  readonly ok: boolean;
  readonly sent: number;
  readonly expected: Readonly<Record<string, number>>;
  /** Counted by the receiving systems. */
  readonly arrived: Readonly<Record<string, number>>;
  /** Messages by the type of the adapter they left through. */
  readonly adapters: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** What arrived where, counted by the receiving systems. */
function arrivalTable({ expected, arrived }: DemoResult): string {
  return table([
    ['system', 'expected', 'arrived', ''],
    ...Object.entries(expected).map(([name, count]) => [
      name,
      String(count),
      String(arrived[name] ?? 0),
      arrived[name] === count ? '✓' : '✗ missing',
    ]),
  ]);
}

/** Which rules fired and how often, and the busiest session drawn as a trace. */
async function traceReport(trace: RemoteTrace, processes: readonly string[]): Promise<string> {
  const rules = new Map<string, number>();
  let busiest = { sessionId: 0, sends: 0 };
  for await (const message of routed(trace, processes)) {
    const { sessionId, explain } = message;
    for (const { rule, result } of explain?.rules ?? []) {
      if (result === 'fired') rules.set(rule, (rules.get(rule) ?? 0) + 1);
    }
    const sends = explain?.sent.length ?? 0;
    if (sends > busiest.sends) busiest = { sessionId, sends };
  }
  const counts = [...rules]
    .toSorted((a, b) => b[1] - a[1])
    .map(([rule, count]) => [rule, String(count)]);
  const session = await trace.session(busiest.sessionId);
  const drawn =
    session === undefined
      ? []
      : ['', 'One session, as the trace shows it:', '', drawSession(session, terminal())];
  return [table([['rule', 'fired'], ...counts]), ...drawn].join('\n');
}

/** Every message that went into one of the processes, with its explanation. */
async function* routed(
  trace: RemoteTrace,
  processes: readonly string[],
): AsyncGenerator<TracedMessage> {
  let after: string | undefined;
  do {
    const page = await trace.find({ hosts: processes, limit: 200, after });
    for (const { id } of page.items.filter(({ target }) => processes.includes(target))) {
      const message = await trace.message(id);
      if (message !== undefined) yield message;
    }
    after = page.next;
  } while (after !== undefined);
}
