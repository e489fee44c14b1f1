import { type Element, isElement } from '../v2/json.ts';
import { attachmentBack, linkedBack } from './back-attachments.ts';
import { conceptBack } from './back-concept.ts';
import type { BackContext } from './back-context.ts';
import { unitsBack } from './back-forms.ts';
import { v2Time, v2TimeOfDay } from './back-times.ts';
import type { Cell } from './cell.ts';
import type { TargetSegment } from './segment.ts';
import { below, entries, type Placed, textIn, textOf } from './uses.ts';

/** From here on a text is FT, which has no limit, as a line of ST has 199 characters. */
const LONG = 199;

/** What a version calls data types of values. */
export interface ValueTypes {
  readonly coded: 'CE' | 'CWE';
  readonly time: 'TS' | 'DTM';
}

/** How one OBX gets its value. */
interface ValueTarget {
  readonly segment: TargetSegment;
  readonly context: BackContext;
  readonly types: ValueTypes;
}

type Writer = (found: Placed, target: ValueTarget) => boolean;

/** Writes `value[x]` of an Observation or a component into OBX-2, 5 and 6. */
export function valueBack(element: Element, target: ValueTarget): boolean {
  for (const [name, write] of Object.entries(WRITERS)) {
    const found = below(element, name);
    if (found !== undefined && write(found, target)) return true;
  }
  return entries(element, 'extension').some(({ value }) => {
    const attachment = isElement(value) ? below(value, 'valueAttachment') : undefined;
    if (attachment === undefined) return false;
    if (!attachedBack(attachment, target)) return false;
    const url = isElement(value) ? below(value, 'url') : undefined;
    if (url !== undefined) target.context.uses.use(url);
    return true;
  });
}

/** An Attachment as OBX of ED, or of RP if it is elsewhere. */
export function attachedBack(found: Placed, target: ValueTarget): boolean {
  const hasData = isElement(found.value) && below(found.value, 'data') !== undefined;
  const [type, form] = hasData ? (['ED', attachmentBack] as const) : (['RP', linkedBack] as const);
  return writeValue(target, type, (cell) => form(found, cell, target.context, undefined));
}

function writeValue(
  { segment }: ValueTarget,
  type: string,
  write: (cell: Cell) => boolean,
): boolean {
  if (!segment.isValued(5)) segment.vary(type);
  const cell = segment.cell(5, { owner: 'value', isNew: segment.isValued(5) });
  if (cell === undefined || !write(cell)) return false;
  segment.put([2], type);
  return true;
}

const typed =
  (type: string, write: (text: string, target: ValueTarget) => string | undefined): Writer =>
  (found, target) => {
    const text = textOf(found.value);
    const made = text === undefined ? undefined : write(text, target);
    if (made === undefined || !writeValue(target, type, (cell) => cell.set(made))) return false;
    target.context.uses.use(found);
    return true;
  };

const WRITERS: Readonly<Record<string, Writer>> = {
  valueQuantity: quantityBack,
  valueCodeableConcept: (found, target) =>
    writeValue(target, target.types.coded, (cell) =>
      conceptBack(found, cell, target.context, undefined),
    ),
  valueString: textValue,
  valueInteger: typed('NM', (text) => text),
  valueBoolean: typed('ID', (text) => ({ true: 'Y', false: 'N' })[text]),
  valueDateTime: (found, target) => {
    const isDay = !(textOf(found.value) ?? '').includes('T');
    const type = isDay ? 'DT' : target.types.time;
    return typed(type, (text, { context }) => v2Time(text, context.zone))(found, target);
  },
  valueTime: typed('TM', v2TimeOfDay),
  valueRange: (found, target) => {
    if (!isElement(found.value)) return false;
    const [low, high] = ['low', 'high'].map((name) => quantityIn(found.value, name));
    if (low === undefined || high === undefined) return false;
    return structured(found, target, ['', numberIn(low), '-', numberIn(high)], low);
  },
  valueRatio: (found, target) => {
    const [one, other] = ['numerator', 'denominator'].map((name) => quantityIn(found.value, name));
    if (one === undefined || other === undefined) return false;
    const comparator = textIn(one, 'comparator') ?? '';
    return structured(found, target, [comparator, numberIn(one), ':', numberIn(other)], one);
  },
  valuePeriod: (found, target) => {
    const { value } = found;
    if (!isElement(value)) return false;
    const [start, end] = ['start', 'end'].map((name) =>
      v2Time(textIn(value, name) ?? '', target.context.zone),
    );
    const wrote = writeValue(target, 'DR', (cell) => {
      const began = start !== undefined && cell.at(1)?.set(start) === true;
      return (end !== undefined && cell.at(2)?.set(end) === true) || began;
    });
    if (wrote) target.context.uses.useAll(found);
    return wrote;
  },
};

function quantityBack(found: Placed, target: ValueTarget): boolean {
  const { value: quantity } = found;
  if (!isElement(quantity)) return false;
  const value = textIn(quantity, 'value');
  const comparator = textIn(quantity, 'comparator');
  if (value === undefined) return false;
  if (comparator !== undefined) return structured(found, target, [comparator, value], quantity);
  if (!writeValue(target, 'NM', (cell) => cell.set(value))) return false;
  target.context.uses.useIn(quantity, ['value']);
  unitBack(quantity, target);
  return true;
}

function unitBack(quantity: Element, { segment, context }: ValueTarget): void {
  const cell = segment.cell(6, { owner: 'value', isNew: false });
  if (cell?.isEmpty === true) unitsBack(quantity, cell, context);
}

/** SN: comparison, number, separator, number. */
function structured(
  found: Placed,
  target: ValueTarget,
  parts: readonly string[],
  quantity: Element,
): boolean {
  const wrote = writeValue(target, 'SN', (cell) => {
    for (const [at, part] of parts.entries()) if (part !== '') cell.at(at + 1)?.set(part);
    return !cell.isEmpty;
  });
  if (!wrote) return false;
  target.context.uses.useAll(found);
  unitBack(quantity, target);
  return true;
}

/** Lines of a text are repetitions where the version has no formatted text for them. */
function textValue(found: Placed, target: ValueTarget): boolean {
  const text = textOf(found.value);
  if (text === undefined) return false;
  const isLong = text.length > LONG || /[\r\n]/.test(text);
  return typed(isLong ? 'FT' : 'ST', () => text)(found, target);
}

function quantityIn(value: unknown, name: string): Element | undefined {
  const found = isElement(value) ? below(value, name)?.value : undefined;
  return isElement(found) && textIn(found, 'value') !== undefined ? found : undefined;
}

const numberIn = (quantity: Element): string => textIn(quantity, 'value') ?? '';

/** The range that is normal, as OBX-7 says it: its text, `3.5-5.0`, `>3.5` or `<5.0`. */
export function rangeBack(observation: Element, { segment, context }: ValueTarget): void {
  const [found] = entries(observation, 'referenceRange');
  if (!isElement(found?.value)) return;
  const text = textIn(found.value, 'text') ?? limits(found.value);
  const cell = segment.cell(7, { owner: 'value', isNew: false });
  if (text === undefined || cell?.set(text) !== true) return;
  context.uses.useIn(found.value, ['text', 'low', 'high']);
}

function limits(range: Element): string | undefined {
  const [low, high] = ['low', 'high'].map((name) => {
    const quantity = quantityIn(range, name);
    return quantity === undefined ? undefined : numberIn(quantity);
  });
  if (low !== undefined) return high === undefined ? `>${low}` : `${low}-${high}`;
  return high === undefined ? undefined : `<${high}`;
}
