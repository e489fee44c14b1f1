import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import {
  declaredSettings,
  isKeyName,
  isSecretSetting,
  SECRET_NAME,
  SECRET_REFERENCE,
  type SecretSettings,
} from '../definition/hidden-credentials.ts';

/** A part of a text, by offsets; without its end. */
export interface SecretSpan {
  readonly from: number;
  readonly to: number;
  /** What is written there, without quotes and escapes; undefined if it is no value of its own. */
  readonly value?: string | undefined;
}

/** The same in a text that is not read as YAML: comments, and files that are broken. */
const IN_TEXT =
  /(?:password|passphrase|secret|token|api_?key|private_?key|access_?key|connection_?string)["']?\s*[:=]\s*("[^"\n]*"|'[^'\n]*'|[^\s,}#|>&*][^\s,}#]*)/gi;
/** Wherever it is, also where its line is not read as a value. */
const PRIVATE_KEY = /(-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----)/g;
const IN_ADDRESS = /:\/\/[^\s:@/"']*:([^\s@/"']+)@/g;
/**
 * Where a YAML text of a production has secrets in the clear: values that a credential's kind declares as secret, also
 * behind an anchor or a merge, keys with such a name, addresses with a password, and what is commented out.
 */
export function secretSpans(text: string): readonly SecretSpan[] {
  const document = parseDocument(text, { merge: false, uniqueKeys: false, logLevel: 'silent' });
  const found = new Found(text);
  declared(document, found);
  visit(document, {
    Pair(_key, { key, value }) {
      if (isScalar(key) && SECRET_NAME.test(String(key.value)) && isNode(value))
        found.value(document, value, isKeyName(String(key.value)));
    },
  });
  const isBroken = document.errors.length > 0;
  for (const match of text.matchAll(IN_TEXT))
    if (isBroken || isInComment(text, match.index)) found.part(match, match[1]);
  for (const match of text.matchAll(PRIVATE_KEY)) found.part(match, match[1]);
  for (const match of text.matchAll(IN_ADDRESS)) found.part(match, match[1]);
  return found.list();
}

const isNode = (value: unknown): value is Node => isScalar(value) || isAlias(value);

function isInComment(text: string, at: number): boolean {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  return /(?:^|\s)#/.test(line);
}

class Found {
  readonly #text: string;
  readonly #spans = new Map<number, SecretSpan>();

  constructor(text: string) {
    this.#text = text;
  }

  /** A value, also one that stands elsewhere under an anchor. */
  value(document: Document, node: Node, isPem = false): void {
    const at = isAlias(node) ? node.resolve(document) : node;
    if (!isScalar(at) || typeof at.value === 'boolean' || at.value === null) return;
    const { range } = at;
    if (range === undefined || range === null) return;
    const value = valueOf(at);
    // the path of a key's file
    if (isPem && !value.includes('\n') && !value.includes('-----BEGIN')) return;
    this.#add(range[0], endOf(this.#text, at, range), valueOf(at));
  }

  part(match: RegExpExecArray | RegExpMatchArray, what = ''): void {
    const from = (match.index ?? 0) + match[0].lastIndexOf(what);
    this.#add(from, from + what.length, undefined);
  }

  #add(from: number, to: number, value: string | undefined): void {
    const written = this.#text.slice(from, to);
    if (written.trim() === '' || SECRET_REFERENCE.test(written)) return;
    const known = this.#spans.get(from);
    if (known === undefined || known.to < to) this.#spans.set(from, { from, to, value });
  }

  /** In their order; one within another is part of it. */
  list(): readonly SecretSpan[] {
    const sorted = [...this.#spans.values()].toSorted((a, b) => a.from - b.from || b.to - a.to);
    const apart: SecretSpan[] = [];
    for (const one of sorted) if (one.from >= (apart.at(-1)?.to ?? 0)) apart.push(one);
    return apart;
  }
}

const valueOf = ({ value, source = '' }: Scalar): string =>
  typeof value === 'string' ? value : source;

/** The line break behind a block belongs to the file. */
function endOf(text: string, { type }: Scalar, range: readonly number[]): number {
  let end = range[1] ?? 0;
  if (type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED')
    while (/\s/.test(text.charAt(end - 1))) end--;
  return end;
}

/** What the kinds of credentials declare. */
function declared(document: Document, found: Found): void {
  for (const [key, all] of pairsOf(document, document.contents)) {
    if (key !== 'credentials') continue;
    for (const [, entry] of pairsOf(document, all)) {
      const pairs = pairsOf(document, entry);
      const kind = pairs.find(([name]) => name === 'kind')?.[1];
      // an overlay does not repeat the kind
      const name = isScalar(kind) ? String(kind.value) : undefined;
      for (const settings of declaredSettings(name))
        belowSettings(document, settings, { entry, found });
    }
  }
}

interface Below {
  readonly entry: unknown;
  readonly found: Found;
}

function belowSettings(
  document: Document,
  settings: SecretSettings,
  { entry, found }: Below,
): void {
  for (const [name, value] of pairsOf(document, entry)) {
    const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
    if (setting === undefined) continue;
    if (setting.kind === 'group')
      belowSettings(document, setting.fields ?? {}, { entry: value, found });
    else if (isSecretSetting(setting) && isNode(value))
      found.value(document, value, isKeyName(name));
  }
}

const DEEPEST = 20;

/** The entries of a block, with those merged into it; an alias is what it stands for. */
function pairsOf(document: Document, node: unknown, depth = 0): [string, unknown][] {
  const at = isAlias(node) ? node.resolve(document) : node;
  if (!isMap(at) || depth > DEEPEST) return [];
  return at.items.flatMap(({ key, value }): [string, unknown][] => {
    const name = isScalar(key) ? String(key.value) : '';
    if (name !== '<<') return [[name, value]];
    const merged = isSeq(value) ? value.items : [value];
    return merged.flatMap((one) => pairsOf(document, one, depth + 1));
  });
}
