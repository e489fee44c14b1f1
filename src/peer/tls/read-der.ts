/** One element of ASN.1 DER. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  /** Where the next element begins. */
  readonly end: number;
}

export const SEQUENCE = 0x30;

/** The element that begins there; undefined if there is none, or if it extends beyond the end. */
export function elementAt(der: Buffer, at: number): DerElement | undefined {
  const tag = der[at];
  const first = der[at + 1];
  if (tag === undefined || first === undefined) return undefined;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4 || at + 2 + lengthBytes > der.length) return undefined;
  const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
  const start = at + 2 + lengthBytes;
  return { tag, content: der.subarray(start, start + length), end: start + length };
}

/** The elements in order, up to the first that cannot be read. */
export function elementsOf(der: Buffer): DerElement[] {
  const found: DerElement[] = [];
  for (let at = 0; at < der.length; ) {
    const element = elementAt(der, at);
    if (element === undefined || element.end <= at) break;
    found.push(element);
    at = element.end;
  }
  return found;
}
