import { type DerElement, elementAt, elementsOf } from '../tls/read-der.ts';
import { KerberosProblem } from './kerberos-problem.ts';

/** Something that is not a Kerberos message, whoever sent it. */
export const malformed = (what: string): KerberosProblem =>
  new KerberosProblem(
    `${what} cannot be read`,
    'What was sent is not Kerberos, or was changed on the way',
  );

const INTEGER = 0x02;
const BITS = 0x03;
const OCTETS = 0x04;
const SEQUENCE = 0x30;
const TIME = 0x18;

/** The numbered fields of a sequence, each read by its type. Every getter throws a KerberosProblem where that is not what is there. */
export class Fields {
  readonly #fields = new Map<number, DerElement>();
  readonly #what: string;

  /** `der` is the sequence with its tag; `what` names it in errors. */
  constructor(der: Buffer, what: string) {
    this.#what = what;
    const sequence = whole(der, what);
    if (sequence.tag !== SEQUENCE) throw malformed(what);
    for (const { tag, content } of elementsOf(sequence.content)) {
      const inner = whole(content, what);
      if ((tag & 0xe0) === 0xa0) this.#fields.set(tag & 0x1f, inner);
    }
  }

  /** The fields of an element with that application tag. */
  static application(der: Buffer, tag: number, what: string): Fields {
    const outer = whole(der, what);
    if (outer.tag !== (0x60 | tag)) throw malformed(what);
    return new Fields(outer.content, what);
  }

  has(field: number): boolean {
    return this.#fields.has(field);
  }

  number(field: number): number {
    const content = this.#of(field, INTEGER);
    if (content.length === 0 || content.length > 6) throw malformed(this.#what);
    return content.readIntBE(0, content.length);
  }

  octets(field: number): Buffer {
    return this.#of(field, OCTETS);
  }

  /** A BIT STRING without its count of unused bits. */
  bits(field: number): Buffer {
    return this.#of(field, BITS).subarray(1);
  }

  text(field: number): string {
    const { tag, content } = this.#element(field);
    if (tag !== 0x1b && tag !== 0x0c && tag !== 0x16) throw malformed(this.#what);
    return content.toString('utf8');
  }

  /** Milliseconds since 1970. */
  time(field: number): number {
    const text = this.#of(field, TIME).toString('latin1');
    const [, year, month, day, hour, minute, second] =
      /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
    const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    if (Number.isNaN(at)) throw malformed(this.#what);
    return at;
  }

  /** The field as it is encoded, without its own number. */
  raw(field: number): Buffer {
    return encoded(this.#element(field));
  }

  /** The elements of a SEQUENCE OF. */
  list(field: number): Buffer[] {
    return elementsOf(this.#of(field, SEQUENCE)).map(encoded);
  }

  fields(field: number): Fields {
    return new Fields(this.raw(field), this.#what);
  }

  /** The parts of a name. */
  name(field: number): string[] {
    const parts = elementsOf(new Fields(this.raw(field), this.#what).#of(1, SEQUENCE));
    return parts.map(({ content }) => content.toString('utf8'));
  }

  #element(field: number): DerElement {
    const found = this.#fields.get(field);
    if (found === undefined) throw malformed(this.#what);
    return found;
  }

  #of(field: number, tag: number): Buffer {
    const element = this.#element(field);
    if (element.tag !== tag) throw malformed(this.#what);
    return element.content;
  }
}

/** The one element that fills the bytes. */
export function whole(der: Buffer, what: string): DerElement {
  const element = elementAt(der, 0);
  if (element === undefined || element.end > der.length) throw malformed(what);
  return element;
}

const encoded = ({ tag, content }: DerElement): Buffer => {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const used = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(tag, 0x80 | used.length), used, content]);
};
