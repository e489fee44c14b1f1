import { type Element, isElement, type Resource } from '../v2/json.ts';
import type { BundleIndex } from './bundle-index.ts';
import { below, entries, textIn } from './uses.ts';

/** A patient and what the Bundle has about it. */
export interface PatientGroup {
  /** Undefined if nothing says who it is. */
  readonly patient: Resource | undefined;
  /** The patient whose records it got. */
  readonly merged: Resource | undefined;
  readonly resources: readonly Resource[];
}

const WHO = ['subject', 'patient', 'beneficiary'] as const;

/** What has a segment of its own. */
const GROUPED: ReadonlySet<string> = new Set([
  'Encounter',
  'RelatedPerson',
  'AllergyIntolerance',
  'Condition',
  'Procedure',
  'Coverage',
  'Observation',
  'DiagnosticReport',
  'ServiceRequest',
  'Specimen',
]);

/** One group for each patient that the Bundle has or refers to, in its order. */
export function patientGroups(index: BundleIndex): PatientGroup[] {
  const patients = index.ofType('Patient');
  const merged = patients.filter(isReplaced);
  const isMerged = new Set(merged);
  const groups = new Map<Resource | undefined, Resource[]>(
    patients.filter((one) => !isMerged.has(one)).map((patient) => [patient, []]),
  );
  const rest: Resource[] = [];
  for (const { resource } of index.resources) {
    if (!GROUPED.has(resource.resourceType)) continue;
    const patient = patientOf(resource, index);
    if (patient === undefined) rest.push(resource);
    else if (groups.get(patient)?.push(resource) === undefined) groups.set(patient, [resource]);
  }
  // what names nobody is the only patient's
  const [only] = groups.keys();
  if (rest.length > 0 && groups.size < 2) groups.set(only, [...(groups.get(only) ?? []), ...rest]);
  return [...groups].map(([patient, resources]) => ({
    patient,
    merged: merged.find((one) => replacedBy(one, index) === patient),
    resources,
  }));
}

function patientOf(resource: Resource, index: BundleIndex): Resource | undefined {
  for (const name of WHO) {
    const value = below(resource, name)?.value;
    const found = isElement(value) ? index.resolve(value) : undefined;
    if (found?.resourceType === 'Patient') return found;
  }
  return undefined;
}

const links = (patient: Resource): Element[] =>
  entries(patient, 'link').flatMap(({ value }) => (isElement(value) ? [value] : []));

const isReplaced = (patient: Resource): boolean =>
  links(patient).some((link) => textIn(link, 'type') === 'replaced-by');

function replacedBy(patient: Resource, index: BundleIndex): Resource | undefined {
  const link = links(patient).find((one) => textIn(one, 'type') === 'replaced-by');
  const other = link === undefined ? undefined : below(link, 'other')?.value;
  return isElement(other) ? index.find(other) : undefined;
}
