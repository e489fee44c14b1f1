import { createHash } from 'node:crypto';
import type * as Yaml from 'yaml';
import type { Document, Node, Scalar } from 'yaml';
import {
  declaredSettings,
  isKeyName,
  isSecretSetting,
  SECRET_NAME,
  SECRET_REFERENCE,
  type SecretSettings,
} from '../definition/hidden-credentials.ts';
import { EngineError } from '../error/engine-error.ts';
import { onFirstUse } from '../time/on-first-use.ts';

const yaml = onFirstUse<typeof Yaml>('yaml');

/** What stands for a secret in a text that people see: which file it is from, and the how-manieth there. */
const MARK = /•••([0-9a-f]{8})\.(\d{1,5})/g;
const HIDDEN = '•••';
const isYaml = (path: string): boolean => /\.ya?ml$/i.test(path);

const tagOf = (path: string, rest: string): string =>
  createHash('sha256').update(`${path}\0${rest}`).digest('hex').slice(0, 8);

interface Hidden {
  readonly text: string;
  /** Names this file with this content; of its secrets it says nothing. */
  readonly tag: string;
  readonly spans: readonly SecretSpan[];
  /** As they are written. */
  readonly secrets: readonly string[];
}

function hidden(path: string, text: string): Hidden {
  const spans = isYaml(path) ? secretSpans(text).filter((one) => !isMark(text, one)) : [];
  const shownWith = (mark: (n: number) => string): string => {
    let at = 0;
    let shown = '';
    for (const [n, { from, to }] of spans.entries()) {
      shown += text.slice(at, from) + mark(n + 1);
      at = to;
    }
    return shown + text.slice(at);
  };
  const tag = tagOf(
    path,
    shownWith(() => HIDDEN),
  );
  return {
    text: shownWith((n) => `${HIDDEN}${tag}.${n}`),
    tag,
    spans,
    secrets: spans.map(({ from, to }) => text.slice(from, to)),
  };
}

const isMark = (text: string, { from, to }: SecretSpan): boolean =>
  /^["']?•••[0-9a-f]{8}\.\d{1,5}["']?$/.test(text.slice(from, to));

/** A file as people see it: a mark for each secret, which may be moved and copied, and means the same secret again when the text is written. */
export const hideSecrets = (path: string, text: string): string => hidden(path, text).text;

export const hasMarks = (path: string, text: string): boolean =>
  isYaml(path) && text.search(MARK) >= 0;

/** Two contents of a file as people compare them, without secrets: one that only the later has is told to be another. */
export function comparable(path: string, before: string, after: string): [string, string] {
  const [old, now] = [before, after].map((text) => hidden(path, text));
  const known = new Set(old?.secrets);
  return [shownTo(old, () => false), shownTo(now, (secret) => !known.has(secret))];
}

function shownTo(of: Hidden | undefined, isNew: (secret: string) => boolean): string {
  return (of?.text ?? '').replace(MARK, (mark, tag: string, n: string) =>
    tag === of?.tag && isNew(of.secrets[Number(n) - 1] ?? '')
      ? `${HIDDEN} (another)`
      : mark.slice(0, HIDDEN.length),
  );
}

/**
 * A text with its secrets in it again.
 *
 * @param files path → content of the files that a mark may come from
 * @throws EngineError CONFIG_INVALID for a mark that is of no such file, or of one that has changed
 */
export function withSecrets(
  path: string,
  text: string,
  files: ReadonlyMap<string, string>,
): string {
  if (!hasMarks(path, text)) return text;
  const sources = new Map(
    [...files].map(([name, content]) => {
      const { tag, spans } = hidden(name, content);
      return [tag, { content, spans }] as const;
    }),
  );
  return text.replace(MARK, (mark, tag: string, n: string, at: number) => {
    const source = sources.get(tag);
    const span = source?.spans[Number(n) - 1];
    if (source === undefined || span === undefined) throw unknown(path, text, at);
    return written(source.content, span, { text, at, mark });
  });
}

/** The secret as it is written in its file, or in quotes where it would not fit. */
function written(
  content: string,
  { from, to, value }: SecretSpan,
  place: { readonly text: string; readonly at: number; readonly mark: string },
): string {
  const slice = content.slice(from, to);
  const { text, at, mark } = place;
  const [before, after] = [text.charAt(at - 1), text.charAt(at + mark.length)];
  if (value !== undefined && before === after && (before === '"' || before === "'"))
    return before === '"' ? JSON.stringify(value).slice(1, -1) : value.replaceAll("'", "''");
  if (value === undefined || !slice.includes('\n')) return slice;
  const same = indentAt(content, from) === indentAt(text, at);
  return same ? slice : JSON.stringify(value);
}

const indentAt = (text: string, at: number): string =>
  /^[ -]*/.exec(text.slice(text.lastIndexOf('\n', at - 1) + 1))?.[0] ?? '';

function unknown(path: string, text: string, at: number): EngineError {
  const line = text.slice(0, at).split('\n').length;
  return new EngineError(
    'CONFIG_INVALID',
    `${path}:${line}: the hidden value there is of a file that has changed since, or of an earlier version: enter the secret, or \${secret:NAME}`,
  );
}

/** A part of a text, by offsets; without its end. */
interface SecretSpan {
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
function secretSpans(text: string): readonly SecretSpan[] {
  const document = yaml().parseDocument(text, {
    merge: false,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  const found = new Found(text);
  declared(document, found);
  yaml().visit(document, {
    Pair(_key, { key, value }) {
      if (yaml().isScalar(key) && SECRET_NAME.test(String(key.value)) && isNode(value))
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

const isNode = (value: unknown): value is Node => yaml().isScalar(value) || yaml().isAlias(value);

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
    const at = yaml().isAlias(node) ? node.resolve(document) : node;
    if (!yaml().isScalar(at) || typeof at.value === 'boolean' || at.value === null) return;
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
    const said = this.#text.slice(from, to);
    if (said.trim() === '' || SECRET_REFERENCE.test(said)) return;
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
      const name = yaml().isScalar(kind) ? String(kind.value) : undefined;
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
  const at = yaml().isAlias(node) ? node.resolve(document) : node;
  if (!yaml().isMap(at) || depth > DEEPEST) return [];
  return at.items.flatMap(({ key, value }): [string, unknown][] => {
    const name = yaml().isScalar(key) ? String(key.value) : '';
    if (name !== '<<') return [[name, value]];
    const merged = yaml().isSeq(value) ? value.items : [value];
    return merged.flatMap((one) => pairsOf(document, one, depth + 1));
  });
}
