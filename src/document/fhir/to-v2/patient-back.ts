import { type Element, isElement, type Resource } from '../v2/json.ts';
import type { MessageWriter } from './message-writer.ts';
import type { PatientGroup } from './patient-group.ts';
import { below, entries, type Placed, textIn } from './uses.ts';

const ofType = ({ resources }: PatientGroup, type: string): Resource[] =>
  resources.filter(({ resourceType }) => resourceType === type);

/** PID, PD1, MRG and NK1 of a patient. */
export function patientBack(writer: MessageWriter, group: PatientGroup): void {
  const { patient, merged } = group;
  writer.about('Patient', patient);
  const segment = writer.add('PID', patient === undefined ? [] : [['PID:Patient', patient]], {
    isKept: true,
  });
  if (patient === undefined) return;
  // PID-3 and PID-5 are required
  segment?.put([3, 1], textIn(patient, 'id') ?? '');
  if (segment?.isValued(5) === false) segment.put([5, 7], 'U');
  const active = below(patient, 'active');
  if (active?.value === true) writer.context.uses.use(active);
  writer.add('PD1', [['PD1:Patient', patient]]);
  if (merged !== undefined) writer.add('MRG', [['MRG:Merged', merged]]);
  for (const person of ofType(group, 'RelatedPerson')) {
    writer.add('NK1', [['NK1:RelatedPerson', person]]);
  }
  for (const contact of entries(patient, 'contact')) contactBack(writer, contact);
}

/** A contact of the Patient as NK1, like a RelatedPerson. */
function contactBack(writer: MessageWriter, { value: contact }: Placed): void {
  if (!isElement(contact)) return;
  const lists = ['name', 'address'].flatMap((name) => {
    const found = below(contact, name);
    return found === undefined ? [] : [[name, [found.value]] as const];
  });
  const person: Element = { ...contact, ...Object.fromEntries(lists) };
  const { uses } = writer.context;
  if (writer.add('NK1', [['NK1:RelatedPerson', person]]) === undefined) return;
  for (const name of ['gender']) {
    const found = below(contact, name);
    const copy = below(person, name);
    if (found !== undefined && copy !== undefined && uses.has(copy)) uses.use(found);
  }
}

const OVER: ReadonlySet<string> = new Set(['finished', 'cancelled', 'entered-in-error']);

/** The visit that a message is about: one that is not over, otherwise the first. */
export function visitOf(group: PatientGroup): Resource | undefined {
  const visits = ofType(group, 'Encounter');
  return visits.find((one) => !OVER.has(textIn(one, 'status') ?? '')) ?? visits[0];
}

/** PV1 and PV2; a message without a visit has a PV1 that says so. */
export function visitBack(
  writer: MessageWriter,
  group: PatientGroup,
  { isNeeded }: { readonly isNeeded: boolean },
): void {
  const visit = visitOf(group);
  writer.about('Encounter', visit);
  if (visit === undefined) {
    if (isNeeded) writer.add('PV1', [], { before: (segment) => segment.put([2], 'N') });
    return;
  }
  const status = below(visit, 'status');
  if (status !== undefined) writer.context.uses.use(status);
  const segment = writer.add('PV1', [['PV1:Encounter', visit]], { isKept: true });
  if (segment !== undefined) {
    // where a visit is over, its last place is where the patient was
    segment.move(6, 3);
    segment.put([2], 'U');
  }
  writer.add('PV2', [['PV2:Encounter', visit]]);
}

/** What is known of a patient, each in its segments. */
export function factsBack(
  writer: MessageWriter,
  group: PatientGroup,
  type: string,
  name: string,
): void {
  for (const resource of ofType(group, type)) {
    writer.about(type, resource);
    const segment = writer.add(name, [[`${name}:${type}`, resource]]);
    if (segment === undefined) continue;
    if (name === 'DG1') segment.put([6], 'W');
    if (name === 'IN1') insurance(segment);
    writer.notes(resource);
  }
}

/** IN1-3 is required: the id of the company that IN1-4 has. */
function insurance(segment: NonNullable<ReturnType<MessageWriter['add']>>): void {
  if (segment.isValued(3)) return;
  segment.put([3, 1], segment.text([4, 10]) || segment.text([4, 3]) || segment.text([4, 1]));
}
