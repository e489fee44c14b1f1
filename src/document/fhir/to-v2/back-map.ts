import { isFixed } from '../v2/apply-map.ts';
import { fixedConcept } from '../v2/codes.ts';
import { type Element, isElement, type Resource } from '../v2/json.ts';
import { mapNamed } from '../v2/maps.ts';
import {
  type Form,
  type MapRow,
  type RowCondition,
  readMaps,
  type Source,
  type Target,
  type TargetStep,
} from '../v2/read-map.ts';
import type { BackContext } from './back-context.ts';
import { BACK_FORMS } from './back-forms.ts';
import type { Cell } from './cell.ts';
import { BACK_ROWS } from './map/back-rows.ts';
import type { TargetSegment } from './segment.ts';
import { below, entries, type Placed, textIn, textOf } from './uses.ts';

/** What the rows of one table are read backwards for. */
export interface BackFrame {
  readonly context: BackContext;
  readonly segment: TargetSegment;
  /** Undefined for the segment itself. */
  readonly cell: Cell | undefined;
  readonly root: Element;
  /** MSH-9.1 */
  readonly type: string;
  /** A resource of the message that rows name: `Encounter/diagnosis`. */
  readonly related: (name: string) => Element | undefined;
  /** The table and resource whose rows run: fields belong to the first that wrote them. */
  readonly owner: string;
  /** What a row says of every such element anyway, such as the type of a visit number. */
  readonly implied?: ReadonlySet<unknown> | undefined;
}

/** Whether a table, read backwards, wrote anything. */
export function mapBack(name: string, frame: BackFrame): boolean {
  const taken = new Map<object, Set<string | number>>();
  const results = backRules(name).map((row) => tableRowBack(row, frame, taken));
  return results.includes(true);
}

/** One row for everything it is for; what an earlier row took is not for it. */
function tableRowBack(
  row: MapRow,
  frame: BackFrame,
  taken: Map<object, Set<string | number>>,
): boolean {
  const { target, source } = row;
  if (target === undefined || !isOurs(row, frame)) return false;
  let wrote = false;
  for (const found of placesAt(rootOf(target, frame), target.steps)) {
    const keys = taken.get(found.holder) ?? new Set();
    const isFree = frame.implied?.has(found.value) !== true && !keys.has(found.key);
    if (!isFree || !rowBack(row, found, frame)) continue;
    // the element itself is for every row
    if (target.steps.length > 0) taken.set(found.holder, keys.add(found.key));
    wrote = true;
  }
  return wrote && (source !== undefined || isMade(row));
}

const isMade = ({ form }: MapRow): boolean => form?.kind === 'named' || form?.kind === 'made';

/** Rows that read another segment are for that one. */
function isOurs({ source, conditions }: MapRow, { segment, type, cell }: BackFrame): boolean {
  const other = source?.segment;
  if (other !== undefined && (other !== segment.name || cell !== undefined)) return false;
  return conditions.every(({ kind, source: { segment: of, numbers }, values }) => {
    if (of === undefined || of === segment.name) return true;
    const isType = of === 'MSH' && numbers.join('.') === '9.1';
    return isType && values.includes(type) === (kind === 'is');
  });
}

function rootOf({ resource }: Target, frame: BackFrame): Element | undefined {
  return resource === undefined ? frame.root : frame.related(resource);
}

/** Everything at a path of elements; of a list, each entry. */
function placesAt(root: Element | undefined, steps: readonly TargetStep[]): Placed[] {
  if (root === undefined) return [];
  let found: Placed[] = [{ holder: steps, key: '', value: root }];
  for (const { name, entry } of steps) {
    found = found.flatMap(({ value }) => {
      if (!isElement(value)) return [];
      if (entry === 'add') return entries(value, name);
      const all = entry === undefined ? [below(value, name)] : [entries(value, name)[entry]];
      return all.flatMap((one) => one ?? []);
    });
  }
  return found;
}

