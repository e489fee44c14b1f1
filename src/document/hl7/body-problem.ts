import { Buffer, isAscii } from 'node:buffer';
import { buffered, decodeFaithfully } from '../charset.ts';
import { type Hl7Header, type Hl7Problem, headerStart } from './header.ts';

/** How far into a message its first segment may begin. */
const HEAD = 512;

/**
 * What a listener checks of the whole message before it takes it: a charset that is not supported,
 * bytes that do not fit the declared one, more than one MSH. Not called for batches.
 */
export function hl7BodyProblem(bytes: Uint8Array, header: Hl7Header): Hl7Problem | undefined {
  const buffer = buffered(bytes);
  return charsetProblem(buffer, header) ?? severalMessages(buffer, header);
}

function charsetProblem(buffer: Buffer, header: Hl7Header): Hl7Problem | undefined {
  if (header.charsetName === '') return undefined;
  const where = { answer: 'error', segment: 'MSH', segmentIndex: 1, field: 18 } as const;
  const name = header.charsetName.replaceAll(/[^\w ./-]/g, '?').slice(0, 40);
  if (header.charset === undefined) {
    return { code: '103', text: `MSH-18 ${name} not supported`, ...where };
  }
  if (isAscii(buffer)) return undefined;
  const { invalidAt } = decodeFaithfully(buffer, header.charset);
  if (invalidAt === undefined) return undefined;
  return { code: '102', text: `Invalid byte at offset ${invalidAt} for ${name}`, ...where };
}

function severalMessages(buffer: Buffer, header: Hl7Header): Hl7Problem | undefined {
  const start = Math.max(0, headerStart(buffer.toString('latin1', 0, HEAD)));
  let count = 1;
  for (const lineEnd of ['\r', '\r\n', '\n']) {
    const mark = Buffer.from(`${lineEnd}MSH${header.delimiters.field}`, 'latin1');
    // line ends before the first segment belong to none
    for (let at = buffer.indexOf(mark, start); at >= 0; at = buffer.indexOf(mark, at + 1)) {
      if (lineEnd === '\n' && !endsWithLf(buffer, start)) break;
      if (lineEnd === '\n' && buffer[at - 1] === 13) continue;
      count++;
    }
  }
  if (count === 1) return undefined;
  return {
    code: '100',
    text: `${count} MSH segments in one frame`,
    answer: 'error',
    segment: 'MSH',
    segmentIndex: 2,
  };
}

/** Whether LF ends segments here: the first line ends with it. Elsewhere it is part of a value. */
function endsWithLf(buffer: Buffer, start: number): boolean {
  const cr = buffer.indexOf(13, start);
  const lf = buffer.indexOf(10, start);
  return lf >= 0 && (cr < 0 || lf < cr);
}
