import { exactNumber, isExactNumber } from '../../json/exact-json.ts';

/** A FHIR element or resource while it is being made. */
export interface Element {
  [name: string]: unknown;
}

/** A resource of a message. */
export interface Resource extends Element {
  resourceType: string;
}

export const isElement = (value: unknown): value is Element =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);

const DECIMAL = /^[+-]?\d{1,15}(?:\.\d{1,15})?$/;

/** A number in JSON; undefined if the text is none. */
export const decimal = (text: string): unknown =>
  DECIMAL.test(text) ? jsonNumber(text) : undefined;

/** A number as JSON writes it, with the digits that it came with. */
function jsonNumber(text: string): unknown {
  const written = /^[+-]?0*(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (written === undefined) return Number(text);
  return exactNumber(`${text.startsWith('-') ? '-' : ''}${written}`);
}

/** Without empty elements, gaps and repeated entries; undefined if nothing is left. */
export function tidy(value: unknown): unknown {
  if (Array.isArray(value)) {
    const kept = value.map(tidy).filter((one) => one !== undefined);
    if (kept.length < 2) return kept.length === 0 ? undefined : kept;
    const seen = new Set<string>();
    const distinct = kept.filter((one) => {
      const text = JSON.stringify(one);
      return !seen.has(text) && seen.add(text);
    });
    return distinct;
  }
  if (!isElement(value)) return value === '' ? undefined : value;
  const result: Element = {};
  let isEmpty = true;
  for (const name in value) {
    const kept = tidy(value[name]);
    if (kept === undefined) continue;
    result[name] = kept;
    isEmpty = false;
  }
  return isEmpty ? undefined : result;
}
