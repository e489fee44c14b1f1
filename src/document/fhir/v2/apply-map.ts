import { fixedConcept } from './codes.ts';
import type { FormContext } from './form-context.ts';
import { continued, FORMS, joinedLines } from './forms.ts';
import { type Element, isElement, tidy } from './json.ts';
import { mapNamed } from './maps.ts';
import type { Part } from './part.ts';
import type {
  FhirMap,
  Form,
  MapRow,
  RowCondition,
  Source,
  Target,
  TargetStep,
} from './read-map.ts';
import type { SourceSegment } from './source.ts';
import type { Written } from './written.ts';

/** What the rows of one segment or data type work on. */
export interface Frame {
  readonly segment: SourceSegment;
  /** Undefined for the segment itself. */
  readonly part: Part | undefined;
  readonly target: Element;
  readonly message: MessageFrame;
}

/** What a table of rows needs of the message around it. */
export interface MessageFrame extends FormContext {
  /** The latest segment of a name. */
  latest(name: string): SourceSegment | undefined;
  /** The current resource of a name in the table of messages. */
  current(name: string): { readonly resource: Element; readonly fullUrl: string } | undefined;
  /** Keeps a resource that others refer to; the same content is kept once. */
  keep(type: string, content: Element): string;
  readonly written: Written;
}

/** Whether a row wrote a value of the message. */
export function applyMap(map: FhirMap, frame: Frame): boolean {
  let wrote = false;
  for (const row of map.rows) if (applyRow(row, frame)) wrote = true;
  return wrote;
}

function applyRow(row: MapRow, frame: Frame): boolean {
  if (!row.conditions.every((condition) => holds(condition, frame))) return false;
  if (row.source === undefined) return writeRow(row, frame.part, frame);
  let wrote = false;
  for (const part of partsAt(row.source, frame)) {
    if (row.target === undefined) {
      part.useAll();
      frame.message.written.add(part);
    } else if (writeRow(row, part, frame)) wrote = true;
    // a later repetition would replace this one, or be mixed with it; so it counts as not mapped
    if (wrote && !takesMany(row)) break;
  }
  return wrote;
}

const takesMany = ({ target, form }: MapRow): boolean =>
  target?.steps.some(({ entry }) => entry === 'add') === true || isContinued(form?.name);

const isContinued = (name: string | undefined): name is 'more' | 'documentText' =>
  name === 'more' || name === 'documentText';

const NONE: readonly Part[] = [];

/** The parts with a value at a source. */
function partsAt({ segment, numbers }: Source, frame: Frame): readonly Part[] {
  const [first = 0, ...others] = numbers;
  if (segment === undefined && frame.part !== undefined) {
    const found = deeper(frame.part, numbers);
    return found === undefined ? NONE : [found];
  }
  const found = segmentOf(segment, frame)?.field(first) ?? NONE;
  if (found.length === 0 || others.length === 0) return found;
  return found.flatMap((part) => deeper(part, others) ?? []);
}

function segmentOf(
  name: string | undefined,
  { segment, message }: Frame,
): SourceSegment | undefined {
  return name === undefined || name === segment.name ? segment : message.latest(name);
}

function deeper(part: Part, numbers: readonly number[]): Part | undefined {
  let found: Part | undefined = part;
  for (const number of numbers) found = found?.child(number);
  return found;
}

function holds({ kind, source, values }: RowCondition, frame: Frame): boolean {
  if (kind === 'no') return !hasElement(frame.target, values[0] ?? '');
  if (kind === 'has') return hasElement(frame.target, values[0] ?? '');
  const parts = partsAt(source, frame);
  if (kind === 'valued') return parts.length > 0;
  if (kind === 'empty') return parts.length === 0;
  if (kind === 'single') return parts.length <= 1;
  if (kind === 'repeats') return parts.length > 1;
  const value = parts[0]?.peek() ?? '';
  return values.includes(value) === (kind === 'is');
}

/** Forms that have the same result for every message. */
export const isFixed = ({ kind }: Form): boolean =>
  kind === 'fixed' || kind === 'extension' || kind === 'concept';

