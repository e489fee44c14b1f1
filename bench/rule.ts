import { fileURLToPath } from 'node:url';
import type { Document } from '../src/document/document.ts';
import { documentOf } from '../src/document/document-of.ts';
import { hl7Header } from '../src/document/index.ts';
import { expressionEnvironment } from '../src/expression/environment.ts';
import type { Scope } from '../src/expression/expression.ts';
import type { LookupTables } from '../src/lookup/lookup-tables.ts';
import type { Envelope } from '../src/message/message.ts';
import { decide } from '../src/rule/decide.ts';
import { readRuleSets } from '../src/rule/read-rule-sets.ts';
import { readTransform } from '../src/transform/read-transform.ts';
import { noKeys } from '../test/support/no-keys.ts';
import { median } from './median.ts';
import { message } from './messages.ts';

/** The cost of deciding by 32 rules and transforming one message. */
export interface RuleRate {
  readonly case: string;
  /** Messages per second of CPU time, median of the rounds; each begins with the bytes. */
  readonly waybill: number;
  /** The same work in TypeScript by hand, on the same documents. */
  readonly byHand: number;
  /** The same work by hand on strings: split everything, compare, replace, join. */
  readonly bySplitting: number;
}

const WARDS = new Map([
  ['W1', 'North'],
  ['ICU', 'Intensive'],
]);
const lookups = {
  names: ['wards'],
  lookup: (_table: string, key: string, otherwise = ''): string => WARDS.get(key) ?? otherwise,
} satisfies LookupTables;

/**
 * Sixteen pairs of a field and a value, of which only the last fires, so that every rule before it
 * is fully evaluated.
 */
const FIELDS = [
  'PV1-2',
  'PV1-3.1',
  'PV1-4',
  'PV1-10',
  'PID-8',
  'PID-5.1',
  'PID-11.4',
  'MSH-3',
  'MSH-4',
  'MSH-11',
  'AL1-2',
  'DG1-3.1',
  'IN1-3',
  'NK1-3',
  'OBX-2',
  'EVN-1',
] as const;

const CONDITIONS = [
  ...FIELDS.map((path) => `type.startsWith("ADT") && field("${path}") == "?"`),
  ...FIELDS.slice(0, 13).map((path) => `event == "A01" && field("${path}") in ["?", "!"]`),
  'type == "ORU_R01" && has("OBX")',
  'lookup("wards", field("PV1-3.1")) == "Intensive"',
  'type == "ADT_A01" && field("PV1-2") == "I" && !has("ZPI")',
];

const STEPS = [
  { set: 'MSH-3', value: 'WAYBILL' },
  { set: 'MSH-5', to: 'source' },
  { set: 'PID-5.1', to: 'upper(field("PID-5.1"))' },
  { set: 'PID-19', to: 'digits(field("PID-13.1"))' },
  { set: 'PV1-3.1', to: 'lookup("wards", field("PV1-3.1"), "UNKNOWN")' },
  { remove: 'NK1' },
  { append: 'NTE', fields: { 1: '"2"', 3: '"routed from " + source' } },
];

const BODY = message(0).bytes;
const { type } = hl7Header(BODY);
const ENVELOPE: Envelope = {
  id: 1,
  sessionId: 1,
  source: 'adt-in',
  target: 'router',
  type,
  created: 0,
  received: 0,
  size: BODY.byteLength,
};

const environment = expressionEnvironment({ lookups });
const reading = {
  environment,
  problem: (path: readonly (string | number)[], text: string): never => {
    throw new Error(`${path.join('.')}: ${text}`);
  },
  unknown: () => undefined,
  find: () => undefined,
};
const rules = readRuleSets(
  CONDITIONS.map((when, index) => ({ name: `rule ${index}`, when, send: 'ward' })),
  [],
  reading,
);
const transform = readTransform('to-ward', { start: 'copy', steps: STEPS }, [], reading);

function scope(): Scope {
  let document: Document | undefined;
  return {
    message: ENVELOPE,
    document: () => (document ??= documentOf(BODY, { type })),
  };
}

function transformed(one: Scope): Uint8Array | undefined {
  const document = one.document();
  const input = { message: ENVELOPE, document, lookup: lookups.lookup, now: Date.now, jwt: noKeys };
  const made = transform.apply(input);
  return made instanceof Promise ? undefined : made[0]?.body;
}

function decidedByHand(document: Document): boolean {
  const [, name = ''] = type.split(':');
  const event = name.split('_')[1];
  const differs = FIELDS.every((path) => !(name.startsWith('ADT') && document.get(path) === '?'));
  const differsToo = FIELDS.slice(0, 13).every(
    (path) => !(event === 'A01' && ['?', '!'].includes(document.get(path))),
  );
  if (name === 'ORU_R01' && document.has('OBX')) return false;
  if (lookups.lookup('wards', document.get('PV1-3.1')) === 'Intensive') return false;
  const isInpatient = name === 'ADT_A01' && document.get('PV1-2') === 'I' && !document.has('ZPI');
  return differs && differsToo && isInpatient;
}

function transformedByHand(source: Document): Uint8Array {
  const target = source.copy();
  target.set('MSH-3', 'WAYBILL');
  target.set('MSH-5', 'adt-in');
  target.set('PID-5.1', source.get('PID-5.1').toUpperCase());
  target.set('PID-19', source.get('PID-13.1').replaceAll(/\D/g, ''));
  target.set('PV1-3.1', lookups.lookup('wards', source.get('PV1-3.1'), 'UNKNOWN'));
  target.remove('NK1');
  target.set('NTE[2]-1', '2');
  target.set('NTE[2]-3', 'routed from adt-in');
  return target.bytes();
}

