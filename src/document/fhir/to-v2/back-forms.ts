import { type Element, isElement } from '../v2/json.ts';
import { attachmentBack, linkedBack } from './back-attachments.ts';
import { backCode, localName, objectId, systemName } from './back-codes.ts';
import { codeTextBack, codingBack, conceptBack } from './back-concept.ts';
import type { BackContext, BackForm } from './back-context.ts';
import { v2Time, v2TimeOfDay } from './back-times.ts';
import type { Cell } from './cell.ts';
import { below, entries, type Placed, textIn, textOf } from './uses.ts';

/** A primitive; what `write` makes nothing of is not in the message. */
const simple =
  (write: (text: string, context: BackContext) => string | undefined): BackForm =>
  (found, cell, context) => {
    const text = textOf(found.value);
    const made = text === undefined ? undefined : write(text, context);
    if (made === undefined || made === '' || !cell.set(made)) return false;
    context.uses.use(found);
    return true;
  };

const same = simple((text) => text);
const time = simple((text, { zone }) => v2Time(text, zone));

/** The forms of `v2/forms.ts`, backwards. */
export const BACK_FORMS: Readonly<Record<string, BackForm>> = {
  string: same,
  markdown: same,
  whole: same,
  lines: same,
  integer: same,
  positiveInt: same,
  decimal: same,
  dose: same,
  endpoint: (found, cell, context) => {
    const uri = textOf(found.value);
    if (uri === undefined || !hierarchic(uri, cell, [1, 2, 3], new Map())) return false;
    context.uses.use(found);
    return true;
  },
  code: (found, cell, context, table) =>
    simple((text) => (table === undefined ? text : backCode(table, text)))(
      found,
      cell,
      context,
      undefined,
    ),
  boolean: simple((text) => ({ true: 'Y', false: 'N' })[text]),
  date: (found, cell, { uses }) => {
    const day = v2Time(textOf(found.value) ?? '', undefined)?.slice(0, 8);
    if (day === undefined || !(cell.text.startsWith(day) || cell.set(day))) return false;
    uses.use(found);
    return true;
  },
  dateTime: time,
  instant: time,
  time: simple(v2TimeOfDay),
  /** The time of a birth is also its date, which may be there already. */
  timed: (found, cell, context) => {
    const made = v2Time(textOf(found.value) ?? '', context.zone);
    if (made?.startsWith(cell.text) !== true) return false;
    context.uses.use(found);
    return cell.append(made.slice(cell.text.length), '');
  },
  /** Behind what is there, after a blank. */
  appended: (found, cell, { uses }) => {
    const text = textOf(found.value);
    if (text === undefined) return false;
    uses.use(found);
    return cell.append(text, ' ');
  },
  days: (found, cell, { uses }) => {
    const { value } = found;
    if (!isElement(value) || !['d', undefined].includes(textIn(value, 'code'))) return false;
    if (!cell.set(textIn(value, 'value') ?? '')) return false;
    uses.useAll(found);
    return true;
  },
  CWE: conceptBack,
  coding: codingBack,
  codeText: codeTextBack,
  system: simple((text, { names }) => systemName(text, names)),
  plainSystem: simple((text, { names }) => names.get(text) ?? localName(text) ?? text),
  universalId: simple((text) => objectId(text)),
  authority: (found, cell, { uses, names }) => {
    if (!hierarchic(textOf(found.value) ?? '', cell, [1, 2, 3], names)) return false;
    uses.use(found);
    return true;
  },
  entitySystem: (found, cell, { uses, names }) => {
    if (!hierarchic(textOf(found.value) ?? '', cell, [2, 3, 4], names)) return false;
    uses.use(found);
    return true;
  },
  /** What kind of identifier one of an element's is, if that can be seen. */
  idType: ({ value }, cell) => {
    const ids = isElement(value) ? entries(value, 'identifier') : [];
    const isObject = ids.some(
      ({ value: one }) => isElement(one) && objectId(textIn(one, 'value') ?? '') !== undefined,
    );
    return isObject && cell.set('ISO');
  },
  assigner: (found, cell, { uses }) => {
    const { value } = found;
    const name = isElement(value) ? textIn(value, 'display') : undefined;
    if (name === undefined || cell.at(1)?.set(name) !== true) return false;
    uses.useAll(found);
    return true;
  },
  identifierType: (found, cell, { uses }) => {
    const { value } = found;
    const [coding] = isElement(value) ? entries(value, 'coding') : [];
    const code = isElement(coding?.value) ? textIn(coding.value, 'code') : undefined;
    if (coding === undefined || code === undefined || !cell.set(code)) return false;
    uses.useAll(coding);
    return true;
  },
  XTN: contactBack,
  Units: (found, cell, context) => isElement(found.value) && unitsBack(found.value, cell, context),
  ED: attachmentBack,
  RP: linkedBack,
  race: raceBack,
};

