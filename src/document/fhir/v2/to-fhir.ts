import { Buffer } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import type { Hl7Document } from '../../hl7/hl7-document.ts';
import { applyMap, type MessageFrame } from './apply-map.ts';
import { criteriaOf } from './found-by.ts';
import { type Element, type Resource, tidy } from './json.ts';
import { ABOUT, MESSAGE_ROWS } from './map/message-rows.ts';
import { mapNamed } from './maps.ts';
import { withRequired } from './required.ts';
import { type SourceSegment, sourceSegments } from './source.ts';
import { type Clock, clockOf, fhirInstant } from './times.ts';
import { Written } from './written.ts';

export interface ToFhirOptions extends ConversionOptions {
  readonly bundle: BundleOptions['kind'];
  readonly update: BundleOptions['update'];
}

/** A FHIR R4 Bundle in JSON made of an HL7 v2 message. `now`: milliseconds since 1970, for a message without MSH-7. */
export function toFhir(
  message: Hl7Document,
  { bundle: kind, update, ...options }: ToFhirOptions,
  now: number,
): { readonly body: Uint8Array; readonly coverage: Coverage } {
  const conversion = convertV2(message, options);
  const sent = fhirInstant(message.get('MSH-7'), { zone: options.zone, offset: undefined });
  const timestamp = sent ?? new Date(now).toISOString();
  const bundle = bundleOf(conversion, { kind, update, timestamp });
  return { body: Buffer.from(JSON.stringify(bundle)), coverage: conversion.coverage };
}

interface BundleOptions {
  readonly kind: 'transaction' | 'message' | 'collection';
  /** Types of resources that replace what the server has; undefined for those the message is about. */
  readonly update: readonly string[] | undefined;
  /** When the message was sent, or else the present time. */
  readonly timestamp: string;
}

/** A FHIR Bundle of what a message became. */
function bundleOf(conversion: Conversion, options: BundleOptions): Element {
  const { kind, timestamp } = options;
  const resources = mentionedLast(conversion.resources);
  const kept = kind === 'transaction' ? withoutHeader(resources) : inMessageOrder(resources, kind);
  if (kept.length === 0) return { resourceType: 'Bundle', type: kind, timestamp };
  const update = options.update ?? ABOUT[conversion.type] ?? [];
  const criteria = criteriaOf(kind === 'transaction' ? kept.map(({ resource }) => resource) : []);
  return {
    resourceType: 'Bundle',
    type: kind,
    timestamp,
    entry: kept.map(({ fullUrl, resource }) => ({
      fullUrl,
      resource,
      ...(kind === 'transaction' && {
        request: requestOf(resource, criteria.get(resource), update),
      }),
    })),
  };
}

/** What the message is about comes first. */
function mentionedLast(resources: readonly MadeResource[]): readonly MadeResource[] {
  return [
    ...resources.filter((one) => !isMentioned(one)),
    ...resources.filter((one) => isMentioned(one)),
  ];
}

const isMentioned = ({ resource }: MadeResource): boolean => MENTIONED.has(resource.resourceType);

const isHeader = ({ resource }: MadeResource): boolean => resource.resourceType === 'MessageHeader';

/** A header means nothing outside of a message; what only it refers to is left out too. */
function withoutHeader(resources: readonly MadeResource[]): MadeResource[] {
  const header = resources.find(isHeader);
  const others = resources.filter((one) => one !== header);
  if (header === undefined) return others;
  const named = JSON.stringify(header.resource);
  const rest = others.map(({ resource }) => JSON.stringify(resource));
  return others.filter(
    ({ fullUrl }) => !named.includes(fullUrl) || rest.some((text) => text.includes(fullUrl)),
  );
}

/** The header comes first and names what the message is about. */
function inMessageOrder(
  resources: readonly MadeResource[],
  kind: BundleOptions['kind'],
): readonly MadeResource[] {
  const header = resources.find(isHeader);
  if (header === undefined) return resources;
  const others = resources.filter((one) => one !== header);
  if (kind === 'collection') return [header, ...others];
  const focus = others
    .filter((one) => !isMentioned(one))
    .map(({ fullUrl }) => ({ reference: fullUrl }));
  const resource = { ...header.resource, ...(focus.length > 0 && { focus }) };
  return [{ ...header, resource }, ...others];
}

