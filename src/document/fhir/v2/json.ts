/** A FHIR element or resource while it is being made. */
export interface Element {
  [name: string]: unknown;
}

/** A resource of a message. */
export interface Resource extends Element {
  resourceType: string;
}

export const isElement = (value: unknown): value is Element =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isRaw(value);

const DECIMAL = /^[+-]?\d{1,15}(?:\.\d{1,15})?$/;

/** A number in JSON; undefined if the text is none. */
export const decimal = (text: string): unknown =>
  DECIMAL.test(text) ? exactNumber(text) : undefined;

/** A number written with the digits it came with, where the engine can. */
function exactNumber(text: string): unknown {
  const { rawJSON } = JSON as { rawJSON?: (json: string) => unknown };
  const written = /^[+-]?0*(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (rawJSON === undefined || written === undefined) return Number(text);
  return rawJSON(`${text.startsWith('-') ? '-' : ''}${written}`);
}

const isRaw = (value: object): boolean => Object.getPrototypeOf(value) === null;

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
