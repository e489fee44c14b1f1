import { isElement, type Resource } from '../v2/json.ts';
import { type HeaderFacts, headerBack } from './header.ts';
import type { MessageWriter, TableRoot } from './message-writer.ts';
import { attachedBack, rangeBack, valueBack } from './observation-value.ts';
import { patientBack, visitBack, visitOf } from './patient-back.ts';
import { type PatientGroup, patientGroups } from './patient-group.ts';
import type { TargetSegment } from './segment.ts';
import { below, entries, type Placed, textIn, textOf } from './uses.ts';

/** How deep panels are followed; an end for circles. */
const DEEP = 5;

/** One OBR and what is under it. */
interface Order {
  /** A report, or an observation that has others. */
  readonly head: Resource | undefined;
  readonly request: Resource | undefined;
  readonly specimens: readonly Resource[];
  readonly observations: readonly Resource[];
}

/** The segments of an ORU message. */
export function resultsBack(writer: MessageWriter, facts: HeaderFacts): void {
  headerBack(writer, facts);
  for (const group of patientGroups(writer.index)) {
    patientBack(writer, group);
    visitBack(writer, group, { isNeeded: false });
    writer.about('Encounter', visitOf(group));
    for (const order of ordersOf(writer, group)) orderBack(writer, order);
  }
}

function ordersOf(writer: MessageWriter, { resources }: PatientGroup): Order[] {
  const seen = new Set<Resource>();
  const ofType = (type: string): Resource[] =>
    resources.filter((one) => one.resourceType === type && !seen.has(one));
  const take = (head: Resource, under: readonly Resource[]): Order => {
    const request = linked(writer, head, 'basedOn').find(isType('ServiceRequest'));
    const specimens = [
      ...linked(writer, head, 'specimen'),
      ...under.flatMap((one) => linked(writer, one, 'specimen')),
      ...(request === undefined ? [] : linked(writer, request, 'specimen')),
    ].filter((one, at, all) => isType('Specimen')(one) && all.indexOf(one) === at);
    for (const one of [head, request, ...under, ...specimens]) if (one !== undefined) seen.add(one);
    return { head, request, specimens, observations: under };
  };
  const reports = ofType('DiagnosticReport').map((report) =>
    take(report, membersOf(writer, [report, 'result'], seen)),
  );
  const members = new Set(
    ofType('Observation').flatMap((one) => linked(writer, one, 'hasMember').filter(isOther(one))),
  );
  // those that only have each other last
  const panels = ofType('Observation')
    .toSorted((one, other) => Number(members.has(one)) - Number(members.has(other)))
    .flatMap((one) =>
      seen.has(one) ? [] : [take(one, [one, ...membersOf(writer, [one, 'hasMember'], seen)])],
    );
  const requests = ofType('ServiceRequest').map((request): Order => {
    const specimens = linked(writer, request, 'specimen').filter(isType('Specimen'));
    for (const one of [request, ...specimens]) seen.add(one);
    return { head: undefined, request, specimens, observations: [] };
  });
  const rest = ofType('Specimen');
  const all = [...reports, ...panels, ...requests];
  const [first, ...more] = all;
  // a specimen that nothing refers to is the only order's
  return first !== undefined && more.length === 0
    ? [{ ...first, specimens: [...first.specimens, ...rest] }]
    : all;
}

const isOther = (one: Resource) => (member: Resource) => member !== one;

const isType =
  (type: string) =>
  (resource: Resource): boolean =>
    resource.resourceType === type;

/** What references of an element lead to in the Bundle. */
function linked({ index }: MessageWriter, resource: Resource, name: string): Resource[] {
  return entries(resource, name).flatMap(({ value }) =>
    isElement(value) ? (index.find(value) ?? []) : [],
  );
}

/** Observations, those that a panel has behind it. */
function membersOf(
  writer: MessageWriter,
  [of, name]: readonly [Resource, 'result' | 'hasMember'],
  seen: Set<Resource>,
  depth = 0,
): Resource[] {
  if (depth === DEEP) return [];
  return linked(writer, of, name).flatMap((one) => {
    if (one.resourceType !== 'Observation' || seen.has(one) || one === of) return [];
    seen.add(one);
    return [one, ...membersOf(writer, [one, 'hasMember'], seen, depth + 1)];
  });
}

function orderBack(writer: MessageWriter, order: Order): void {
  const { head, request, specimens, observations } = order;
  writer.about('DiagnosticReport', head);
  writer.about('ServiceRequest', request);
  const [specimen] = specimens;
  writer.about('Specimen', specimen);
  if (request !== undefined) {
    writer.add('ORC', [['ORC:ServiceRequest', request]], {
      before: (segment) => segment.put([1], 'RE'),
    });
  }
  const readings = readingsOf(writer, order);
  writer.add('OBR', readings, { isKept: true });
  noteSameCode(writer, order);
  if (request !== undefined) writer.notes(request);
  if (head?.resourceType === 'DiagnosticReport') conclusionBack(writer, head);
  for (const observation of observations) observationBack(writer, observation);
  if (head?.resourceType === 'DiagnosticReport') formsBack(writer, head);
  for (const one of specimens) {
    writer.about('Specimen', one);
    writer.add('SPM', [['SPM:Specimen', one]]);
  }
}

