import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Random, random } from './random.ts';

/**
 * Productions of any shape, and a model of what each owes its receivers: a few lines that know
 * nothing of queues, threads or crashes.
 */

/** Where a message goes; marked, the path in its body gets the name of the host that sent it. */
interface Send {
  readonly to: string;
  readonly marked: boolean;
}

interface Rule {
  /** Takes only messages with this number of three; undefined takes all. */
  readonly third: number | undefined;
  readonly goesOn: boolean;
  readonly sends: readonly Send[];
}

interface RouterHost {
  readonly kind: 'router';
  readonly name: string;
  readonly run: 'inline' | 'queued';
  readonly order: string;
  readonly rules: readonly Rule[];
}

type Step =
  | ({ readonly does: 'send' | 'call' } & Send)
  | { readonly does: 'sleep' | 'count' | 'fail once' };

interface CodeHost {
  readonly kind: 'code';
  readonly name: string;
  readonly run: 'inline' | 'queued';
  readonly order: string;
  readonly steps: readonly Step[];
}

interface OperationHost {
  readonly kind: 'operation';
  readonly name: string;
  readonly order: string;
  /** The operation that gets the answers. */
  readonly answersTo: string | undefined;
}

type RandomHost = RouterHost | CodeHost | OperationHost;

export interface RandomProduction {
  readonly hosts: readonly RandomHost[];
  /** The targets of each service. */
  readonly services: readonly (readonly string[])[];
}

/** A message at an operation: its number, and the hosts that marked it. */
export type Tag = `${string}:${string}`;

const ORDERS = [
  'order: fifo',
  'order: none, pool: 3',
  'order: { by-key: field("PID-2"), partitions: 2 }',
] as const;

function some<Value>({ below }: Random, from: readonly Value[], most: number): Value[] {
  const left = [...from];
  const count = Math.min(left.length, 1 + below(most));
  return Array.from({ length: count }, () => left.splice(below(left.length), 1)).flat();
}

/** Hosts send only to those after them, so that nothing goes in a circle. */
export function randomProduction(seed: number): RandomProduction {
  const source = random(seed);
  const { below, pick } = source;
  const operations: OperationHost[] = Array.from({ length: 2 + below(2) }, (_, n) => ({
    kind: 'operation',
    name: `o${n}`,
    order: pick(ORDERS),
    answersTo: below(3) === 0 && n > 0 ? `o${n - 1}` : undefined,
  }));
  const hosts: RandomHost[] = [...operations];
  for (let n = 1 + below(4); n >= 0; n--) {
    const later = hosts.map(({ name }) => name);
    hosts.unshift(
      below(5) < 2 ? router(source, `p${n}`, later) : code(source, `p${n}`, later, operations),
    );
  }
  const first = hosts.slice(0, 3).map(({ name }) => name);
  return { hosts, services: [some(source, first, 2), some(source, first, 1)] };
}

const sends = (source: Random, later: readonly string[], most: number): Send[] =>
  some(source, later, most).map((to) => ({ to, marked: source.below(3) > 0 }));

function router(source: Random, name: string, later: readonly string[]): RouterHost {
  const { below, pick } = source;
  const rules = Array.from({ length: 1 + below(3) }, () => {
    const third = below(2) === 0 ? undefined : below(3);
    // the rules behind one that takes everything would never be reached, which is an error
    const goesOn = third === undefined || below(2) === 0;
    return { third, goesOn, sends: below(6) === 0 ? [] : sends(source, later, 2) };
  });
  return { kind: 'router', name, run: pick(['inline', 'queued']), order: pick(ORDERS), rules };
}

function code(
  source: Random,
  name: string,
  later: readonly string[],
  operations: readonly OperationHost[],
): CodeHost {
  const { below, pick } = source;
  const run = below(4) === 0 ? 'inline' : 'queued';
  const peers = operations.map((one) => one.name);
  const step = (): Step => {
    const to = later[below(later.length)] ?? 'o0';
    const marked = below(2) === 0;
    const does =
      run === 'inline'
        ? 'send'
        : pick(['send', 'send', 'call', 'sleep', 'count', 'fail once'] as const);
    if (does === 'send') return { does, to, marked };
    if (does === 'call') return { does, to: peers[below(peers.length)] ?? 'o0', marked };
    return { does };
  };
  const last = { does: 'send', to: later[below(later.length)] ?? 'o0', marked: true } as const;
  const steps: Step[] = [...Array.from({ length: below(4) }, step), last];
  return { kind: 'code', name, run, order: pick(ORDERS), steps };
}

/** The tags that each operation's receiver is owed for a message, and how often code counts it. */
export class Owed {
  readonly #hosts: ReadonlyMap<string, RandomHost>;
  readonly tags = new Map<string, Tag[]>();
  readonly counted = new Map<string, number>();

  constructor({ hosts }: RandomProduction) {
    this.#hosts = new Map(hosts.map((one) => [one.name, one]));
  }

  comes(to: readonly string[], id: string, third: number): void {
    for (const target of to) this.#at(target, { id, third, path: '' });
  }

