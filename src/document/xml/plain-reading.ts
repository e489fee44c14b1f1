import { ATTRIBUTES, type QualifiedAttribute, type TreeReading } from './tree-reading.ts';

const XML = 'http://www.w3.org/XML/1998/namespace';
const XMLNS = 'http://www.w3.org/2000/xmlns/';

const [TAB, LINE, RETURN, SPACE] = [9, 10, 13, 32];
const [AMPERSAND, SLASH, COLON, LESS, EQUAL, GREATER] = [0x26, 0x2f, 0x3a, 0x3c, 0x3d, 0x3e];
const [BANG, QUESTION, QUOTE, APOSTROPHE] = [0x21, 0x3f, 0x22, 0x27];

/** What is not allowed in XML 1.0, however it is written; surrogates are looked at apart from it. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\0-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

const DECLARATION =
  /<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"[A-Za-z][\w.-]*"|'[A-Za-z][\w.-]*'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/y;

/** Which characters a name may begin with (3) or go on with (2, too); those behind U+02FF are not plain. */
const NAMES = Uint8Array.from({ length: 0x300 }, (_, code) => {
  const one = String.fromCharCode(code);
  if (/[A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff]/.test(one)) return 3;
  return /[\d.\u00b7-]/.test(one) ? 2 : 0;
});

/** Attributes of one element that are compared with each other; of more, their names are kept. */
const FEW = 8;

/** Characters with references, such as a document within this one, that are read at a stretch: some 5 ms. */
const LONG = 65_536;

interface QName {
  readonly name: string;
  readonly prefix: string;
  readonly local: string;
}

/** What the prefixes mean in an element; `''` is the default namespace. */
interface Scope {
  readonly declared: ReadonlyMap<string, string>;
  readonly outer: Scope | undefined;
}

interface Given {
  readonly qname: QName;
  readonly value: string;
}

/** A start tag before its prefixes mean anything. */
interface Tag {
  readonly tag: QName;
  readonly given: readonly Given[];
  readonly declared: ReadonlyMap<string, string>;
  readonly isEmpty: boolean;
}

interface Open {
  readonly name: string;
  readonly scope: Scope | undefined;
}

/**
 * Reads XML as nearly all of it is written: names of Latin letters, no document type, XML 1.0. Of any other text, and of one that
 * is not well-formed, it says that it does not know: whoever reads it then says what is wrong.
 */
export class PlainReading {
  readonly #text: string;
  readonly #reading: TreeReading;
  readonly #names = new Map<string, QName>();
  readonly #open: Open[] = [];
  readonly #hasReturns: boolean;
  readonly #hasReferences: boolean;
  readonly #hasEnds: boolean;
  #at = 0;
  /** Up to where the characters are known to be allowed. */
  #checked = 0;
  #hasRoot = false;

  constructor(text: string, reading: TreeReading) {
    this.#text = text;
    this.#reading = reading;
    this.#hasReturns = text.includes('\r');
    this.#hasReferences = text.includes('&');
    this.#hasEnds = text.includes(']]>');
    this.#begin();
  }

