import { Readable } from 'node:stream';
import { describeSize } from '../../time/size.ts';
import { beginning, continued } from '../beginning.ts';
import { isMeant } from '../folder/file-pattern.ts';
import { type Enclosed, fileName, mimeParts, type Words } from './mime-parts.ts';
import type { TakeSettings } from './take-settings.ts';
import { NotOpenable, readTnef } from './tnef.ts';

/** The nesting limit of mails within mails. */
const DEEPEST = 5;
/** How many parts of one mail are opened. */
const MOST = 100;
/** Opened parts are held in memory; this is the limit for one. */
const LARGEST = 64 * 1024 * 1024;

const EVERYTHING = new Set(['*', '**', '*.*']);

/** The parts wanted from a mail, and how far opening its parts has got. One for each mail. */
export class Opening {
  readonly #settings: Pick<TakeSettings, 'pattern' | 'embedded'>;
  /** Patterns that select files, unless all are wanted. */
  readonly #naming: readonly string[];
  readonly #takesAll: boolean;
  /** Called for a part that contains others and could not be opened, with the reason and what happens to it. */
  readonly #tell: (what: string) => void;
  /** Text from inside a signed part or a winmail.dat; the first that has any. */
  words: Words | undefined;
  #opened = 0;

  constructor(settings: Pick<TakeSettings, 'pattern' | 'embedded'>, tell: (what: string) => void) {
    this.#settings = settings;
    const patterns = settings.pattern.flatMap((one) => one.split(';')).map((one) => one.trim());
    this.#naming = patterns.filter((one) => !EVERYTHING.has(one));
    this.#takesAll = patterns.some((one) => EVERYTHING.has(one));
    this.#tell = tell;
  }

  /**
   * The files that a part of a mail yields: itself, or its content if it is a forwarded mail, a
   * signed one, or a winmail.dat. What cannot be opened yields itself, and that is reported. A
   * pattern that matches its name gets it unopened. Yields nothing if none of it is wanted.
   */
  async *files(part: Enclosed, depth = 0): AsyncGenerator<Enclosed> {
    const kind = kindOf(part);
    if (kind === 'signature') {
      if (this.#isNamed(part)) yield part;
      return;
    }
    if (kind === undefined || this.#isNamed(part)) {
      if (this.#isWanted(part)) yield part;
      return;
    }
    if (kind === 'encrypted') {
      this.#tell('it is encrypted (PGP); encrypted parts are taken as they are, if they match');
      return;
    }
    yield* this.#within(part, kind, depth);
  }

  async *#within(part: Enclosed, kind: Kind, depth: number): AsyncGenerator<Enclosed> {
    const chunks = part.content[Symbol.asyncIterator]();
    const { head, ended } = await beginning(chunks, LARGEST + 1);
    const whole = { ...part, content: ended ? oneOf(head) : continued(head, chunks) };
    let found = 0;
    // A forwarded mail with only text is a file like any other; a mere wrapper is not.
    let isFile = kind === 'mail' || (kind === 'tnef' && depth > 0);
    try {
      this.#permit(ended, depth);
      for await (const file of this.#filesWithin(head, kind, depth)) {
        found += 1;
        yield file;
      }
    } catch (error) {
      if (!(error instanceof NotOpenable)) throw error;
      const rest =
        found === 0 ? 'it is taken as it is, if it matches' : 'what came before is taken';
      this.#tell(`an attachment ${error.message}; ${rest}`);
      isFile = true;
    }
    if (found === 0 && isFile && this.#isWanted(whole)) yield whole;
  }

  async *#filesWithin(content: Buffer, kind: Kind, depth: number): AsyncGenerator<Enclosed> {
    for await (const inner of this.#inside(content, kind, depth)) {
      yield* this.files(inner, depth + 1);
    }
  }

  #permit(ended: boolean, depth: number): void {
    if (!ended) {
      throw new NotOpenable(`is larger than ${describeSize(LARGEST)} and is not opened`);
    }
    if (depth >= DEEPEST) {
      throw new NotOpenable(`is nested more than ${DEEPEST} mails deep`);
    }
    this.#opened += 1;
    if (this.#opened > MOST) {
      throw new NotOpenable(`is number ${MOST + 1} of the parts of one mail to open`);
    }
  }

  async *#inside(content: Buffer, kind: Kind, depth: number): AsyncGenerator<Enclosed> {
    const words = (found: Words): void => {
      // those of a nested mail are not its own
      if (depth === 0 && (found.text !== '' || found.html !== '')) this.words ??= found;
    };
    if (kind === 'tnef') {
      const { files, ...said } = readTnef(content);
      words(said);
      for (const file of files) {
        yield { ...file, name: fileName(file.name), content: oneOf(file.content) };
      }
      return;
    }
    // Exchange passes on a clear-signed mail under the name and type of an opaque one.
    const isCms = kind === 'signed' && content[0] === 0x30;
    const mail = Readable.from([isCms ? signedContent(content) : content]);
    try {
      yield* mimeParts(mail, kind === 'signed' ? words : undefined);
    } catch {
      // whatever the library found wrong with it: nothing else throws here
      throw new NotOpenable('is a mail that cannot be read');
    }
  }

  /** Whether it has to be read: it is wanted, or may contain what is. */
  concerns(part: Pick<Enclosed, 'name' | 'type' | 'related'>): boolean {
    const kind = kindOf(part);
    return this.#isWanted(part) || (kind !== undefined && kind !== 'signature');
  }

  /** A forwarded mail without a name matches only if all files do. */
  #isWanted({ name, type, related }: Pick<Enclosed, 'name' | 'type' | 'related'>): boolean {
    const { embedded, pattern } = this.#settings;
    if (related && !embedded) return false;
    const isNameless = name === '' && kindOf({ name, type }) === 'mail';
    return isNameless ? this.#takesAll : isMeant(name, pattern);
  }

  #isNamed({ name }: Pick<Enclosed, 'name'>): boolean {
    return name !== '' && isMeant(name, this.#naming);
  }
}

