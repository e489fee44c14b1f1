import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Agent } from 'undici';
import fhirIn from '../../adapters/fhir/fhir-in.ts';
import { fhirFindings, isFhirType, jsonToKeep } from '../../src/document/index.ts';
import { lent } from '../lent.ts';
import { serveApart, serversApart } from './servers-apart.ts';
import { kept, type Subjects } from './subject.ts';

const OBSERVATION = JSON.stringify({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '2345-7', display: 'Glucose' }] },
  subject: { reference: 'Patient/4711' },
  effectiveDateTime: '2026-01-31T15:30:00Z',
  valueQuantity: { value: 11.5, unit: 'mmol/l', system: 'http://unitsofmeasure.org' },
});

const LEVELS = ['none', 'structure', 'full'] as const;
type Level = (typeof LEVELS)[number];
/** A server for each level of checking. */
type Places = Readonly<Record<Level, string>>;

/** Resources created at a FHIR server of another process: fhir-in beside node:http that reads and checks each in the same way. */
export async function fhirSubjects(): Promise<Subjects> {
  const servers = await serversApart<Places>(fileURLToPath(import.meta.url));
  const at = (place: string) => servers.turn((agent) => created(agent, place));
  return {
    subjects: LEVELS.map((level) => ({
      what: `fhir-in, validate: ${level}`,
      bare: at(servers.bare[level]),
      adapter: at(servers.adapter[level]),
    })),
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  };
}

async function created(agent: Agent, origin: string): Promise<void> {
  const { statusCode, body } = await agent.request({
    origin,
    path: '/fhir/Observation',
    method: 'POST',
    headers: { 'content-type': 'application/fhir+json' },
    body: OBSERVATION,
  });
  const told = await body.text();
  if (statusCode !== 202) throw new Error(`answered ${statusCode} ${told}`);
}

/** Why a request is no resource to be created, by its head alone. */
function refusal({ method, headers }: IncomingMessage, { type, query }: Asked): number | undefined {
  if (method !== 'POST' || !isFhirType(type)) return 404;
  if (!/json|\*\/\*/.test(query.get('_format') ?? headers.accept ?? '*/*')) return 406;
  const isJson = /^application\/(?:fhir\+)?json\b/.test(headers['content-type'] ?? '');
  return isJson && headers['content-encoding'] === undefined ? undefined : 415;
}

interface Asked {
  readonly type: string;
  readonly query: URLSearchParams;
}

/** The same as the adapter by hand: what is asked for is judged, and is a message with the resource in it. */
async function answered(request: IncomingMessage, level: Level): Promise<number> {
  const { url = '', headers } = request;
  const [path = '', search = ''] = url.split('?', 2);
  const asked = { type: path.slice('/fhir/'.length), query: new URLSearchParams(search) };
  const refused = refusal(request, asked);
  if (refused !== undefined) return refused;
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  // what is written again has the digits that it came with, as FHIR wants it
  const { value, exact: resource } = jsonToKeep(text);
  const { type, query } = asked;
  if ((value as { resourceType?: unknown }).resourceType !== type) return 400;
  const findings = level === 'none' ? [] : fhirFindings(value, { level });
  if (findings.some(({ severity }) => severity === 'error')) return 422;
  const parameters = { query: Object.fromEntries(query), search: query.toString() };
  const conditions = { ifMatch: headers['if-match'], ifNoneExist: headers['if-none-exist'] };
  const content = { interaction: 'create', type, ...parameters, ...conditions, resource };
  await kept({ body: Buffer.from(JSON.stringify(content)), name: `create ${type}` });
  return 202;
}

async function bareServer(level: Level): Promise<string> {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const status = await answered(request, level);
      response.writeHead(status, {
        'cache-control': 'no-store',
        'content-length': 0,
        'x-message-id': 1,
      });
      response.end();
    };
    answer().catch((error: unknown) => response.destroy(error as Error));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function adapterServer(level: Level): Promise<string> {
  let place = '';
  const given = { listen: '127.0.0.1:0', path: '/fhir/*', validate: level, answer: 'stored' };
  await fhirIn.open({
    ...lent(fhirIn.settings, given, {
      connection: (_, detail = '') => void (place = /^[\d.:]+/.exec(detail)?.[0] ?? ''),
    }),
    deliver: kept,
    lost: (reason) => {
      throw reason;
    },
    memory: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
  });
  return `http://${place}`;
}

async function all(server: (level: Level) => Promise<string>): Promise<Places> {
  const [none, structure, full] = await Promise.all(LEVELS.map(server));
  return { none: none ?? '', structure: structure ?? '', full: full ?? '' };
}

async function serve(): Promise<void> {
  serveApart({ bare: await all(bareServer), adapter: await all(adapterServer) });
}

if (process.argv[2] === '--serve') await serve();
