import { NotOpenable } from './tnef.ts';

/** Deeper than any program nests; each level costs a call. */
const DEEPEST = 32;
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
  if (depth > DEEPEST) throw new RangeError('too deep');
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