function rowBack(row: MapRow, found: Placed, frame: BackFrame): boolean {
  if (!row.conditions.every((condition) => mayHold(condition, frame))) return false;
  const element = isElement(found.value) ? found.value : undefined;
  if (!isFor(row, element, frame)) return false;
  const isNew = row.target?.steps.some(({ entry }) => entry === 'add') === true;
  const place = { row, isNew };
  const { form, extras } = row;
  const main =
    form === undefined
      ? undefined
      : formBack(form, found, place, { ...frame, implied: impliedIn(row, element) });
  const others = extras.map((extra) => extraBack(extra, element, place, frame));
  if (main === false || (![main, ...others].includes(true) && others.includes(false))) return false;
  for (const condition of row.conditions) makeHold(condition, frame);
  if (isFixedRow(row)) frame.context.uses.useAll(found);
  return true;
}

/** Whether an element has what a row says of every such element. */
function isFor({ extras }: MapRow, element: Element | undefined, frame: BackFrame): boolean {
  if (extras.length === 0) return true;
  return element !== undefined && extras.every((extra) => fits(extra, element, frame));
}

interface Place {
  readonly row: MapRow;
  /** Whether each found element is a repetition of its own. */
  readonly isNew: boolean;
}

const isFixedRow = ({ form, extras }: MapRow): boolean =>
  [...(form === undefined ? [] : [form]), ...extras.map((extra) => extra.form)].every(isFixed);

function impliedIn(
  { extras }: MapRow,
  element: Element | undefined,
): ReadonlySet<unknown> | undefined {
  if (element === undefined || extras.length === 0) return undefined;
  const found = extras.map(({ target, form }) =>
    isFixed(form) ? fixedAt(target, form, element)?.value : undefined,
  );
  return new Set(found.filter((value) => typeof value === 'object'));
}

function fits(
  { target, form }: MapRow['extras'][number],
  element: Element,
  frame: BackFrame,
): boolean {
  if (form.kind === 'current') {
    return placesAt(element, target.steps).some((found) => leadsTo(form.name, found, frame));
  }
  if (!isFixed(form) || target.ifMissing) return true;
  return fixedAt(target, form, element) !== undefined;
}

function leadsTo(name: string, { value }: Placed, { context, related }: BackFrame): boolean {
  const target = isElement(value) ? context.resolve(value) : undefined;
  return target !== undefined && target === related(name);
}

function fixedAt({ steps }: Target, form: Form, element: Element): Placed | undefined {
  // a participant may have several types: any will do
  const anywhere = steps.map((step) => ({ ...step, entry: step.entry && ('add' as const) }));
  return placesAt(element, anywhere).find(({ value }) => isSame(form, value));
}

function isSame({ kind, name }: Form, value: unknown): boolean {
  if (kind === 'fixed') return textOf(value) === name;
  if (kind === 'extension') return value === `http://hl7.org/fhir/StructureDefinition/${name}`;
  const [wanted] = fixedConcept(name).coding ?? [];
  return (
    isElement(value) &&
    entries(value, 'coding').some(
      ({ value: coding }) =>
        isElement(coding) &&
        textIn(coding, 'code') === wanted?.code &&
        [wanted?.system, undefined].includes(textIn(coding, 'system')),
    )
  );
}

/** Undefined where there is nothing to write: what is the same for every message. */
function formBack(form: Form, found: Placed, place: Place, frame: BackFrame): boolean | undefined {
  const { context } = frame;
  if (isFixed(form)) {
    if (!isSame(form, found.value)) return false;
    context.uses.useAll(found);
    return undefined;
  }
  if (form.kind === 'current') {
    if (!leadsTo(form.name, found, frame)) return false;
    context.uses.useAll(found);
    return undefined;
  }
  const source = form.source ?? place.row.source;
  const cell = source === undefined ? frame.cell : cellAt(source, place, frame);
  if (cell === undefined && source !== undefined) return false;
  if (form.kind === 'made') return madeBack(form, found, cell, frame);
  return cell !== undefined && namedBack(form, found, cell, frame);
}

