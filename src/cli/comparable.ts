import { isUtf8 } from 'node:buffer';

/** How far two messages may differ and still count as the same. */
export interface Likeness {
  /** Fields of HL7 that may differ, such as `MSH-7`. */
  readonly ignore: readonly string[];
  /** Nothing may differ, not even line ends. */
  readonly exact: boolean;
}

/** The text of a body, in UTF-8 or else in ISO-8859-1, without a byte order mark and the frame of MLLP. */
export function textOf(bytes: Uint8Array): { readonly text: string; readonly isLatin: boolean } {
  const isLatin = !isUtf8(bytes);
  const text = isLatin ? Buffer.from(bytes).toString('latin1') : new TextDecoder().decode(bytes);
  return { text: unframed(text), isLatin };
}

/** What was recorded of a connection may have several frames. */
function unframed(text: string): string {
  if (!text.startsWith('\u000b')) return text;
  const frames = text.split('\u001c').map((one) => one.trimStart());
  return frames.filter((one) => one !== '').join('\r');
}

/** The messages in the text of a file: those of HL7 may stand one after the other, also in a batch. */
export function messagesIn(text: string): string[] {
  if (!/^\s*(?:MSH|FHS|BHS)\W/.test(text)) return [text];
  return text
    .split(/(?<=^|[\r\n])(?=MSH\W)/)
    .map((one) => one.replaceAll(/(?<=^|[\r\n])(?:FHS|BHS|BTS|FTS)\W[^\r\n]*[\r\n]*/g, ''))
    .filter((one) => one.trim() !== '');
}

/** The text as it is compared: equal for two messages that count as the same. */
export function comparable(text: string, { ignore, exact }: Likeness): string {
  if (exact) return text;
  const trimmed = text.trim();
  if (/^MSH\W/.test(trimmed)) return comparableHl7(trimmed, ignore);
  if (/^[[{]/.test(trimmed)) return comparableJson(trimmed);
  if (trimmed.startsWith('<'))
    return trimmed.replace(/^<\?xml[^>]*\?>\s*/, '').replaceAll(/>\s+</g, '><');
  return trimmed.replaceAll(/\r\n?/g, '\n').replaceAll(/[ \t]+$/gm, '');
}

function comparableHl7(text: string, ignore: readonly string[]): string {
  const [separator = '|'] = text[3] ?? '|';
  // the fourth is the mark of an escape, which ends a text
  const given = `${text.slice(3, 6)}${text.slice(7, 8)}` || '|';
  const marks = given.replaceAll(/[\\\]^-]/g, String.raw`\$&`);
  const ends = new RegExp(`[${marks}]+$`);
  return text
    .split(/[\r\n]+/)
    .map((segment) => {
      const fields = segment.split(separator);
      const [name = ''] = fields;
      for (const place of ignore) {
        const [of, number] = place.split('-');
        // the separator itself is MSH-1
        const index = Number(number) - (name === 'MSH' ? 1 : 0);
        if (of === name && index > 0 && index < fields.length) fields[index] = '';
      }
      const isHeader = name === 'MSH' && fields.length < 3;
      const whole = fields.join(separator).trimEnd();
      return isHeader ? whole : whole.replace(ends, '');
    })
    .filter((segment) => segment !== '')
    .join('\r');
}

function comparableJson(text: string): string {
  try {
    return JSON.stringify(sorted(JSON.parse(text, asWritten)));
  } catch (error) {
    // not JSON after all, or nested too deeply
    if (error instanceof SyntaxError || error instanceof RangeError) return text;
    throw error;
  }
}

/** Numbers that JavaScript would round, such as long identifiers, as they are written. */
function asWritten(_: string, value: unknown, at?: { readonly source?: string }): unknown {
  const isLong = typeof value === 'number' && (at?.source?.length ?? 0) > 15;
  return isLong ? `number ${at?.source}` : value;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, one]) => [name, sorted(one)]));
}
