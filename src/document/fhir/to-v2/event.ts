import { isElement, type Resource } from '../v2/json.ts';
import type { BundleIndex } from './bundle-index.ts';
import type { MessageKind } from './message-writer.ts';
import { below, textIn } from './uses.ts';

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
export function messageKind(index: BundleIndex, wanted: WantedKind | undefined): MessageKind {
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