type Kind = 'mail' | 'signed' | 'tnef' | 'signature' | 'encrypted';

function kindOf({ name, type }: Pick<Enclosed, 'name' | 'type'>): Kind | undefined {
  const media = type.toLowerCase();
  if (media === 'message/rfc822' || media === 'message/global') return 'mail';
  if (/^application\/(x-)?pkcs7-mime$/.test(media) || media === 'multipart/signed') return 'signed';
  if (/^application\/((x-)?pkcs7|pgp)-signature$/.test(media)) return 'signature';
  if (media === 'application/pgp-encrypted') return 'encrypted';
  if (/^application\/(vnd\.)?ms-tnef$/.test(media) || /^winmail\.dat$/i.test(name)) return 'tnef';
  return /\.p7m$/i.test(name) && media === 'application/octet-stream' ? 'signed' : undefined;
}

/** A body that is in memory. */
export async function* oneOf(content: Uint8Array): AsyncGenerator<Uint8Array> {
  if (content.byteLength > 0) yield content;
}

/** Deeper than any program nests; each level costs a call. */
const DEEPEST_DER = 32;
/** How many pieces a text written in pieces may have. */
const MOST_PIECES = 1_000_000;

const SIGNED = '2a864886f70d010702';
const OTHERS: Readonly<Record<string, string>> = {
  '2a864886f70d010703': 'is encrypted (S/MIME)',
  '2a864886f70d0109100117': 'is encrypted (S/MIME)',
  '2a864886f70d0109100109': 'is compressed (S/MIME)',
};

/** One element of BER: DER plus indefinite lengths, which mail programs write. */
interface Element {
  readonly tag: number;
  /** Where its content begins. */
  readonly from: number;
  readonly to: number;
  /** Where the next element begins. */
  readonly next: number;
}

/**
 * The mail entity inside CMS signed data (RFC 5652). The signature is not verified. Throws
 * NotOpenable for data that is encrypted, compressed, detached, or damaged.
 */
export function signedContent(der: Buffer): Buffer {
  try {
    const [kind, explicit] = childrenOf(der, elementAt(der, 0, 0), 1);
    const oid = kind === undefined ? '' : der.toString('hex', kind.from, kind.to);
    if (oid !== SIGNED) throw new NotOpenable(OTHERS[oid] ?? 'is not a signed mail (S/MIME)');
    const [signedData] = explicit === undefined ? [] : childrenOf(der, explicit, 2);
    const fields = signedData === undefined ? [] : childrenOf(der, signedData, 3);
    // version, digest algorithms, the content with its type
    const [, wrapped] = fields[2] === undefined ? [] : childrenOf(der, fields[2], 4);
    const [content] = wrapped === undefined ? [] : childrenOf(der, wrapped, 5);
    if (content === undefined) throw new NotOpenable('is a signature without the mail (S/MIME)');
    const pieces: Buffer[] = [];
    gather(der, content, { pieces, depth: 6 });
    return Buffer.concat(pieces);
  } catch (error) {
    // what a Buffer throws for an access outside it
    if (!(error instanceof RangeError)) throw error;
    throw new NotOpenable('is a signed mail (S/MIME) that is cut off or damaged');
  }
}

const OCTETS = 0x04;
const OCTETS_IN_PIECES = 0x24;

function gather(
  der: Buffer,
  element: Element,
  { pieces, depth }: { readonly pieces: Buffer[]; readonly depth: number },
): void {
  if (element.tag === OCTETS) pieces.push(der.subarray(element.from, element.to));
  else if (element.tag === OCTETS_IN_PIECES) {
    for (const one of childrenOf(der, element, depth)) {
      gather(der, one, { pieces, depth: depth + 1 });
    }
  } else throw new RangeError('not an octet string');
}

function childrenOf(der: Buffer, parent: Element, depth: number): Element[] {
  const found: Element[] = [];
  for (let at = parent.from; at < parent.to; ) {
    const child = elementAt(der, at, depth);
    if (child.next > parent.next) throw new RangeError('beyond its parent');
    found.push(child);
    if (found.length > MOST_PIECES) throw new RangeError('too many pieces');
    at = child.next;
  }
  return found;
}

function elementAt(der: Buffer, at: number, depth: number): Element {
  if (depth > DEEPEST_DER) throw new RangeError('too deep');
  const tag = der.readUInt8(at);
  // Tags of several bytes do not occur here.
  if ((tag & 0x1f) === 0x1f) throw new RangeError('a long tag');
  const first = der.readUInt8(at + 1);
  const bytes = first & 0x7f;
  if (first === 0x80) return unbounded(der, { tag, from: at + 2 }, depth);
  const from = first < 0x80 ? at + 2 : at + 2 + bytes;
  if (bytes > 4 && first > 0x80) throw new RangeError('too long');
  const length = first < 0x80 ? first : der.readUIntBE(at + 2, bytes);
  if (from + length > der.length) throw new RangeError('cut off');
  return { tag, from, to: from + length, next: from + length };
}

/** Two zeros after its last child mark its end. */
function unbounded(
  der: Buffer,
  { tag, from }: Pick<Element, 'tag' | 'from'>,
  depth: number,
): Element {
  let at = from;
  while (der.readUInt16BE(at) !== 0) at = elementAt(der, at, depth + 1).next;
  return { tag, from, to: at, next: at + 2 };
}
