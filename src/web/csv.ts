/**
 * Where a spreadsheet would begin a formula: at the beginning, and after a separator of other countries, at which one that
 * is set up for them divides a value, even a quoted one.
 */
const FORMULA = /(^|[;\t\r\n])(?= *[=+\-@＝＋－＠])/g;

/** One value of a line. An apostrophe disarms text that a spreadsheet would treat as a formula. */
export function csvValue(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string' || value === '') return '';
  const text = value.replaceAll(FORMULA, "$1'");
  return /[",;\r\n\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