function extraBack(
  { target, form }: MapRow['extras'][number],
  element: Element | undefined,
  place: Place,
  frame: BackFrame,
): boolean | undefined {
  if (element === undefined) return false;
  if (isFixed(form)) {
    const found = fixedAt(target, form, element);
    if (found !== undefined) frame.context.uses.useAll(found);
    return undefined;
  }
  if (form.kind === 'current') return undefined;
  const wrote = placesAt(element, target.steps)
    .map((found) => formBack(form, found, place, frame))
    .some((one) => one === true);
  // what comes with the main value may be missing
  return wrote || (form.source === undefined ? false : undefined);
}

function cellAt({ numbers }: Source, { isNew }: Place, frame: BackFrame): Cell | undefined {
  if (frame.cell !== undefined) return frame.cell.deep(numbers);
  const [field = 0, ...parts] = numbers;
  const { segment, owner } = frame;
  return segment.cell(field, { owner, isNew: isNew && parts.length === 0 })?.deep(parts);
}

/** A reference: the rows of its table read the resource that it leads to. */
function madeBack(
  { name, table = '' }: Form,
  found: Placed,
  cell: Cell | undefined,
  frame: BackFrame,
): boolean {
  const { context } = frame;
  if (!isElement(found.value)) return false;
  const target = asType(name, context.resolve(found.value), context);
  if (target === undefined) return false;
  const wrote =
    table === 'PL'
      ? cell?.isEmpty === true && placeBack(target, cell, context)
      : cell?.isEmpty !== false && mapBack(table, { ...frame, cell, root: target });
  if (wrote) context.uses.useAll(found);
  return wrote;
}

/** A person in a role is the person. */
function asType(
  type: string,
  resource: Resource | undefined,
  context: BackContext,
): Resource | undefined {
  if (resource?.resourceType === type) return resource;
  if (resource?.resourceType !== 'PractitionerRole') return undefined;
  const inner = below(
    resource,
    { Practitioner: 'practitioner', Organization: 'organization' }[type] ?? '',
  );
  if (!isElement(inner?.value)) return undefined;
  const found = context.resolve(inner.value);
  if (found?.resourceType !== type) return undefined;
  context.uses.useAll(inner);
  return found;
}

function namedBack(form: Form, found: Placed, cell: Cell, frame: BackFrame): boolean {
  const known = BACK_FORMS[form.name];
  const wrote =
    known === undefined
      ? isElement(found.value) && mapBack(form.name, { ...frame, cell, root: found.value })
      : known(found, cell, frame.context, form.table);
  if (wrote) note(frame, found);
  return wrote;
}

/** The element counts as used as far as its rows used it. */
function note({ context }: BackFrame, found: Placed): void {
  if (textOf(found.value) !== undefined) context.uses.use(found);
}

/** Conditions on fields: whether they hold, or could if the field is written. */
function mayHold({ kind, source, values }: RowCondition, frame: BackFrame): boolean {
  if ((kind !== 'is' && kind !== 'not') || isHeader(source)) return true;
  const text = peek(source, frame);
  if (kind === 'not') return !values.includes(text);
  return text === '' ? values.length === 1 : values.includes(text);
}

function makeHold({ kind, source, values }: RowCondition, frame: BackFrame): void {
  const [value] = values;
  if (kind !== 'is' || value === undefined || isHeader(source)) return;
  if (frame.cell !== undefined) frame.cell.deep(source.numbers)?.set(value);
  else frame.segment.put(source.numbers, value);
}

const isHeader = ({ segment }: Source): boolean => segment === 'MSH';

const peek = ({ numbers }: Source, { cell, segment }: BackFrame): string =>
  cell === undefined ? segment.text(numbers) : (cell.deep(numbers)?.text ?? '');

