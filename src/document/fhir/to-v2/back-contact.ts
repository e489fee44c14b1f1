import { type Element, isElement } from '../v2/json.ts';
import { backCode } from './back-codes.ts';
import type { BackForm } from './back-context.ts';
import type { Cell } from './cell.ts';
import { entries, textIn } from './uses.ts';

/** The parts of a number that FHIR keeps as extensions. */
const NUMBER_PARTS: Readonly<Record<string, number>> = {
  country: 5,
  area: 6,
  local: 7,
  extension: 8,
};

/** ContactPoint as XTN: a number with parts in those, otherwise as one text. */
export const contactBack: BackForm = (found, cell, { uses }) => {
  const { value: point } = found;
  if (!isElement(point) || !cell.isEmpty || !valueBack(point, cell)) return false;
  const [use, equipment] = kindOf(systemOf(point), textIn(point, 'use'));
  cell.at(2)?.set(use);
  cell.at(3)?.set(equipment);
  cell.at(18)?.set(textIn(point, 'rank') ?? '');
  uses.useAll(found);
  return true;
};

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
