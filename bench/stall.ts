import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '../sandbox/free-port.ts';
import { print, table } from '../src/cli/output.ts';
import { type BodyKind, bodyOf, PATHS, TYPES } from '../test/support/growing-bodies.ts';
import { type EngineProcess, engineProcess } from './engine-process.ts';

/**
 * How long a large body holds up the engine's thread, and with it the messages of other hosts: 20 small ones a second are
 * accepted meanwhile. Each kind of body comes over HTTP to each way of dealing with it.
 *
 *     node --conditions=waybill-source bench/stall.ts [--only hl7,json] [--ways kept,rule,changed] [--megabytes 5,20,50]
 */

/** What is done with a body: nothing, a rule reads a field of it, or a transform changes one. */
const WAYS = ['kept', 'rule', 'changed'] as const;
type Way = (typeof WAYS)[number];

const KINDS = (Object.keys(TYPES) as BodyKind[]).filter((kind) => kind !== 'members');
const EVERY = 50;

const readsOf = (kind: BodyKind): readonly [first: string, missing: string] =>
  kind === 'text' ? ['', ''] : [PATHS[kind][0], PATHS[kind][2]];

function productionYaml(ports: { readonly http: number; readonly tcp: number }): string {
  const all = KINDS.flatMap((kind) => waysOf(kind).map((way) => ({ kind, way })));
  const services = all.map(
    (one) =>
      `  ${at(one)}: { adapter: http-in, settings: { listen: "127.0.0.1:${ports.http}", path: /${at(one)}, limit: 100MB }, to: ${one.way === 'kept' ? 'out' : `${at(one)}-do`} }`,
  );
  const processes = all
    .filter(({ way }) => way !== 'kept')
    .map((one) => {
      const [first, missing] = readsOf(one.kind);
      const rule =
        one.way === 'rule'
          ? `{ name: r, when: 'field("${missing}") == ""', send: out }`
          : `{ name: r, send: { to: out, transform: ${one.kind} } }`;
      return `  ${at(one)}-do: { rules: [${rule}] } # ${first}`;
    });
  return [
    'production: stall',
    'services:',
    `  beat: { adapter: tcp-in, settings: { listen: "127.0.0.1:${ports.tcp}", type: text/plain, answer: stored }, to: beats }`,
    ...services,
    'processes:',
    ...processes,
    'operations:',
    '  beats: { adapter: file-out, settings: { folder: beats, name: "{id}" } }',
    '  out: { adapter: file-out, settings: { folder: out, name: "{id}" }, timeout: 5m }',
    'transforms:',
    ...KINDS.filter((kind) => kind !== 'text').map((kind) => `  ${kind}: ${kind}.yaml`),
    '',
  ].join('\n');
}

/** A kind of body, and what is done with it. */
interface Case {
  readonly kind: BodyKind;
  readonly way: Way;
}

const at = ({ kind, way }: Case): string => `${kind}-${way}`;

const waysOf = (kind: BodyKind): readonly Way[] => (kind === 'text' ? ['kept'] : WAYS);

async function writeProduction(folder: string, ports: Parameters<typeof productionYaml>[0]) {
  await writeFile(join(folder, 'production.yaml'), productionYaml(ports));
  for (const kind of KINDS.filter((one) => one !== 'text')) {
    const steps = `start: copy\nsteps: [{ set: "${readsOf(kind)[0]}", value: "7" }]\n`;
    await writeFile(join(folder, `${kind}.yaml`), steps);
  }
}

/** Sends small messages at a steady rate, and notes how long each was not acknowledged. */
async function beating(port: number, isOver: () => boolean): Promise<number[]> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  const times: number[] = [];
  for (let n = 0; !isOver(); n++) {
    const began = performance.now();
    const answered = once(socket, 'data');
    socket.write(`${n}\n`);
    await answered;
    times.push(performance.now() - began);
    await sleep(Math.max(0, EVERY - (performance.now() - began)));
  }
  socket.destroy();
  return times;
}

/** A body of about so many bytes. */
function sized(kind: BodyKind, bytes: number): Buffer {
  const sample = 1_000;
  const each = (bodyOf(kind, 2 * sample).length - bodyOf(kind, sample).length) / sample;
  return bodyOf(kind, Math.round(bytes / each));
}

interface Site {
  readonly folder: string;
  readonly http: number;
  readonly tcp: number;
  readonly probe: number;
}

async function measured(
  { folder, http, tcp, probe }: Site,
  what: Case & { readonly megabytes: number },
): Promise<string[]> {
  const { kind, way, megabytes } = what;
  const body = sized(kind, megabytes * 1_000_000);
  const before = (await readdir(join(folder, 'out')).catch(() => [])).length;
  let isOver = false;
  const beats = beating(tcp, () => isOver);
  await sleep(500);
  await fetch(`http://127.0.0.1:${probe}/`);
  const began = performance.now();
  const answer = await fetch(`http://127.0.0.1:${http}/${kind}-${way}`, {
    method: 'POST',
    // HL7 and EDI are known by their beginning
    headers: { 'content-type': /\//.test(TYPES[kind]) ? TYPES[kind] : 'application/octet-stream' },
    body: new Uint8Array(body),
  });
  let took = performance.now() - began;
  let isThere = false;
  while (!isThere && took < 60_000 && answer.ok) {
    await sleep(20);
    isThere = (await readdir(join(folder, 'out')).catch(() => [])).length > before;
    took = performance.now() - began;
  }
  await sleep(200);
  isOver = true;
  const longest = Number(await (await fetch(`http://127.0.0.1:${probe}/`)).text());
  const times = await beats;
  const end = answer.ok ? (isThere ? `${took.toFixed(0)} ms` : 'not sent') : `${answer.status}`;
  return [kind, way, `${megabytes} MB`, longest.toFixed(0), Math.max(...times).toFixed(0), end];
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: KINDS.join() },
    ways: { type: 'string', default: WAYS.join() },
    megabytes: { type: 'string', default: '5,20,50' },
  },
});
const HEAD = ['', '', '', 'busy at a stretch, ms', 'longest acknowledgement, ms', 'delivered in'];

const folder = await mkdtemp(join(tmpdir(), 'waybill-stall-'));
const site = { folder, http: await freePort(), tcp: await freePort(), probe: await freePort() };
for (const name of ['out', 'beats']) await mkdir(join(folder, name));
await writeProduction(folder, site);
const probe = pathToFileURL(join(import.meta.dirname, 'stall-probe.ts')).href;
let engine: EngineProcess | undefined;
try {
  engine = await engineProcess({
    production: folder,
    durability: 'process-crash',
    environment: { NODE_OPTIONS: `--import ${probe}`, WAYBILL_STALL_PORT: String(site.probe) },
    ports: [site.http, site.tcp],
    isOnlyEngine: true,
  });
  const rows: string[][] = [];
  const cases = KINDS.flatMap((kind) => waysOf(kind).map((way) => ({ kind, way }))).filter(
    ({ kind, way }) =>
      values.only.split(',').includes(kind) && values.ways.split(',').includes(way),
  );
  for (const one of cases) {
    for (const megabytes of values.megabytes.split(',').map(Number)) {
      rows.push(await measured(site, { ...one, megabytes }));
      print(table([HEAD, ...rows.slice(-1)]));
    }
  }
  print(table([HEAD, ...rows]));
} finally {
  await engine?.stop();
  await rm(folder, { recursive: true, force: true });
}
