import { describeDuration } from '../../time/duration.ts';

export interface DrawingOptions {
  /** Width of the terminal; undefined if nothing is cut, as in a file. */
  readonly width?: number | undefined;
  /** IANA name; the machine's own by default. */
  readonly zone?: string | undefined;
  /** Draws with plain ASCII, for terminals without Unicode. */
  readonly ascii?: boolean | undefined;
  /** Show every rule that was tried, with its condition, not only those that fired. */
  readonly rules?: boolean | undefined;
}

/** `2026-11-24 14:05:09.120`. */
export function dateTime(time: number, zone?: string): string {
  return new Intl.DateTimeFormat('sv-SE', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    ...(zone === undefined ? {} : { timeZone: zone }),
  })
    .format(time)
    .replace(',', '.');
}

/** The time since the session began: `+2ms`, `+1.5s`. */
export function sinceStart(time: number, start: number): string {
  return `+${describeDuration(Math.max(0, time - start))}`;
}

/**
 * Text from a message or a peer for a terminal: one line, without control characters. A peer's
 * error text could otherwise move the cursor or change colours.
 */
export function plainText(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
}

/** Cuts a line at the edge, marking that it continues. */
export function cut(line: string, width: number | undefined, ascii = false): string {
  if (width === undefined || line.length <= width) return line;
  const mark = ascii ? '...' : '…';
  return line.slice(0, Math.max(0, width - mark.length)).toWellFormed() + mark;
}

/** Breaks a text into lines between words; a word that is too long is broken at the end of the line. */
export function wrapped(text: string, width: number | undefined): string[] {
  if (width === undefined || text.length <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((one) => pieces(one, width))) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function pieces(word: string, width: number): string[] {
  const found: string[] = [];
  for (let at = 0; at < word.length; at += width) found.push(word.slice(at, at + width));
  return found;
}

/** `HL7v2:ADT_A01:2.5.1` in short: `ADT_A01`; `X12:837P:005010X222A1`: `X12 837P 005010X222A1`. */
export function shortType(type: string): string {
  const [standard, ...parts] = type.split(':');
  if (standard === 'X12' || standard === 'EDIFACT') return plainText(type.replaceAll(':', ' '));
  return plainText(standard === 'HL7v2' && parts[0] !== undefined ? parts[0] : type);
}
