import { type Element, isElement, type Resource } from '../v2/json.ts';
import type { BackContext } from './back-context.ts';
import type { Cell } from './cell.ts';
import { below, entries, textIn } from './uses.ts';

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
export function placeBack(location: Resource, cell: Cell, context: BackContext): boolean {
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