  #at(name: string, message: Passing): void {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`nobody is called ${name}`);
    if (host.kind === 'operation') this.#deliver(host, message);
    else if (host.kind === 'router') this.#route(host, message);
    else for (const step of host.steps) this.#step(host, step, message);
  }

  #deliver({ name, answersTo }: OperationHost, message: Passing): void {
    const tag: Tag = `${message.id}:${message.path}`;
    this.tags.set(name, [...(this.tags.get(name) ?? []), tag]);
    // an answer is an HL7 ACK: it has neither patient nor path
    if (answersTo !== undefined) this.#at(answersTo, { id: `A${message.id}`, third: -1, path: '' });
  }

  #route({ name, rules }: RouterHost, message: Passing): void {
    const chosen = new Map<string, Send>();
    for (const { third, goesOn, sends: all } of rules) {
      if (third !== undefined && third !== message.third) continue;
      // the same target in the same way gets it once
      for (const send of all) chosen.set(`${send.to} ${send.marked}`, send);
      if (!goesOn) break;
    }
    for (const send of chosen.values()) this.#send(name, send, message);
  }

  #step({ name }: CodeHost, step: Step, message: Passing): void {
    if (step.does === 'send' || step.does === 'call') this.#send(name, step, message);
    if (step.does === 'count') this.counted.set(name, (this.counted.get(name) ?? 0) + 1);
  }

  #send(name: string, { to, marked }: Send, message: Passing): void {
    this.#at(to, marked ? { ...message, path: `${message.path}.${name}` } : message);
  }
}

interface Passing {
  readonly id: string;
  readonly third: number;
  readonly path: string;
}

/** The key under which a code process counts. */
export const counterOf = (name: string): string => `count-${name}`;

/** Writes the production's folder; `receivers` are the ports of the operations, in their order. */
export async function writeProduction(
  folder: string,
  { hosts, services }: RandomProduction,
  {
    receivers,
    listening,
  }: { readonly receivers: readonly number[]; readonly listening: readonly number[] },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const processes = hosts.filter((one) => one.kind !== 'operation');
  for (const one of processes) {
    const marks = `steps:\n  - { set: PID-5.1, to: 'field("PID-5.1") + ".${one.name}"' }\n`;
    await writeFile(join(folder, `by-${one.name}.yaml`), marks);
    if (one.kind === 'code') await writeFile(join(folder, `${one.name}.mjs`), moduleOf(one));
  }
  const operations = hosts.filter((one) => one.kind === 'operation');
  const lines = [
    'production: any',
    'settings: { shutdownTimeout: 5s }',
    'services:',
    ...services.map(
      (to, n) =>
        `  s${n}: { adapter: mllp-in, settings: { listen: "127.0.0.1:${listening[n]}" }, to: [${to.join(', ')}] }`,
    ),
    'processes:',
    ...processes.flatMap((one) => (one.kind === 'code' ? codeLines(one) : routerLines(one))),
    'operations:',
    ...operations.map(
      ({ name, order, answersTo }, n) =>
        `  ${name}: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receivers[n]}" }, ${order}, timeout: 2s, retry: { every: 50ms, disconnected: 100ms, for: forever }, replies: { AE: retry }${answersTo === undefined ? '' : `, answersTo: [${answersTo}]`} }`,
    ),
    'transforms:',
    ...processes.map(({ name }) => `  by-${name}: by-${name}.yaml`),
  ];
  await writeFile(join(folder, 'production.yaml'), `${lines.join('\n')}\n`);
}

function routerLines({ name, run, order, rules }: RouterHost): string[] {
  const sent = ({ to, marked }: Send): string =>
    marked ? `{ to: ${to}, transform: by-${name} }` : to;
  return [
    `  ${name}:`,
    `    run: ${run}`,
    ...(run === 'queued' ? order.split(/, (?=pool)/).map((one) => `    ${one}`) : []),
    '    rules:',
    ...rules.map(({ third, goesOn, sends: all }) => {
      const when = third === undefined ? '' : `when: 'field("PID-2") == "${third}"', `;
      return `      - { ${when}continue: ${goesOn}, send: [${all.map(sent).join(', ')}] }`;
    }),
    '      - otherwise: discard',
  ];
}

function codeLines({ name, run, order, steps }: CodeHost): string[] {
  const to = new Set(steps.flatMap((one) => ('to' in one ? [one.to] : [])));
  return [
    `  ${name}:`,
    `    code: ${name}.mjs`,
    `    run: ${run}`,
    `    to: [${[...to].join(', ')}]`,
    ...(run === 'queued'
      ? [
          ...order.split(/, (?=pool)/).map((one) => `    ${one}`),
          '    retry: { every: 50ms, for: forever }',
        ]
      : []),
  ];
}

const bodyOf = ({ marked }: Pick<Send, 'marked'>): string => (marked ? 'marked()' : 'undefined');

/** @param at a name for the step, the same each time the code runs */
function statementOf(host: string, step: Step, at: number): string {
  switch (step.does) {
    case 'send':
      return `await context.send('${step.to}', ${bodyOf(step)});`;
    case 'call':
      return `await called('${step.to}', ${bodyOf(step)});`;
    case 'sleep':
      return 'await context.sleep(30);';
    case 'count':
      return `await context.state('${counterOf(host)}').update((n = 0) => n + 1);`;
    case 'fail once':
    default:
      return `failOnce(\`\${message.id} ${at}\`);`;
  }
}

/** Plain JavaScript, so that only what the engine does decides. */
const moduleOf = ({ name, steps }: CodeHost): string => `import { TemporaryError } from 'waybill';

const failed = new Set();
function failOnce(step) {
  if (failed.has(step)) return;
  failed.add(step);
  throw new TemporaryError('once');
}

export default async (message, context) => {
  const marked = () => {
    const document = message.document();
    document.set('PID-5.1', document.get('PID-5.1') + '.${name}');
    return { body: document, type: message.type };
  };
  const called = async (target, body) => {
    const { code } = await context.call(target, body, { timeout: '1h' });
    if (code !== 'AA') throw new Error('got ' + code);
  };
  ${steps.map((step, at) => statementOf(name, step, at)).join('\n  ')}
  return undefined;
};
`;
