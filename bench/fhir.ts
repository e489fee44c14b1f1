import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { print } from '../src/cli/output.ts';
import { type ToFhirOptions, toFhir } from '../src/document/fhir/v2/to-fhir.ts';
import { fhirFindings } from '../src/document/fhir/validate/validate.ts';
import { type Hl7Document, hl7Document } from '../src/document/hl7/hl7-document.ts';
import { isEngineError } from '../src/error/engine-error.ts';
import { isRoundTrip, roundTrip } from '../test/support/fhir-round-trip.ts';

/**
 * FHIR made of a folder of HL7 v2 messages: how many are valid, which share of their fields is in it, and
 * what takes how long. With the Bundles that another converter makes of them (`NAME.json` for
 * `NAME.hl7`), which share of their values is in ours, in a resource of the same type. With `--back`, which
 * share of the fields of ADT and ORU is the same after the way through FHIR and back to HL7 v2.
 *
 *     node --conditions=waybill-source bench/fhir.ts FOLDER [--expected FOLDER] [--back]
 */

const OPTIONS: ToFhirOptions = {
  bundle: 'transaction',
  update: undefined,
  zone: 'UTC',
  systems: {},
};

/** What depends on the converter and not on the message. */
const OWN = new Set([
  'id',
  'reference',
  'url',
  'system',
  'display',
  'fullUrl',
  'div',
  'source',
  'versionId',
  'profile',
  'resourceType',
  'lastUpdated',
  'use',
  'text',
  'status',
]);

interface Bundle {
  readonly entry?: readonly { readonly resource: Readonly<Record<string, unknown>> }[];
}

const { values, positionals } = parseArgs({
  options: { expected: { type: 'string' }, back: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [folder = 'test/corpora/hl7v2'] = positionals;

const totals = { messages: 0, valid: 0, fields: 0, allFields: 0, made: 0, checked: 0 };
const compared = { bundles: 0, values: 0, found: 0 };
const back = { messages: 0, same: 0, fields: 0, carried: 0, values: 0, valid: 0, wasValid: 0 };
const missing = new Map<string, number>();
const unmapped = new Map<string, number>();

function messageIn(file: string): Hl7Document | undefined {
  try {
    const message = hl7Document(readFileSync(file));
    return message.segmentCount('MSH') === 1 ? message : undefined;
  } catch (error) {
    if (isEngineError(error)) return undefined;
    throw error;
  }
}

function measure(message: Hl7Document, name: string): void {
  const started = performance.now();
  const { body, coverage } = toFhir(message, OPTIONS, 0);
  const made = performance.now();
  const bundle = JSON.parse(Buffer.from(body).toString('utf8')) as Bundle;
  const findings = fhirFindings(bundle, { level: 'full' });
  totals.checked += performance.now() - made;
  totals.made += made - started;
  totals.messages++;
  totals.fields += coverage.fields;
  totals.allFields += coverage.allFields;
  if (!findings.some(({ severity }) => severity === 'error')) totals.valid++;
  for (const place of coverage.unmapped) unmapped.set(place, (unmapped.get(place) ?? 0) + 1);
  if (values.back && isRoundTrip(message)) measureBack(message);
  const expected = values.expected === undefined ? '' : join(values.expected, `${name}.json`);
  if (existsSync(expected)) compare(bundle, JSON.parse(readFileSync(expected, 'utf8')) as Bundle);
}

function measureBack(message: Hl7Document): void {
  const { same, fields, carried, values: all, wasValid, isValid } = roundTrip(message);
  back.messages++;
  back.same += same;
  back.fields += fields;
  back.carried += carried;
  back.values += all;
  if (wasValid) back.wasValid++;
  if (isValid) back.valid++;
}

function reportBack(): void {
  const { messages, same, fields, carried, values: all, valid, wasValid } = back;
  print(
    `${messages} ADT and ORU through FHIR and back: ${share(same, fields)} of ${fields} fields the same`,
  );
  print(
    `${share(carried, all)} of ${all} values of FHIR are in them; ${valid} valid, ${wasValid} were`,
  );
}

function compare(ours: Bundle, theirs: Bundle): void {
  compared.bundles++;
  const known = new Set([...leaves(ours)].map(([key]) => key));
  for (const [key, place] of leaves(theirs)) {
    compared.values++;
    if (known.has(key)) compared.found++;
    else missing.set(place, (missing.get(place) ?? 0) + 1);
  }
}

/** Every value of the resources, with the type of its resource; dates by their day, texts in small letters. */
function* leaves({ entry = [] }: Bundle): Generator<readonly [key: string, place: string]> {
  for (const { resource } of entry) {
    const type = String(resource['resourceType']);
    const seen = new Set<string>();
    for (const [path, value] of below(resource, type)) {
      const key = `${type} ${value}`;
      if (!seen.has(key)) yield [key, path];
      seen.add(key);
    }
  }
}

function* below(value: unknown, path: string): Generator<readonly [path: string, value: string]> {
  if (Array.isArray(value)) {
    for (const one of value) yield* below(one, path);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, one] of Object.entries(value)) {
      if (!OWN.has(name)) yield* below(one, `${path}.${name}`);
    }
  } else {
    const text = String(value).toLowerCase();
    yield [path, /^\d{4}-\d\d-\d\dt/.test(text) ? text.slice(0, 10) : text];
  }
}

const share = (part: number, all: number): string => `${((100 * part) / all).toFixed(1)} %`;

function most(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 25)
    .map(([place, count]) => `${place} ${count}`)
    .join(', ');
}

function report(): void {
  const { messages, valid, fields, allFields, made, checked } = totals;
  print(`${messages} messages, ${valid} valid Bundles (${share(valid, messages)})`);
  print(`${share(fields, allFields)} of ${allFields} fields with a value are in FHIR`);
  const times = [made, checked].map((all) => (all / messages).toFixed(2));
  print(`${times[0]} ms to make, ${times[1]} ms to check, each`);
  print(`not mapped most often: ${most(unmapped)}`);
  if (back.messages > 0) reportBack();
  if (compared.bundles === 0) return;
  const { bundles, values: all, found } = compared;
  print(`${bundles} compared: ${share(found, all)} of ${all} values of the other are in ours`);
  print(`not in ours most often: ${most(missing)}`);
}

for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
  const message = /\.(?:hl7|txt)$/i.test(name) ? messageIn(join(folder, name)) : undefined;
  if (message !== undefined) measure(message, basename(name).replace(/\.\w+$/, ''));
}
report();