type Split = string[][];

const split = (): Split =>
  BODY.toString('utf8')
    .split('\r')
    .map((line) => line.split('|'));

type Slot = readonly [segment: string, slot: number, component: number];

function slotOf(path: string): Slot {
  const [, name = '', field = '', component = '1'] = /^(\w{3})-(\d+)(?:\.(\d+))?$/.exec(path) ?? [];
  return [name, Number(field) - (name === 'MSH' ? 1 : 0), Number(component) - 1];
}

const SLOTS = FIELDS.map(slotOf);

function valueIn(segments: Split, [name, slot, component]: Slot): string {
  const value = segments.find(([first]) => first === name)?.[slot] ?? '';
  return value.split('~')[0]?.split('^')[component] ?? '';
}

function decidedBySplitting(segments: Split): boolean {
  const event = valueIn(segments, ['MSH', 8, 1]);
  const name = `${valueIn(segments, ['MSH', 8, 0])}_${event}`;
  const differs = SLOTS.every((at) => !(name.startsWith('ADT') && valueIn(segments, at) === '?'));
  const differsToo = SLOTS.slice(0, 13).every(
    (at) => !(event === 'A01' && ['?', '!'].includes(valueIn(segments, at))),
  );
  if (lookups.lookup('wards', valueIn(segments, ['PV1', 3, 0])) === 'Intensive') return false;
  const isInpatient = valueIn(segments, ['PV1', 2, 0]) === 'I';
  return differs && differsToo && isInpatient && !segments.some(([first]) => first === 'ZPI');
}

function transformedBySplitting(segments: Split): Buffer {
  const put = (name: string, slot: number, value: string): void => {
    const segment = segments.find(([first]) => first === name);
    if (segment !== undefined) segment[slot] = value;
  };
  const part = (name: string, slot: number, value: string): void =>
    put(
      name,
      slot,
      [
        value,
        ...(segments.find(([first]) => first === name)?.[slot] ?? '').split('^').slice(1),
      ].join('^'),
    );
  put('MSH', 2, 'WAYBILL');
  put('MSH', 4, 'adt-in');
  const phone = valueIn(segments, ['PID', 13, 0]);
  part('PID', 5, valueIn(segments, ['PID', 5, 0]).toUpperCase());
  put('PID', 19, phone.replaceAll(/\D/g, ''));
  part('PV1', 3, lookups.lookup('wards', valueIn(segments, ['PV1', 3, 0]), 'UNKNOWN'));
  const kept = segments.filter(([first]) => first !== 'NK1');
  kept.splice(-1, 0, ['NTE', '2', '', 'routed from adt-in']);
  return Buffer.from(kept.map((fields) => fields.join('|')).join('\r'));
}

interface Work {
  readonly name: string;
  readonly waybill: () => unknown;
  readonly byHand: () => unknown;
  readonly bySplitting: () => unknown;
}

const WORKS: readonly Work[] = [
  {
    name: 'ADT of 1.2 KB: 32 rules',
    waybill: () => decide(rules, scope()).sends.length === 1,
    byHand: () => decidedByHand(documentOf(BODY, { type })),
    bySplitting: () => decidedBySplitting(split()),
  },
  {
    name: 'ADT of 1.2 KB: transform of 4 segments',
    waybill: () => transformed(scope()),
    byHand: () => transformedByHand(documentOf(BODY, { type })),
    bySplitting: () => transformedBySplitting(split()),
  },
  {
    name: 'ADT of 1.2 KB: 32 rules, then the transform',
    waybill: () => {
      const one = scope();
      return decide(rules, one).sends.length === 1 && transformed(one);
    },
    byHand: () => {
      const document = documentOf(BODY, { type });
      return decidedByHand(document) && transformedByHand(document);
    },
    bySplitting: () => {
      const segments = split();
      return decidedBySplitting(segments) && transformedBySplitting(segments);
    },
  },
];

/**
 * Measures rules and transforms in this process against the same work by hand, alternately so that
 * all run under the same conditions. About `seconds` per case.
 */
export function runRuleBench(seconds = 2): RuleRate[] {
  const rounds = 5;
  const slice = (seconds * 1_000) / rounds / 3;
  return WORKS.map(({ name, waybill, byHand, bySplitting }) => {
    const ways = [waybill, byHand, bySplitting];
    for (const way of ways) if (way() === false) throw new Error(`${name}: wrong result`);
    for (const way of ways) rate(way, slice);
    const rates = ways.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, way] of ways.entries()) rates[index]?.push(rate(way, slice));
    }
    const [first = 0, second = 0, third = 0] = rates.map(median);
    return { case: name, waybill: first, byHand: second, bySplitting: third };
  });
}

/** Runs per second of CPU time over about `milliseconds`. */
function rate(work: () => unknown, milliseconds: number): number {
  const end = performance.now() + milliseconds;
  const used = process.cpuUsage();
  let runs = 0;
  while (performance.now() < end) {
    for (let turn = 0; turn < 100; turn++) work();
    runs += 100;
  }
  const { user, system } = process.cpuUsage(used);
  return Math.round((runs / (user + system)) * 1_000_000);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { case: name, waybill, byHand, bySplitting } of runRuleBench()) {
    const per = (other: number): string => `${(waybill / other).toFixed(2)} ×`;
    process.stdout.write(
      `${name}: ${waybill}/s, by hand ${byHand}/s (${per(byHand)}), by splitting ${bySplitting}/s (${per(bySplitting)})\n`,
    );
  }
}