function writeRow(row: MapRow, part: Part | undefined, frame: Frame): boolean {
  const root = rootOf(row, frame);
  if (root === undefined) return false;
  const others = row.extras.map(({ form }) => form);
  const forms = row.form === undefined ? others : [row.form, ...others];
  const made = forms.map((form) => valueOf(form, part, frame, { root, row }));
  const wanted = forms.flatMap((form, at) => (isFixed(form) ? [] : [made[at]]));
  const found = wanted.some((value) => value !== undefined);
  if (wanted.length > 0 && !found) return false;
  if (row.form !== undefined && made[0] === undefined) return false;
  if (leavesEnd(row, part, root, made[0])) return false;
  if (wanted.length === 0) part?.useAll();
  takeEarlier(row, part, { root, value: made[0] }, frame);
  write(row, root, row.form === undefined ? [undefined, ...made] : made);
  return row.source !== undefined || found;
}

/** Takes away what an earlier field wrote in the same place: of two values one is told, not a mixture. */
function takeEarlier(
  { target, form, extras }: MapRow,
  part: Part | undefined,
  { root, value }: { readonly root: Element; readonly value: unknown },
  { part: around, message: { written } }: Frame,
): void {
  if (part === undefined || around !== undefined) return;
  const { only: path, steps = [] } = target ?? {};
  if (path === undefined || extras.length > 0 || isContinued(form?.name)) {
    written.add(part);
    return;
  }
  const before = written.put(part, root, { path, value });
  if (!isElement(before)) return;
  const slot = slotAt(root, steps);
  const there = slot.get();
  if (!isElement(there)) return;
  slot.set(undefined);
  slot.set(Object.fromEntries(Object.entries(there).filter(([name]) => !(name in before))));
}

/** Leaves a value that would be the end of a period before its start, which FHIR does not permit. */
function leavesEnd(
  { target }: MapRow,
  part: Part | undefined,
  root: Element,
  end: unknown,
): boolean {
  const steps = target?.steps ?? [];
  const last = steps.at(-1);
  if (last?.name !== 'end' || typeof end !== 'string' || root['resourceType'] === 'Appointment')
    return false;
  const start = slotAt(root, [...steps.slice(0, -1), { ...last, name: 'start' }]).get();
  if (typeof start !== 'string' || !isBefore(end, start)) return false;
  part?.leave();
  return true;
}

/** As exact as both are. */
function isBefore(one: string, other: string): boolean {
  if (one.includes('T') && other.includes('T')) return Date.parse(one) < Date.parse(other);
  const length = Math.min(one.length, other.length, 10);
  return one.slice(0, length) < other.slice(0, length);
}

/** The resource or element a row writes to; undefined if there is none or it has the value. */
function rootOf({ target }: MapRow, frame: Frame): Element | undefined {
  if (target === undefined) return undefined;
  const { resource } = target;
  const root = resource === undefined ? frame.target : frame.message.current(resource)?.resource;
  return root === undefined || (target.ifMissing && hasValue(root, target)) ? undefined : root;
}

/** The main form is the element itself; the others are written into it. */
function write({ target, extras }: MapRow, root: Element, [main, ...others]: unknown[]): void {
  if (target === undefined) return;
  if (extras.length === 0) {
    if (main !== undefined) slotAt(root, target.steps).set(main);
    return;
  }
  const element: Element = isElement(main) ? { ...main } : {};
  for (const [at, extra] of extras.entries()) {
    const value = others[at];
    if (value === undefined) continue;
    const isThere =
      extra.target.ifMissing && slotAt(element, extra.target.steps).get() !== undefined;
    if (!isThere) slotAt(element, extra.target.steps).set(value);
  }
  slotAt(root, target.steps).set(element);
}

/** Whether a target that is written only if missing is there. */
function hasValue(root: Element, { steps }: Target): boolean {
  if (steps.some(({ entry }) => entry === 'add')) return false;
  return hasElement(root, steps.map(({ name }) => name).join('.'));
}

interface Place {
  readonly root: Element;
  readonly row: MapRow;
}

function valueOf(form: Form, around: Part | undefined, frame: Frame, place: Place): unknown {
  if (isFixed(form)) return fixedValue(form);
  if (form.kind === 'current') {
    const found = frame.message.current(form.name);
    return found === undefined ? undefined : { reference: found.fullUrl };
  }
  const part = form.source === undefined ? around : partsAt(form.source, frame)[0];
  if (part === undefined && form.source !== undefined) return undefined;
  return form.kind === 'made' ? reference(form, part, frame) : named(form, part, frame, place);
}

function fixedValue({ kind, name }: Form): unknown {
  if (kind === 'extension') return `http://hl7.org/fhir/StructureDefinition/${name}`;
  if (kind === 'concept') return fixedConcept(name);
  return name === 'true' || name === 'false' ? name === 'true' : name;
}