/** What a message only mentions. */
const MENTIONED: ReadonlySet<string> = new Set([
  'Practitioner',
  'Organization',
  'Location',
  'Device',
  'Provenance',
]);

/** Conditional by an identifier with an authority: a message that is sent twice makes nothing twice. */
function requestOf(
  resource: Resource,
  criteria: string | undefined,
  update: readonly string[],
): Element {
  const { resourceType } = resource;
  if (criteria === undefined) return { method: 'POST', url: resourceType };
  if (update.includes(resourceType)) {
    return { method: 'PUT', url: `${resourceType}?${criteria}` };
  }
  return { method: 'POST', url: resourceType, ifNoneExist: criteria };
}

/** A resource made of a message. */
interface MadeResource {
  readonly fullUrl: string;
  readonly resource: Resource;
}

/** Places of a message with a value. */
interface Coverage {
  /** Fields that became something, and all. */
  readonly fields: number;
  readonly allFields: number;
  /** What became nothing, each once: `PID-22`, `PID-3.6`, `ZPI`. */
  readonly unmapped: readonly string[];
}

interface Conversion {
  /** In the order of the message, what refers to them first. */
  readonly resources: readonly MadeResource[];
  readonly coverage: Coverage;
  /** MSH-9.1 */
  readonly type: string;
}

interface ConversionOptions {
  readonly zone: Clock['zone'];
  readonly systems: Readonly<Record<string, string>>;
}

/** What a group of the message holds, so that it ends with the group. */
const GROUPS: Readonly<Record<'order' | 'report', readonly string[]>> = {
  order: [
    'ServiceRequest',
    'DiagnosticReport',
    'Specimen',
    'Observation',
    'MedicationRequest',
    'Immunization',
  ],
  report: ['DiagnosticReport', 'Specimen', 'Observation'],
};

/** Resources made of an HL7 v2 message, as HL7's v2-to-FHIR guide maps it. The same message gives the same ids. */
function convertV2(message: Hl7Document, options: ConversionOptions): Conversion {
  const segments = sourceSegments(message);
  const type = message.get('MSH-9.1');
  const clock = clockOf(message.get('MSH-7'), options.zone);
  const conversion = new Converter(options, clock, message.bytes());
  const rules = rulesFor(type, message.get('MSH-9.2') || message.get('EVN-1'));
  for (const [at, segment] of segments.entries()) {
    conversion.add(segment, ruleFor(rules.get(segment.name) ?? [], segments, at));
  }
  return { resources: conversion.resources(), coverage: coverageOf(segments), type };
}

function ruleFor(
  rules: readonly SegmentRule[],
  segments: readonly SourceSegment[],
  at: number,
): SegmentRule | undefined {
  return rules.find(({ after, ahead }) => {
    const fits = after.length === 0 || after.includes(before(segments, at));
    return fits && (ahead.length === 0 || isAhead(ahead, segments, at));
  });
}

/** The last segment that is not a note. */
function before(segments: readonly SourceSegment[], at: number): string {
  let found = at - 1;
  while (segments[found]?.name === 'NTE') found--;
  return segments[found]?.name ?? '';
}

function isAhead(
  names: readonly string[],
  segments: readonly SourceSegment[],
  at: number,
): boolean {
  const own = segments[at]?.name;
  for (const { name } of segments.slice(at + 1)) {
    if (names.includes(name)) return true;
    if (name === own) return false;
  }
  return false;
}

interface Current extends MadeResource {
  /** The segments that are in it. */
  readonly segments: Set<string>;
}

class Converter implements MessageFrame {
  readonly clock: Clock;
  readonly systems: Readonly<Record<string, string>>;
  readonly written: Written = new Written();
  readonly #seed: Hash;
  readonly #made: MadeResource[] = [];
  readonly #kept = new Map<string, string>();
  readonly #current = new Map<string, Current>();
  readonly #latest = new Map<string, SourceSegment>();
  readonly #counts = new Map<string, number>();

