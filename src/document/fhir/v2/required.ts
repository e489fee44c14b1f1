import type { Element, Resource } from './json.ts';

const ABSENT = {
  extension: [
    {
      url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason',
      valueCode: 'unknown',
    },
  ],
};

/**
 * What R4 requires of a resource and a message may lack, by its name; the rest is in the tables. `[x]` is an element
 * of several types.
 */
const REQUIRED: Readonly<Record<string, readonly (readonly [string, Element])[]>> = {
  Provenance: [
    ['target', { target: [ABSENT] }],
    ['recorded', { _recorded: ABSENT }],
    ['agent', { agent: [{ who: ABSENT }] }],
  ],
  ServiceRequest: [['status', { status: 'unknown' }]],
  MedicationRequest: [['medication[x]', { medicationCodeableConcept: ABSENT }]],
  Immunization: [
    ['status', { _status: ABSENT }],
    ['vaccineCode', { vaccineCode: ABSENT }],
    ['occurrence[x]', { _occurrenceDateTime: ABSENT }],
  ],
  Coverage: [['payor', { payor: [ABSENT] }]],
  Appointment: [['participant', { participant: [{ actor: ABSENT, _status: ABSENT }] }]],
  DocumentReference: [['content', { content: [{ attachment: ABSENT }] }]],
};

/** A resource with all that R4 requires of it: what nobody said is unknown. */
export function withRequired(resource: Resource): Resource {
  const missing = (REQUIRED[resource.resourceType] ?? []).filter(([name]) => !has(resource, name));
  return withTimes(Object.assign(resource, ...missing.map(([, element]) => element)) as Resource);
}

function has(resource: Resource, name: string): boolean {
  const start = name.replace('[x]', '');
  const isOf = (key: string): boolean => (start === name ? key === name : key.startsWith(start));
  return Object.keys(resource).some((key) => isOf(key.replace(/^_/, '')));
}

/** Of these FHIR knows that they may have no time yet. */
const WITHOUT: ReadonlySet<unknown> = new Set(['proposed', 'cancelled', 'waitlist']);

/**
 * An appointment with both of its times, since FHIR takes none with one of them: its end by how long it is, what is
 * not known as unknown. Anything else as it is.
 */
function withTimes(resource: Resource): Resource {
  if (resource.resourceType !== 'Appointment') return resource;
  const { start, end = ended(start, resource['minutesDuration']), status } = resource;
  if (start === undefined && end === undefined && WITHOUT.has(status)) return resource;
  return {
    ...resource,
    ...(start === undefined ? { _start: ABSENT } : { start }),
    ...(end === undefined ? { _end: ABSENT } : { end }),
  };
}

/** So many minutes later, with the offset that the time has. */
function ended(start: unknown, minutes: unknown): string | undefined {
  if (typeof start !== 'string' || typeof minutes !== 'number') return undefined;
  const [, wall = '', offset = ''] = /^(.*T[\d:]{8})(?:\.\d+)?(.*)$/.exec(start) ?? [];
  if (wall === '') return undefined;
  return new Date(Date.parse(`${wall}Z`) + minutes * 60_000).toISOString().slice(0, 19) + offset;
}