/** Where PL has a place of a physical type. */
const LEVELS: Readonly<Record<string, number>> = {
  si: 4,
  bu: 7,
  wi: 7,
  lvl: 8,
  wa: 1,
  ro: 2,
  bd: 3,
};

/** How far `partOf` is followed: deeper than PL is, and an end for a circle. */
const DEEP = 8;

/** A Location and those around it as PL. */
function placeBack(location: Resource, cell: Cell, context: BackContext): boolean {
  let place: Resource | undefined = location;
  let wrote = false;
  for (let step = 0; place !== undefined && step < DEEP; step++) {
    if (levelBack(place, cell, context)) wrote = true;
    const around = below(place, 'partOf');
    if (around !== undefined) context.uses.useAll(around);
    place = isElement(around?.value) ? context.resolve(around.value) : undefined;
  }
  return wrote;
}

function levelBack(place: Resource, cell: Cell, { uses }: BackContext): boolean {
  const [identifier] = entries(place, 'identifier');
  const value = isElement(identifier?.value) ? textIn(identifier.value, 'value') : undefined;
  const name = value ?? textIn(place, 'name') ?? '';
  const level = cell.at(LEVELS[physicalType(place)] ?? 1);
  if (level?.isEmpty !== true || !level.set(name)) return false;
  uses.useIn(place, ['name', 'identifier', 'physicalType', 'mode']);
  const description = textIn(place, 'description') ?? '';
  if (cell.at(9)?.set(description) === true) uses.useIn(place, ['description']);
  return true;
}

function physicalType(place: Element): string {
  const type = below(place, 'physicalType')?.value;
  const [coding] = isElement(type) ? entries(type, 'coding') : [];
  return isElement(coding?.value) ? (textIn(coding.value, 'code') ?? '') : '';
}

const known = new Map<string, readonly MapRow[]>();

/** The rows of a table in the order in which they are read backwards: what asks for most comes first. */
function backRules(name: string): readonly MapRow[] {
  const before = known.get(name);
  if (before !== undefined) return before;
  const text = Object.hasOwn(BACK_ROWS, name) ? (BACK_ROWS[name] ?? '') : '';
  const lines = text.split('\n').filter((line) => line !== '');
  const left = new Set(lines.filter((line) => line.startsWith('- ')).map((line) => line.slice(2)));
  const more = lines.filter((line) => !line.startsWith('- '));
  const [own] = readMaps(`= ${name}\n${more.join('\n')}`);
  const rows = mapNamed(name).rows.filter((row) => !left.has(placeOf(row)));
  const all = [...rows, ...(own?.rows ?? [])];
  const made = all.toSorted((one, other) => demandOf(other) - demandOf(one));
  known.set(name, made);
  return made;
}

/** `5 component`: a row by its source and the first element of its target. */
function placeOf({ source, target }: MapRow): string {
  const from = source === undefined ? '*' : source.numbers.join('.');
  return `${from} ${target?.steps[0]?.name ?? (target === undefined ? '-' : '.')}`;
}

const WHOLE: ReadonlySet<string> = new Set(['ORCrole', 'OBXorganization']);

/** How much a row asks of an element before it is for it. */
function demandOf({ extras, conditions, form }: MapRow): number {
  const fixed = extras.filter(
    ({ target, form: { kind } }) =>
      !target.ifMissing && (kind === 'fixed' || kind === 'concept' || kind === 'extension'),
  );
  const isTable = form?.name === 'CWE' && /^\d+$/.test(form.table ?? '');
  const asked = fixed.length + conditions.filter(({ kind }) => kind === 'is').length;
  // what has fields of its own for all that is known of somebody
  const isWhole = form?.kind === 'made' && WHOLE.has(form.table ?? '');
  return asked + (isTable ? 0.5 : 0) + (isWhole ? 1 : 0);
}
