import { Buffer } from 'node:buffer';
import { EngineError } from '../../../error/engine-error.ts';
import type { Zone } from '../../../time/zone.ts';
import { hl7Dictionary } from '../../hl7/dictionary/dictionary.ts';
import { exactJson } from '../../json/exact-json.ts';
import { type Element, isElement, type Resource } from '../v2/json.ts';
import type { BackContext } from './back-context.ts';
import { BundleIndex, MOST_RESOURCES } from './bundle-index.ts';
import { eventBack, type HeaderFacts, headerBack } from './header.ts';
import { type MessageKind, MessageWriter } from './message-writer.ts';
import { factsBack, patientBack, visitBack } from './patient-back.ts';
import { type PatientGroup, patientGroups } from './patient-group.ts';
import { observationBack, resultsBack } from './results-back.ts';
import { below, type Placed, partsOf, textIn, Uses } from './uses.ts';

export interface FromFhirOptions {
  /** Undefined for what the Bundle is about. */
  readonly kind: WantedKind | undefined;
  /** MSH-12 */
  readonly version: string;
  /** The clock of times in the message; undefined keeps each time with its offset. */
  readonly zone: Zone;
  /** URIs of code systems and assigning authorities, by their v2 names. */
  readonly systems: Readonly<Record<string, string>>;
}

export interface MessageFacts {
  /** MSH-10 */
  readonly controlId: string;
  /** Milliseconds since 1970, for a Bundle without a time. */
  readonly now: number;
  /** MSH-9.3 of a type and event. */
  readonly structureOf: (message: string, event: string) => string;
}

/** How deep elements of FHIR may lie; R4 itself needs far less. */
const DEEPEST = 100;

/**
 * An HL7 v2 message made of FHIR R4 in JSON: a Bundle, one resource, or a request of fhir-in. Throws
 * TRANSFORM_FAILED if it is none of them or not about one thing.
 */
export function fromFhir(
  body: string,
  { kind: wanted, version, zone, systems }: FromFhirOptions,
  facts: MessageFacts,
): { readonly body: Uint8Array; readonly coverage: BackCoverage } {
  const dictionary = hl7Dictionary(version);
  if (dictionary === undefined) throw failed(`HL7 ${version} is not known`);
  const index = new BundleIndex(parsed(body));
  if (index.resources.length === 0) throw failed('the body has no FHIR resource');
  if (index.resources.length > MOST_RESOURCES) {
    throw failed(
      `the Bundle has ${index.resources.length} resources, and a message is made of at most ${MOST_RESOURCES}. Split it first.`,
    );
  }
  const uses = new Uses();
  const context: BackContext = {
    uses,
    zone,
    names: new Map(Object.entries(systems).map(([name, uri]) => [uri, name])),
    resolve: (reference) => index.resolve(reference),
  };
  const kind = messageKind(index, wanted);
  const writer = new MessageWriter(index, kind, { context, dictionary });
  const header = {
    controlId: facts.controlId,
    structure: facts.structureOf(kind.message, kind.event),
    now: new Date(facts.now).toISOString().replace(/\.\d+/, ''),
  };
  if (kind.message === 'ORU') resultsBack(writer, header);
  else admissionBack(writer, header);
  return {
    body: Buffer.from(writer.text(), 'utf8'),
    coverage: coverageOf(index, uses, writer.written),
  };
}

const failed = (text: string): EngineError => new EngineError('TRANSFORM_FAILED', text);

