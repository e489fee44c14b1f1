const ZONE = '(?:[+-](?:0\\d|1[0-4])[0-5]\\d)?';
const CLOCK = '(?:[01]\\d|2[0-3])(?:[0-5]\\d(?:[0-5]\\d(?:\\.\\d{1,4})?)?)?';
const MONTH = '(?:0[1-9]|1[0-2])';
const DAY = '(?:0[1-9]|[12]\\d|3[01])';

/** How the values of a primitive type are written (HL7 chapter 2A). Types that may hold any text are not here. */
const SHAPES: ReadonlyMap<string, RegExp> = new Map([
  ['NM', /^[+-]?(?:\d+\.?\d*|\.\d+)$/],
  ['SI', /^\d{1,9}$/],
  ['DT', new RegExp(`^\\d{4}(?:${MONTH}(?:${DAY})?)?$`)],
  ['TM', new RegExp(`^${CLOCK}${ZONE}$`)],
  ['DTM', new RegExp(`^\\d{4}(?:${MONTH}(?:${DAY}(?:${CLOCK})?)?)?${ZONE}$`)],
]);

/** Whether a type's values have a shape that can be checked. */
export function hasShape(type: string): boolean {
  return SHAPES.has(type) || type === 'TS';
}

/** Whether a value is written as its type asks for. The empty value and HL7's null always are. */
export function fitsType(value: string, type: string): boolean {
  const text = value.trim();
  if (text === '' || text === '""') return true;
  // TS is a DTM with an outdated precision behind it.
  const shape = SHAPES.get(type === 'TS' ? 'DTM' : type);
  if (shape === undefined) return true;
  if (!shape.test(text)) return false;
  return type === 'NM' || type === 'SI' || type === 'TM' || isDay(text);
}

/** That the month has such a day. */
function isDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)/.exec(text) ?? [];
  if (day === undefined) return true;
  return Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
}
