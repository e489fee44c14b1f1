import { posix } from 'node:path';
import { SuspendError } from '../../error/adapter-error.ts';
import type { Message } from '../../message/message.ts';
import { inFolder } from './file-store.ts';

/** Bytes most file systems allow a name to have. */
const LONGEST = 255;

/**
 * Refuses a name that could lead out of the folder or that no file system accepts: it was made from
 * a message, so the sender could have chosen it. The name itself is not quoted: it may be patient
 * data.
 */
export function checkFileName(name: string): void {
  const problem = problemWith(name);
  if (problem === undefined) return;
  throw new SuspendError(
    `The file name made for this message ${problem}. Correct the setting name, or the message, and resend.`,
  );
}

function problemWith(name: string): string | undefined {
  if (name.trim() === '') return 'is empty';
  if (name === '.' || name === '..') return 'is the name of a folder';
  if (/[/\\]/.test(name)) return 'contains a path separator';
  if (/\p{Cc}/u.test(name)) return 'contains a control character';
  return Buffer.byteLength(name) > LONGEST ? `is longer than ${LONGEST} bytes` : undefined;
}

/** Whose temporary file it is. */
export interface TemporaryOf {
  readonly folder: string;
  readonly name: string;
  readonly message: Pick<Message, 'id'>;
  /** How many earlier tries the peer may still be carrying out. */
  readonly earlier?: number;
}

/**
 * Where a file is written before it gets its name. It is different for two messages with one name,
 * and for a try that follows one which the peer may still carry out.
 */
export function temporaryPath(
  pattern: string,
  { folder, name, message, earlier = 0 }: TemporaryOf,
): string {
  const room = LONGEST - Buffer.byteLength(pattern) - 32;
  const own = Buffer.byteLength(name) > room ? '' : `${name}.`;
  const unique = `${own}${message.id}${earlier === 0 ? '' : `-${earlier}`}`;
  const temporary = pattern.includes('*')
    ? pattern.replaceAll('*', () => unique)
    : `${pattern}${unique}`;
  return temporary.startsWith('/') ? temporary : inFolder(folder, temporary);
}

/** The name of the empty file that says that a file is whole. */
export function markerName(marker: string, name: string): string {
  return marker.includes('*')
    ? marker.replaceAll('*', () => posix.parse(name).name)
    : `${name}${marker}`;
}

/** `lab-3.hl7` for `lab.hl7`; the name itself for 0. */
export function numbered(name: string, number: number): string {
  if (number === 0) return name;
  const { name: stem, ext } = posix.parse(name);
  return `${stem}-${number}${ext}`;
}