const KINDS: Readonly<Record<string, string>> = { oid: 'ISO', uuid: 'UUID', dns: 'DNS' };

/** A URI as HD, whose name, id and type are at these numbers. */
function hierarchic(
  uri: string,
  cell: Cell,
  [name, id, type]: readonly [number, number, number],
  names: BackContext['names'],
): boolean {
  const local = names.get(uri) ?? localName(uri);
  if (local !== undefined) return cell.at(name)?.set(local) === true;
  const [, kind = '', rest = uri] = /^urn:(oid|uuid|dns):(.+)$/.exec(uri) ?? [];
  const own = cell.at(id);
  // before 2.3 an authority is only a name
  if (own === undefined) return cell.at(name)?.set(rest) === true;
  if (!own.set(rest)) return false;
  cell.at(type)?.set(KINDS[kind] ?? 'URI');
  return true;
}

/** The unit of a Quantity as CWE. */
export function unitsBack(quantity: Element, cell: Cell, { uses, names }: BackContext): boolean {
  const [unit = '', code, system] = ['unit', 'code', 'system'].map((name) =>
    textIn(quantity, name),
  );
  const shown = code ?? unit;
  if (cell.at(1)?.set(shown) !== true) return false;
  if (unit !== shown) cell.at(2)?.set(unit);
  if (system !== undefined && code !== undefined) cell.at(3)?.set(systemName(system, names));
  uses.useIn(quantity, ['unit', 'code', 'system']);
  return true;
}

/** The extension of US Core for race and ethnicity. */
function raceBack({ value }: Parameters<BackForm>[0], cell: Cell, context: BackContext): boolean {
  if (!isElement(value)) return false;
  const parts = entries(value, 'extension').filter((one) => isElement(one.value));
  const wrote = parts.filter((part) => {
    const { value: inner } = part;
    if (!isElement(inner)) return false;
    const coding = below(inner, 'valueCoding');
    const text = below(inner, 'valueString');
    const isWritten =
      (coding !== undefined && codingBack(coding, cell, context, undefined)) ||
      (text !== undefined && (cell.at(2) ?? cell).set(textOf(text.value) ?? ''));
    if (isWritten) context.uses.useAll(part);
    return isWritten;
  });
  return wrote.length > 0;
}

/** The parts of a number that FHIR keeps as extensions. */
const NUMBER_PARTS: Readonly<Record<string, number>> = {
  country: 5,
  area: 6,
  local: 7,
  extension: 8,
};

/** ContactPoint as XTN: a number with parts in those, otherwise as one text. */
function contactBack(found: Placed, cell: Cell, { uses }: BackContext): boolean {
  const { value: point } = found;
  if (!isElement(point) || !cell.isEmpty || !valueBack(point, cell)) return false;
  const [use, equipment] = kindOf(systemOf(point), textIn(point, 'use'));
  cell.at(2)?.set(use);
  cell.at(3)?.set(equipment);
  cell.at(18)?.set(textIn(point, 'rank') ?? '');
  uses.useAll(found);
  return true;
}

const systemOf = (point: Element): string => textIn(point, 'system') ?? 'phone';

function valueBack(point: Element, cell: Cell): boolean {
  const value = textIn(point, 'value');
  if (value === undefined) return false;
  const isMail = ['email', 'url'].includes(systemOf(point));
  if (isMail) return cell.at(4)?.set(value) === true;
  return numberBack(point, cell) || wholeBack(value, cell);
}

/** XTN-1 is what most read; 2.7 has only the twelfth. */
const wholeBack = (value: string, cell: Cell): boolean =>
  [1, 12].some((at) => cell.at(at)?.set(value) === true);

function numberBack(point: Element, cell: Cell): boolean {
  const wrote = entries(point, 'extension').filter(({ value }) => {
    if (!isElement(value)) return false;
    const name = /contactpoint-(\w+)$/.exec(textIn(value, 'url') ?? '')?.[1] ?? '';
    const number = Object.hasOwn(NUMBER_PARTS, name) ? NUMBER_PARTS[name] : undefined;
    return (
      number !== undefined && cell.at(number)?.set(textIn(value, 'valueString') ?? '') === true
    );
  });
  return wrote.length > 0;
}

/** XTN-2 and XTN-3. */
function kindOf(system: string, use: string | undefined): readonly [use: string, kind: string] {
  if (system === 'email') return ['NET', 'Internet'];
  if (use === 'mobile' && system === 'phone') return ['PRN', 'CP'];
  const known = use === undefined ? undefined : backCode('TelecomUse', use);
  return [known ?? '', backCode('TelecomSystem', system) ?? ''];
}