/** A reference to a resource that is made of the part. */
function reference(form: Form, part: Part | undefined, frame: Frame): unknown {
  const { message } = frame;
  if (form.table === 'PL') return part && placeReference(part, message);
  const map = mapNamed(form.table ?? '');
  const content: Element = {};
  applyMap(map, { ...frame, part, target: content });
  return tidy(content) === undefined ? undefined : { reference: message.keep(form.name, content) };
}

function named(form: Form, part: Part | undefined, frame: Frame, { root, row }: Place): unknown {
  if (form.name === 'lines') return joinedLines(frame.segment.field(Number(form.table)));
  if (part === undefined) return undefined;
  if (isContinued(form.name)) {
    return continued(form.name, slotAt(root, row.target?.steps ?? []).get(), part);
  }
  const simple = FORMS[form.name];
  if (simple !== undefined) return simple(part, frame.message, form.table);
  // rows that complete what is there already see it
  const isSelf = row.target?.steps.length === 0;
  const content: Element = isSelf ? root : {};
  applyMap(mapNamed(form.name), { ...frame, part, target: content });
  return tidy(content) === undefined ? undefined : content;
}

/** A place in a resource: an element and the name in it, or an entry of a list. */
interface Slot {
  get(): unknown;
  set(value: unknown): void;
}

/** Goes down to a target and creates what is missing on the way; `add` is a new entry each time. */
function slotAt(root: Element, steps: readonly TargetStep[]): Slot {
  let holder = root;
  for (const [at, step] of steps.entries()) {
    const slot = slotOf(holder, step);
    if (at === steps.length - 1) return slot;
    const found = slot.get();
    if (isElement(found)) {
      holder = found;
    } else {
      const fresh: Element = {};
      slot.set(fresh);
      holder = fresh;
    }
  }
  return {
    get: () => root,
    set: (value) => {
      if (isElement(value)) Object.assign(root, value);
    },
  };
}

function slotOf(holder: Element, { name, entry }: TargetStep): Slot {
  if (entry === undefined) {
    return {
      get: () => holder[name],
      set: (value) => {
        const before = holder[name];
        holder[name] = isElement(before) && isElement(value) ? { ...before, ...value } : value;
      },
    };
  }
  const list: unknown[] = Array.isArray(holder[name]) ? holder[name] : [];
  holder[name] = list;
  const at = entry === 'add' ? list.length : entry;
  return {
    get: () => list[at],
    set: (value) => {
      const before = list[at];
      list[at] = isElement(before) && isElement(value) ? { ...before, ...value } : value;
    },
  };
}

/** Whether an element begins with the last name of a path, such as `source.endpoint` or `value`. */
function hasElement(root: Element, path: string): boolean {
  const names = path.split('.');
  let at: unknown = root;
  for (const name of names.slice(0, -1)) {
    const below: unknown = isElement(at) ? at[name] : undefined;
    at = Array.isArray(below) ? below[0] : below;
  }
  const last = names.at(-1) ?? '';
  return isElement(at) && Object.keys(at).some((name) => name.startsWith(last));
}

/** The components of PL from the outside in, with the physical type of the place each names. */
const LEVELS = [
  [4, 'si', 'Site'],
  [7, 'bu', 'Building'],
  [8, 'lvl', 'Level'],
  [1, 'wa', 'Ward'],
  [2, 'ro', 'Room'],
  [3, 'bd', 'Bed'],
] as const;

/** PL as Locations, each part of the one around it; a reference to the innermost. */
function placeReference(
  part: Part,
  { keep }: { readonly keep: (type: string, content: Element) => string },
): { readonly reference: string } | undefined {
  let around: string | undefined;
  const description = part.child(9)?.use();
  const levels = LEVELS.flatMap(([at, code, display]) => {
    const name = part.child(at)?.child(1)?.use();
    return name === undefined ? [] : [{ name, code, display }];
  });
  for (const [at, { name, code, display }] of levels.entries()) {
    around = keep('Location', {
      identifier: [{ value: name }],
      name,
      description: at === levels.length - 1 ? description : undefined,
      mode: 'instance',
      physicalType: {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/location-physical-type',
            code,
            display,
          },
        ],
      },
      partOf: around === undefined ? undefined : { reference: around },
    });
  }
  return around === undefined ? undefined : { reference: around };
}