  /** Reads on, up to a place or a little further. Undefined if it is not plain; false at the end. */
  read(until: number): boolean | undefined {
    const length = this.#text.length;
    while (this.#at < until && this.#at < length) {
      if (!this.#next()) return undefined;
    }
    // a token never ends between two halves of a character
    const read = this.#text.slice(this.#checked, this.#at);
    if (FORBIDDEN.test(read) || !read.isWellFormed()) return undefined;
    this.#checked = this.#at;
    if (this.#at < length) return true;
    return this.#open.length === 0 && this.#hasRoot ? false : undefined;
  }

  #begin(): void {
    if (this.#text.startsWith('\uFEFF')) this.#at = 1;
    DECLARATION.lastIndex = this.#at;
    if (!DECLARATION.test(this.#text)) return;
    this.#at = DECLARATION.lastIndex;
    this.#reading.declaration();
  }

  /** One token. */
  #next(): boolean {
    const text = this.#text;
    if (text.charCodeAt(this.#at) !== LESS) return this.#characters();
    switch (text.charCodeAt(this.#at + 1)) {
      case SLASH:
        return this.#endTag();
      case BANG:
        return text.startsWith('<!--', this.#at) ? this.#comment() : this.#section();
      case QUESTION:
        return this.#instruction();
      default:
        return this.#startTag();
    }
  }

  #characters(): boolean {
    const found = this.#text.indexOf('<', this.#at);
    if (this.#open.length === 0) {
      this.#skip();
      return this.#at === (found < 0 ? this.#text.length : found);
    }
    if (found < 0) return false;
    const written = this.#text.slice(this.#at, found);
    if (this.#hasEnds && written.includes(']]>')) return false;
    const value = this.#resolved(this.#lines(written));
    if (value === undefined) return false;
    this.#at = found;
    this.#reading.text(value);
    return true;
  }

  #endTag(): boolean {
    const text = this.#text;
    const last = this.#open.pop();
    if (last === undefined || !text.startsWith(last.name, this.#at + 2)) return false;
    this.#at += 2 + last.name.length;
    this.#skip();
    if (text.charCodeAt(this.#at) !== GREATER) return false;
    this.#at += 1;
    this.#reading.close(this.#at);
    return true;
  }

  #comment(): boolean {
    const found = this.#text.indexOf('-->', this.#at + 4);
    const written = this.#text.slice(this.#at + 4, found);
    if (found < 0 || written.includes('--') || written.endsWith('-')) return false;
    this.#at = found + 3;
    this.#reading.leaf('comment', { value: this.#lines(written) });
    return true;
  }

  #section(): boolean {
    const isOne = this.#open.length > 0 && this.#text.startsWith('<![CDATA[', this.#at);
    const found = isOne ? this.#text.indexOf(']]>', this.#at + 9) : -1;
    if (found < 0) return false;
    const value = this.#lines(this.#text.slice(this.#at + 9, found));
    this.#at = found + 3;
    this.#reading.leaf('cdata', { value });
    return true;
  }

  #instruction(): boolean {
    const found = this.#text.indexOf('?>', this.#at + 2);
    this.#at += 2;
    const name = found < 0 ? '' : this.#part();
    if (name === '' || /^xml$/i.test(name)) return false;
    const end = this.#at;
    this.#skip();
    if (this.#at > found || (this.#at === end && this.#at !== found)) return false;
    const written = this.#text.slice(this.#at, found);
    if (written.includes('?')) return false;
    this.#at = found + 2;
    this.#reading.leaf('instruction', { name, value: this.#lines(written) });
    return true;
  }

  #startTag(): boolean {
    const outer = this.#open.at(-1);
    if (outer === undefined && this.#hasRoot) return false;
    this.#at += 1;
    const tag = this.#name();
    const given = tag === undefined ? undefined : this.#attributes();
    const isEmpty = this.#text.charCodeAt(this.#at) === SLASH;
    this.#at += isEmpty ? 2 : 1;
    if (this.#text.charCodeAt(this.#at - 1) !== GREATER) return false;
    if (tag === undefined || given === undefined) return false;
    const declared = declaredBy(given);
    if (declared === undefined) return false;
    const scope = declared.size === 0 ? outer?.scope : { declared, outer: outer?.scope };
    return this.#opened({ tag, given, declared, isEmpty }, scope);
  }

  #opened({ tag, given, declared, isEmpty }: Tag, scope: Scope | undefined): boolean {
    const { name, local, prefix } = tag;
    const uri = meaning(scope, prefix);
    const attributes = qualified(given, scope);
    if (uri === undefined || attributes === undefined) return false;
    this.#hasRoot = true;
    this.#reading.open({ name, local, prefix, uri, attributes, declared }, this.#at);
    if (isEmpty) this.#reading.close(this.#at);
    else this.#open.push({ name, scope });
    return true;
  }

  /** Up to the end of the start tag. */
  #attributes(): Given[] | undefined {
    const text = this.#text;
    const all: Given[] = [];
    for (;;) {
      const end = this.#at;
      this.#skip();
      const code = text.charCodeAt(this.#at);
      if (code === GREATER || code === SLASH) return all;
      const qname = this.#at === end || all.length === ATTRIBUTES ? undefined : this.#name();
      if (qname === undefined) return undefined;
      this.#skip();
      if (text.charCodeAt(this.#at) !== EQUAL) return undefined;
      this.#at += 1;
      this.#skip();
      const value = this.#quoted();
      if (value === undefined) return undefined;
      all.push({ qname, value });
    }
  }

  #quoted(): string | undefined {
    const text = this.#text;
    const quote = text.charCodeAt(this.#at);
    if (quote !== QUOTE && quote !== APOSTROPHE) return undefined;
    const from = this.#at + 1;
    let at = from;
    let isPlain = true;
    for (let code = text.charCodeAt(at); code !== quote; code = text.charCodeAt(++at)) {
      // no number is that of no character
      if (code === LESS || Number.isNaN(code)) return undefined;
      if (code === AMPERSAND || code < SPACE) isPlain = false;
    }
    this.#at = at + 1;
    const written = text.slice(from, at);
    return isPlain ? written : this.#resolved(written.replaceAll(/\r\n|[\r\n\t]/g, ' '));
  }

  #name(): QName | undefined {
    const from = this.#at;
    let prefix = '';
    let local = this.#part();
    if (local !== '' && this.#text.charCodeAt(this.#at) === COLON) {
      this.#at += 1;
      prefix = local;
      local = this.#part();
    }
    if (local === '') return undefined;
    const name = prefix === '' ? local : this.#text.slice(from, this.#at);
    let known = this.#names.get(name);
    if (known === undefined) {
      known = { name, prefix, local };
      this.#names.set(name, known);
    }
    return known;
  }

  /** A name without a colon; `''` if there is none, or it has a character that is not plain. */
  #part(): string {
    const text = this.#text;
    const from = this.#at;
    let code = text.charCodeAt(from);
    if (((NAMES[code] ?? 0) & 1) === 0) return '';
    let at = from;
    do code = text.charCodeAt(++at);
    while ((NAMES[code] ?? 0) !== 0);
    this.#at = at;
    return code < NAMES.length || Number.isNaN(code) ? text.slice(from, at) : '';
  }

  #skip(): void {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code !== SPACE && code !== LINE && code !== TAB && code !== RETURN) return;
      this.#at += 1;
    }
  }

  #lines(written: string): string {
    return this.#hasReturns && written.includes('\r')
      ? written.replaceAll(/\r\n?/g, '\n')
      : written;
  }

  /** With what its references mean; undefined if one of them means nothing, or they may be too many for one turn of the thread. */
  #resolved(written: string): string | undefined {
    if (!this.#hasReferences || !written.includes('&')) return written;
    if (written.length > LONG) return undefined;
    let isPlain = true;
    const text = written.replaceAll(
      REFERENCE,
      (_, known?: string, hex?: string, digits?: string) => {
        const found =
          known === undefined
            ? character(hex === undefined ? Number(digits) : Number.parseInt(hex, 16))
            : KNOWN[known];
        isPlain &&= found !== undefined;
        return found ?? '';
      },
    );
    return isPlain ? text : undefined;
  }
}

/** An ampersand that begins no reference is one that means nothing. */
const REFERENCE = /&(?:(amp|lt|gt|quot|apos);|#x([\da-fA-F]{1,6});|#(\d{1,7});)?/g;

const KNOWN: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

/** Undefined if XML 1.0 has no such character. */
function character(code: number): string | undefined {
  const isOne =
    code === TAB ||
    code === LINE ||
    code === RETURN ||
    (code >= SPACE && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff);
  return isOne ? String.fromCodePoint(code) : undefined;
}

const NONE: ReadonlyMap<string, string> = new Map();

/** The prefixes that a start tag declares; undefined if one may not be declared so. */
function declaredBy(given: readonly Given[]): ReadonlyMap<string, string> | undefined {
  let declared: Map<string, string> | undefined;
  for (const { qname, value } of given) {
    const { name, prefix, local } = qname;
    if (name !== 'xmlns' && prefix !== 'xmlns') continue;
    const declaredPrefix = prefix === '' ? '' : local;
    if (!mayMean(declaredPrefix, value)) return undefined;
    declared ??= new Map();
    declared.set(declaredPrefix, value);
  }
  return declared ?? NONE;
}

function mayMean(prefix: string, value: string): boolean {
  const isOwn = prefix === 'xml' || prefix === 'xmlns' || value === XML || value === XMLNS;
  return !isOwn && value === value.trim() && (value !== '' || prefix === '');
}

function meaning(scope: Scope | undefined, prefix: string): string | undefined {
  if (prefix === 'xml') return XML;
  for (let at = scope; at !== undefined; at = at.outer) {
    const found = at.declared.get(prefix);
    if (found !== undefined) return found;
  }
  return prefix === '' ? '' : undefined;
}

/** The attributes with their namespaces; undefined if a prefix means nothing, or two are the same. */
function qualified(
  given: readonly Given[],
  scope: Scope | undefined,
): readonly QualifiedAttribute[] | undefined {
  const all: QualifiedAttribute[] = [];
  for (const { qname, value } of given) {
    const { name, prefix, local } = qname;
    const uri = uriOf(qname, scope);
    if (uri === undefined) return undefined;
    const isSame = (one: QualifiedAttribute): boolean =>
      one.name === name || (prefix !== '' && one.local === local && one.uri === uri);
    if (given.length <= FEW && all.some(isSame)) return undefined;
    all.push({ name, local, uri, value });
  }
  if (given.length > FEW && hasSame(all)) return undefined;
  return all;
}

function uriOf({ name, prefix }: QName, scope: Scope | undefined): string | undefined {
  if (name === 'xmlns' || prefix === 'xmlns') return XMLNS;
  return prefix === '' ? '' : meaning(scope, prefix);
}

function hasSame(all: readonly QualifiedAttribute[]): boolean {
  const names = new Set(all.map(({ name }) => name));
  const exact = new Set(
    all.map(({ name, uri, local }) => (name.includes(':') ? `{${uri}}${local}` : name)),
  );
  return names.size < all.length || exact.size < all.length;
}