  constructor({ systems }: ConversionOptions, clock: Clock, body: Uint8Array) {
    this.systems = systems;
    this.clock = clock;
    this.#seed = createHash('sha256').update(body);
    this.keep = this.keep.bind(this);
  }

  latest(name: string): SourceSegment | undefined {
    return this.#latest.get(name);
  }

  current(name: string): Current | undefined {
    return this.#current.get(name);
  }

  keep(type: string, content: Element): string {
    const kept = tidy(content) as Element;
    const key = `${type} ${JSON.stringify(kept)}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const fullUrl = this.#url(key);
    this.#kept.set(key, fullUrl);
    this.#made.push({ fullUrl, resource: { resourceType: type, ...kept } });
    return fullUrl;
  }

  add(segment: SourceSegment, rule: SegmentRule | undefined): void {
    this.#latest.set(segment.name, segment);
    if (rule === undefined) return;
    this.#clear(rule.clear);
    for (const action of rule.actions) this.#act(segment, action);
  }

  /** Those that have more than what every one of their type has. */
  resources(): MadeResource[] {
    return this.#made.flatMap(({ fullUrl, resource }) => {
      const kept = tidy(resource) as Resource | undefined;
      return kept === undefined ? [] : [{ fullUrl, resource: withRequired(kept) }];
    });
  }

  #act(segment: SourceSegment, action: Action): void {
    const { kind, name, needs } = action;
    if (needs.length > 0 && needs.every((field) => segment.field(field).length === 0)) return;
    const known = this.#current.get(name);
    if (kind === 'join' && known === undefined) return;
    const current = joined(kind, known, segment) ?? this.#begin(name);
    this.#current.set(name, current);
    current.segments.add(segment.name);
    const { resource: target } = current;
    const map = mapNamed(action.map);
    const wrote = applyMap(map, { segment, part: undefined, target, message: this });
    const isNothing = !wrote || (name === 'Merged' && !this.#isOther(target));
    if (isNothing && current !== known) this.#drop(name, current, known);
  }

  #begin(name: string): Current {
    const resourceType = name === 'Merged' ? 'Patient' : name;
    const number = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, number);
    const fullUrl = this.#url(`${name} ${number}`);
    const current = { fullUrl, resource: { resourceType }, segments: new Set<string>() };
    this.#made.push(current);
    return current;
  }

  /** Whether a merged patient has a number that the remaining one does not have; those of both are taken away. */
  #isOther(merged: Resource): boolean {
    const own = new Set(numbersOf(this.#current.get('Patient')?.resource).map(numberKey));
    const others = numbersOf(merged).filter((one) => !own.has(numberKey(one)));
    merged['identifier'] = others;
    return others.length > 0;
  }

  /** A segment without any value makes nothing. */
  #drop(name: string, current: Current, known: Current | undefined): void {
    this.#made.splice(this.#made.indexOf(current), 1);
    if (known === undefined) this.#current.delete(name);
    else this.#current.set(name, known);
  }

  #clear(group: SegmentRule['clear']): void {
    if (group === undefined) return;
    if (group === 'all') {
      for (const name of this.#current.keys()) {
        if (name !== 'MessageHeader' && name !== 'Provenance' && name !== 'Appointment') {
          this.#current.delete(name);
        }
      }
      return;
    }
    for (const name of GROUPS[group]) this.#current.delete(name);
  }

  /** A UUID of the message and the key. */
  #url(key: string): string {
    const hash = this.#seed.copy().update('\0').update(key).digest();
    hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
    hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
    const hex = hash.toString('hex', 0, 16);
    return `urn:uuid:${[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')}`;
  }
}

const numbersOf = (resource: Resource | undefined): readonly Element[] =>
  Array.isArray(resource?.['identifier']) ? resource['identifier'] : [];

const numberKey = ({ system, value }: Element): string => JSON.stringify([system, value]);

/** The current resource, if the action continues it. */
function joined(
  kind: Action['kind'],
  known: Current | undefined,
  { name }: SourceSegment,
): Current | undefined {
  return kind === 'join' || (kind === 'once' && known?.segments.has(name) !== true)
    ? known
    : undefined;
}

function coverageOf(segments: readonly SourceSegment[]): Coverage {
  const unmapped = new Set<string>();
  let fields = 0;
  let allFields = 0;
  for (const { name, valued } of segments) {
    const found = valued.map(({ number, parts }) => unusedIn(`${name}-${number}`, parts));
    const used = found.filter(({ isUsed }) => isUsed).length;
    fields += used;
    allFields += valued.length;
    const places = found.flatMap((one) => one.places);
    for (const place of used === 0 && valued.length > 0 ? [name] : places) unmapped.add(place);
  }
  return { fields, allFields, unmapped: [...unmapped] };
}

/** Whether anything of a field was used, and the places in it that were not. */
function unusedIn(
  field: string,
  parts: SourceSegment['valued'][number]['parts'],
): { readonly isUsed: boolean; readonly places: readonly string[] } {
  const leaves = parts.flatMap((part) => part.leaves());
  if (!leaves.some(({ used }) => used)) return { isUsed: false, places: [field] };
  const places = leaves
    .filter(({ used }) => !used)
    .map(({ number }) => (number === '' ? field : `${field}.${number}`));
  return { isUsed: true, places };
}

/** What becomes of a segment. */
interface SegmentRule {
  readonly segment: string;
  readonly actions: readonly Action[];
  /** Only after one of these segments. */
  readonly after: readonly string[];
  /** Only if one of these follows before the next segment of the same name. */
  readonly ahead: readonly string[];
  /** Only for these events (MSH-9.2). */
  readonly events: readonly string[];
  readonly clear: 'all' | 'order' | 'report' | undefined;
}

interface Action {
  readonly kind: 'new' | 'once' | 'join';
  /** What the resource is called in the tables: its type, or `Merged`. */
  readonly name: string;
  /** The table of rows. */
  readonly map: string;
  /** Fields of which one must have a value. */
  readonly needs: readonly number[];
}

let known: ReadonlyMap<string, readonly SegmentRule[]> | undefined;

/** The rules for a type of message (MSH-9.1) and its event, by segment; its own before those for all. */
function rulesFor(type: string, event: string): ReadonlyMap<string, readonly SegmentRule[]> {
  known ??= readAll();
  const own = known.get(type) ?? [];
  const all = known.get('*') ?? [];
  const names = new Set(own.map(({ segment }) => segment));
  const rules = [...own, ...all.filter(({ segment }) => segment === 'NTE' || !names.has(segment))];
  return Map.groupBy(
    rules.filter(({ events }) => events.length === 0 || events.includes(event)),
    ({ segment }) => segment,
  );
}

function readAll(): ReadonlyMap<string, readonly SegmentRule[]> {
  const blocks = MESSAGE_ROWS.split(/^= /m).slice(1);
  return new Map(
    blocks.flatMap((block) => {
      const [head = '', ...lines] = block.trim().split('\n');
      const rules = lines.filter((line) => line !== '').map(readRule);
      return head.split(' ').map((type) => [type, rules] as const);
    }),
  );
}

function readRule(line: string): SegmentRule {
  const [segment = '', ...words] = line.split(' ');
  const option = (mark: string): string | undefined =>
    words.find((word) => word.startsWith(mark))?.slice(mark.length);
  const clear = option('clear=');
  return {
    segment,
    actions: words
      .join(' ')
      .split(' ; ')
      .map((text) => readAction(segment, text)),
    after: option('<')?.split('|') ?? [],
    ahead: option('>')?.split('|') ?? [],
    events: option('@')?.split('|') ?? [],
    clear: clear === 'all' || clear === 'order' || clear === 'report' ? clear : undefined,
  };
}

function readAction(segment: string, text: string): Action {
  const [kind, target = ''] = text.split(' ');
  const [name = '', table] = target.split(':');
  const needs = / if=(\S+)/.exec(text)?.[1]?.split('|').map(Number) ?? [];
  if (kind !== 'new' && kind !== 'once' && kind !== 'join') throw new Error(`no action: ${text}`);
  return { kind, name, map: `${segment}:${table ?? name}`, needs };
}