/** What OBR is made of, the report first. */
function readingsOf(writer: MessageWriter, { head, request, specimens }: Order): TableRoot[] {
  const [specimen] = writer.allows('SPM') ? [] : specimens;
  const all: readonly (readonly [string, Resource | undefined])[] = [
    ['OBR:DiagnosticReport', head],
    ['OBR:ServiceRequest', request],
    ['OBR:Specimen', specimen],
  ];
  return all.flatMap(([table, root]) => (root === undefined ? [] : [[table, root] as const]));
}

/** OBR-4 is of the report and of what was ordered. */
function noteSameCode({ context }: MessageWriter, { head, request }: Order): void {
  const [ordered, reported] = [request, head].map((one) => one && below(one, 'code'));
  if (ordered === undefined || reported === undefined) return;
  const isSame = JSON.stringify(ordered.value) === JSON.stringify(reported.value);
  if (isSame) context.uses.useAll(ordered);
}

/** What a report says in words is a note. */
function conclusionBack(writer: MessageWriter, report: Resource): void {
  const found = below(report, 'conclusion');
  const text = textIn(report, 'conclusion');
  if (found === undefined || text === undefined) return;
  const segment = writer.add('NTE', [], { before: (one) => one.put([3], text) });
  if (segment !== undefined) writer.context.uses.use(found);
}

/** The report as a document: OBX with the code of the report. */
function formsBack(writer: MessageWriter, report: Resource): void {
  const { context, types } = writer;
  for (const form of entries(report, 'presentedForm')) {
    const head = { code: below(report, 'code')?.value, status: below(report, 'status')?.value };
    writer.add('OBX', [['OBX:Observation', head]], {
      before: (segment) => attachedBack(form, { segment, context, types }),
    });
  }
}

/** An Observation as OBX: one for it, and one for each of its components. */
export function observationBack(writer: MessageWriter, observation: Resource): void {
  const { context, types } = writer;
  writer.about('Observation', observation);
  const components = entries(observation, 'component');
  const isList = isSameCode(observation, components);
  const hasOwn = Object.keys(observation).some((name) => name.startsWith('value'));
  const main = (segment: TargetSegment): void => {
    const target = { segment, context, types };
    valueBack(observation, target);
    if (isList) for (const { value } of components) if (isElement(value)) valueBack(value, target);
    rangeBack(observation, target);
  };
  if (isList || hasOwn || components.length === 0) {
    writer.add('OBX', [['OBX:Observation', observation]], { before: main });
    writer.notes(observation);
  }
  if (isList) {
    for (const { value } of components) markCode(writer, value);
    return;
  }
  for (const [at, { value }] of components.entries()) {
    if (!isElement(value)) continue;
    // what the observation says of time and state holds for each of its parts
    const { status, effectiveDateTime, effectivePeriod, performer } = observation;
    const part = { status, effectiveDateTime, effectivePeriod, performer, ...value };
    writer.add('OBX', [['OBX:Observation', part]], {
      before: (segment) => {
        segment.put([4], String(at + 1));
        valueBack(value, { segment, context, types });
        rangeBack(value, { segment, context, types });
      },
    });
    noteShared(writer, observation, part);
    for (const name of Object.keys(value)) shareUse(writer, value, part, name);
  }
}

/** Repetitions of OBX-5 became components with the code of the whole. */
function isSameCode(observation: Resource, components: readonly Placed[]): boolean {
  const code = JSON.stringify(below(observation, 'code')?.value);
  return (
    components.length > 0 &&
    components.every(
      ({ value }) => isElement(value) && JSON.stringify(below(value, 'code')?.value) === code,
    )
  );
}

function markCode({ context }: MessageWriter, component: unknown): void {
  const code = isElement(component) ? below(component, 'code') : undefined;
  if (code !== undefined) context.uses.useAll(code);
}

function noteShared(writer: MessageWriter, observation: Resource, part: object): void {
  for (const name of ['status', 'effectiveDateTime']) {
    shareUse(writer, observation, part, name);
  }
  const code = below(observation, 'code');
  if (code !== undefined && writer.written.has(observation)) writer.context.uses.useAll(code);
}

/** A primitive counts as used if its copy does. */
function shareUse(
  { context: { uses } }: MessageWriter,
  from: Resource | Readonly<Record<string, unknown>>,
  copy: object,
  name: string,
): void {
  const found = below(from, name);
  if (found === undefined || textOf(found.value) === undefined) return;
  if (uses.has({ holder: copy, key: name, value: found.value })) uses.use(found);
}
