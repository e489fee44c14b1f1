/** Numbers as they are written in JSON; a text with the same characters is only looked at in vain. */
const NUMBER = /(?:^|[\s:,[])(-?\d[\d.eE+-]*)/g;

type Reviver = (
  this: unknown,
  key: string,
  value: unknown,
  context?: { source?: string },
) => unknown;

const { rawJSON, isRawJSON } = JSON as {
  rawJSON?: (json: string) => object;
  isRawJSON?: (value: unknown) => boolean;
};

/**
 * What `JSON.parse` makes of a text that `JSON.stringify` is to write again: numbers that would be written
 * with other digits (`1.50`, of which FHIR counts the last digit, or a number of twenty digits) stay as
 * they are. Such a number is an object that only `JSON.stringify` reads; who looks at values parses the
 * text without this. Throws a SyntaxError, which quotes the text.
 */
export function exactJson(text: string): unknown {
  if (writesBack(text)) return JSON.parse(text);
  return JSON.parse(text, exact);
}

/** What a text holds, for who looks at it, and the same to be written again; one value where these are the same. */
export function jsonToKeep(text: string): { readonly value: unknown; readonly exact: unknown } {
  const value: unknown = JSON.parse(text);
  return { value, exact: writesBack(text) ? value : JSON.parse(text, exact) };
}

/**
 * What a number has that may not be written again as it is: an exponent, a fraction that ends with 0, more digits than
 * are kept, `-0`, or a fraction so small that it gets an exponent. Texts have it too; it only says where to look.
 */
const DOUBTFUL =
  /\d[eE]|\.\d*0(?!\d)|-0(?![.\d])|0\.000000|[\s:,[]-?(?=[\d.]{16})\d+(?:\.\d+)?(?![\d.])|^-?[\d.]{16}/;

/** Whether each number of a JSON text is written again with the same digits. */
export function writesBack(text: string): boolean {
  if (!DOUBTFUL.test(text)) return true;
  for (const [, number = ''] of text.matchAll(NUMBER)) {
    if (!keepsDigits(number)) return false;
  }
  return true;
}

/** Whether a number is written again with the same digits. */
export const keepsDigits = (number: string): boolean => String(Number(number)) === number;

const exact: Reviver = (_key, value, context) => {
  const source = context?.source;
  const same = typeof value !== 'number' || source === undefined || String(value) === source;
  return same ? value : exactNumber(source);
};

/** A number with the digits of its JSON, where the engine can: an object that only `JSON.stringify` reads. */
export const exactNumber = (json: string): unknown => rawJSON?.(json) ?? Number(json);

/** Whether a value is a number of `exactJson` that is kept as it was written. */
export const isExactNumber = (value: unknown): boolean => isRawJSON?.(value) === true;