/** Numbers keep their digits (`11.50`). */
function parsed(body: string): Element {
  const value = exactJson(body);
  if (!isElement(value)) throw failed('the body is not a FHIR resource');
  if (depthOf(value) > DEEPEST) throw failed(`the body is nested more than ${DEEPEST} deep`);
  return value;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function depthOf(root: object): number {
  let level: object[] = [root];
  let depth = 0;
  while (level.length > 0 && depth <= DEEPEST) {
    depth++;
    level = level.flatMap((one) => Object.values(one).filter(isObject));
  }
  return depth;
}

/** The segments of an ADT message. */
function admissionBack(writer: MessageWriter, facts: HeaderFacts): void {
  const groups = patientGroups(writer.index);
  if (groups.length > 1) {
    throw new EngineError(
      'TRANSFORM_FAILED',
      `the Bundle is about ${groups.length} patients, and an ADT message is about one. Send a Bundle for each.`,
    );
  }
  const group: PatientGroup = groups[0] ?? { patient: undefined, merged: undefined, resources: [] };
  headerBack(writer, facts);
  eventBack(writer, facts.now);
  patientBack(writer, group);
  visitBack(writer, group, { isNeeded: true });
  for (const resource of group.resources) {
    if (resource.resourceType === 'Observation') observationBack(writer, resource);
  }
  factsBack(writer, group, 'AllergyIntolerance', 'AL1');
  factsBack(writer, group, 'Condition', 'DG1');
  factsBack(writer, group, 'Procedure', 'PR1');
  factsBack(writer, group, 'Coverage', 'IN1');
}

/** Classes of encounters that are admissions; others are registrations. */
const ADMITTED: ReadonlySet<string> = new Set(['IMP', 'ACUTE', 'NONAC', 'OBSENC', 'SS']);

/** What the production wants; an empty event leaves the choice. */
export interface WantedKind {
  readonly message: string;
  readonly event: string;
}

/**
 * The type of message that a Bundle becomes: what it says itself (MessageHeader), otherwise results where
 * there are reports or observations without a visit, and the event of the visit or of the patient.
 */
function messageKind(index: BundleIndex, wanted: WantedKind | undefined): MessageKind {
  if (wanted !== undefined && wanted.event !== '') return wanted;
  const said = saidEvent(index);
  const message = wanted?.message ?? (said === undefined ? guessed(index) : messageOf(said));
  if (message === 'ORU') return { message, event: 'R01' };
  return { message: 'ADT', event: said?.startsWith('A') === true ? said : admissionEvent(index) };
}

/** The event of HL7 v2 that a MessageHeader names. */
function saidEvent(index: BundleIndex): string | undefined {
  const [header] = index.ofType('MessageHeader');
  const coding = header === undefined ? undefined : below(header, 'eventCoding')?.value;
  const code = isElement(coding) ? textIn(coding, 'code') : undefined;
  return code !== undefined && /^(?:A\d\d|R01)$/.test(code) ? code : undefined;
}

const messageOf = (event: string): string => (event === 'R01' ? 'ORU' : 'ADT');

function guessed(index: BundleIndex): string {
  if (index.ofType('DiagnosticReport').length > 0) return 'ORU';
  const hasVisit = index.ofType('Encounter').length > 0;
  return index.ofType('Observation').length > 0 && !hasVisit ? 'ORU' : 'ADT';
}

function admissionEvent(index: BundleIndex): string {
  const [encounter] = index.ofType('Encounter');
  if (encounter !== undefined) return visitEvent(encounter, index);
  const patients = index.ofType('Patient');
  if (patients.length > 1 && patients.some((one) => below(one, 'link') !== undefined)) return 'A40';
  const [patient] = patients;
  const isNew = index.interaction === 'create' || (patient && index.methodOf(patient)) === 'POST';
  return isNew ? 'A28' : 'A31';
}

function visitEvent(encounter: Resource, index: BundleIndex): string {
  const status = textIn(encounter, 'status') ?? '';
  const isChange = index.interaction === 'update';
  const ended: Readonly<Record<string, string>> = {
    finished: 'A03',
    cancelled: 'A11',
    'entered-in-error': 'A11',
    unknown: 'A08',
  };
  const known = Object.hasOwn(ended, status) ? ended[status] : undefined;
  if (known !== undefined) return known;
  if (isChange) return 'A08';
  if (status === 'planned') return 'A05';
  if (status === 'onleave') return 'A21';
  const coding = below(encounter, 'class')?.value;
  const code = isElement(coding) ? (textIn(coding, 'code') ?? '') : '';
  return ADMITTED.has(code) ? 'A01' : 'A04';
}

/** What of the resources is in the message. */
interface BackCoverage {
  /** Values that are in the message, and all. */
  readonly values: number;
  readonly allValues: number;
  /** What is not, each once: `Patient.photo`, `Medication`. */
  readonly unmapped: readonly string[];
  /** Types of resources that references name and that are not in the Bundle. */
  readonly missing: readonly string[];
}

/** What a message of HL7 v2 has no place for, and loses nothing without. */
const APART: ReadonlySet<string> = new Set([
  'resourceType',
  'id',
  'meta',
  'text',
  'contained',
  'implicitRules',
  'language',
]);

/** How long the list of places may get, whatever a Bundle holds. */
const MOST = 500;
/** How deep places are named. */
const DEEP = 4;

interface Walk {
  readonly uses: Uses;
  readonly isWritten: (element: Element) => boolean;
  readonly unmapped: Set<string>;
  values: number;
  all: number;
}

function coverageOf(index: BundleIndex, uses: Uses, written: ReadonlySet<Element>): BackCoverage {
  const walk: Walk = {
    uses,
    isWritten: (reference) => {
      const found = index.find(reference);
      return found !== undefined && written.has(found);
    },
    unmapped: new Set(),
    values: 0,
    all: 0,
  };
  for (const { resource } of index.resources) walkResource(resource, walk);
  const { values, all: allValues, unmapped } = walk;
  return { values, allValues, unmapped: [...unmapped], missing: [...index.missing] };
}

function walkResource(resource: Resource, walk: Walk): void {
  const before = walk.values;
  const places = new Set<string>();
  const type = nameIn(resource.resourceType) ?? 'a resource';
  for (const part of partsOf(resource)) {
    if (!APART.has(String(part.key)))
      leaves(part, [type, String(part.key)], { ...walk, unmapped: places }, walk);
  }
  // of what nothing is in the message, the type says it
  const named = walk.values === before && places.size > 0 ? [type] : places;
  for (const place of named) if (walk.unmapped.size < MOST) walk.unmapped.add(place);
}

function leaves(found: Placed, path: readonly string[], at: Walk, totals: Walk): void {
  const { value } = found;
  if (value === null) return;
  if (isElement(value) ? !followed(found, value, at) : Array.isArray(value)) {
    for (const part of partsOf(value)) leaves(part, pathTo(part, path), at, totals);
    return;
  }
  totals.all++;
  if (isElement(value) || at.uses.has(found)) totals.values++;
  else if (at.unmapped.size < MOST) at.unmapped.add(path.join('.'));
}

const pathTo = ({ key }: Placed, path: readonly string[]): readonly string[] =>
  typeof key === 'number' || path.length >= DEEP ? path : [...path, nameIn(key) ?? '?'];

/** A reference is in the message if what it leads to is, or if it was read itself. */
const followed = (found: Placed, element: Element, { uses, isWritten }: Walk): boolean =>
  textIn(element, 'reference') !== undefined && (uses.has(found) || isWritten(element));

/** A name of FHIR; what is none is not quoted. */
const nameIn = (text: string): string | undefined =>
  /^_?[A-Za-z][A-Za-z\d]{0,63}$/.test(text) ? text : undefined;
