import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describeError } from '../../error/engine-error.ts';
import { type Problems, splitProblem, suggestion } from '../problem.ts';
import type { OpenFiles } from './open-files.ts';
import {
  type Keys,
  pathText,
  shown,
  type Written,
  type WrittenBlock,
  type WrittenEntry,
  type WrittenScalar,
} from './written.ts';

/** Where the values behind `${…}` come from. */
export interface ValueSource {
  /** Relative paths of `${file:…}` are resolved against this folder. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The value of `${secret:NAME}`; undefined if there is none of that name. */
  readonly secrets: (name: string) => Promise<string | undefined> | string | undefined;
  /** What an editor holds of the files that are read. */
  readonly open?: OpenFiles | undefined;
  /** Assumes that missing sources of credentials are present: for checks and tests on other machines. */
  readonly assume?: boolean | undefined;
}

/** The placeholder for an assumed text. */
const ASSUMED = 'assumed';

/** Whether a value, or anything in it, is assumed: then nothing can be said about it. */
export function isAssumed(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(ASSUMED);
  return typeof value === 'object' && value !== null && Object.values(value).some(isAssumed);
}

/** An address must look like one to be read. */
function assumed({ keys }: Looking): FoundValue {
  const isAddress = /(?:url|issuer|authority|proxy)$/i.test(String(keys.at(-1)));
  return { text: isAddress ? `https://${ASSUMED}.invalid` : ASSUMED, hidden: true };
}

/**
 * Fills in `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}` and `${secret:NAME}`; `$${` is a
 * literal `${`. Each missing value is a problem at its own place. Secrets are allowed only under
 * `credentials`, so that no setting, template or name can carry one into the trace.
 */
export async function fill(
  written: Written,
  source: ValueSource,
  problems: Problems,
): Promise<Written> {
  return fillAt(written, [], { source, problems });
}

interface Filling {
  readonly source: ValueSource;
  readonly problems: Problems;
}

/** Whether there is anything to fill in; most blocks have nothing. */
const references = new WeakMap<Written, boolean>();

function hasReference(written: Written): boolean {
  if (written.kind === 'scalar')
    return typeof written.value === 'string' && written.value.includes('${');
  const known = references.get(written);
  if (known !== undefined) return known;
  const found =
    written.kind === 'list'
      ? written.items.some(hasReference)
      : written.entries.values().some(({ value }) => hasReference(value));
  references.set(written, found);
  return found;
}

async function fillAt(written: Written, keys: Keys, filling: Filling): Promise<Written> {
  if (!hasReference(written)) return written;
  if (written.kind === 'scalar') return fillScalar(written, keys, filling);
  if (written.kind === 'list') {
    const items = await Promise.all(
      written.items.map((item, index) => fillAt(item, [...keys, index], filling)),
    );
    return { ...written, items };
  }
  const entries = await Promise.all(
    [...written.entries].map(
      async ([key, entry]) =>
        [key, { ...entry, value: await fillAt(entry.value, [...keys, key], filling) }] as const,
    ),
  );
  return { ...written, entries: new Map(entries) };
}

const REFERENCE = /\$\$\{|\$\{([^{}]*)\}/g;

/** A part of a filled-in text: where it begins there, and where it began in the text as written. */
interface Piece {
  readonly text: string;
  readonly from: number;
  readonly literal: boolean;
}

async function fillScalar(
  scalar: WrittenScalar,
  keys: Keys,
  filling: Filling,
): Promise<WrittenScalar> {
  const { value } = scalar;
  if (typeof value !== 'string' || !value.includes('${')) return scalar;
  const pieces: Piece[] = [];
  const files: string[] = [];
  let hidden = false;
  let missing = false;
  let end = 0;
  for (const found of value.matchAll(REFERENCE)) {
    pieces.push({ text: value.slice(end, found.index), from: end, literal: true });
    end = found.index + found[0].length;
    const [, reference] = found;
    if (reference === undefined) {
      pieces.push({ text: '${', from: found.index, literal: false });
      continue;
    }
    const got = await look(reference, { scalar, offset: found.index, keys, ...filling });
    pieces.push({ text: got?.text ?? '', from: found.index, literal: false });
    if (got?.file !== undefined) files.push(got.file);
    hidden ||= got?.hidden === true;
    missing ||= got === undefined;
  }
  pieces.push({ text: value.slice(end), from: end, literal: true });
  return {
    ...scalar,
    value: pieces.map(({ text }) => text).join(''),
    placeOf: (offset) => scalar.placeOf(originOf(pieces, offset)),
    filled: true,
    template: value,
    hidden,
    missing: missing,
    files,
  };
}

function originOf(pieces: readonly Piece[], offset: number): number {
  let before = 0;
  for (const { text, from, literal } of pieces) {
    if (offset < before + text.length) return literal ? from + offset - before : from;
    before += text.length;
  }
  const last = pieces.at(-1);
  return last === undefined ? 0 : last.from + last.text.length;
}

interface Looking extends Filling {
  readonly scalar: WrittenScalar;
  /** The offset of the `${` in the text as written. */
  readonly offset: number;
  readonly keys: Keys;
}

interface FoundValue {
  readonly text: string;
  readonly hidden: boolean;
  readonly file?: string;
}

async function look(reference: string, looking: Looking): Promise<FoundValue | undefined> {
  const [, kind = '', name = ''] = /^(\w+):(.*)$/s.exec(reference) ?? [];
  if (kind === 'env' && name !== '') return lookInEnvironment(name, looking);
  if (kind === 'file' && name !== '') return lookInFile(name, looking);
  if (kind === 'secret' && name !== '') return lookInSecrets(name, looking);
  return reportMissing(
    looking,
    `\${${reference}} is not a known value`,
    'Write ${env:NAME}, ${env:NAME:-default}, ${file:PATH} or ${secret:NAME}; $${ is a literal ${.',
  );
}

function reportMissing(
  { scalar, offset, keys, problems }: Looking,
  what: string,
  remedy: string,
): undefined {
  problems.error(scalar.placeOf(offset), pathText(keys), what, remedy);
  return undefined;
}

const inCredentials = ({ keys }: Looking): boolean => keys[0] === 'credentials';

function lookInEnvironment(reference: string, looking: Looking): FoundValue | undefined {
  const at = reference.indexOf(':-');
  const name = at === -1 ? reference : reference.slice(0, at);
  const given = looking.source.environment[name];
  const hidden = inCredentials(looking);
  // As in a shell, `:-` also replaces a variable that is set but empty.
  if (given !== undefined && (given !== '' || at === -1)) {
    if (hidden) looking.problems.hide(given);
    return { text: given, hidden };
  }
  if (at !== -1) return { text: reference.slice(at + 2), hidden: false };
  if (looking.source.assume === true && hidden) return assumed(looking);
  return reportMissing(
    looking,
    `the environment variable ${name} is not set`,
    `Set ${name}, or give a default: \${env:${name}:-default}.`,
  );
}

async function lookInFile(name: string, looking: Looking): Promise<FoundValue | undefined> {
  const file = resolve(looking.source.folder, name);
  try {
    const bytes = await readFile(file);
    if (!isUtf8(bytes)) {
      return reportMissing(looking, `the file ${name} is not in UTF-8`, 'Save it as UTF-8.');
    }
    const text = bytes.toString('utf8').replace(/\r?\n$/, '');
    if (inCredentials(looking)) looking.problems.hide(text);
    return { text, hidden: true, file };
  } catch (error) {
    if (looking.source.assume === true && inCredentials(looking)) return assumed(looking);
    const { code } = error as NodeJS.ErrnoException;
    return reportMissing(
      looking,
      `the file ${name} cannot be read (${code ?? 'not a file'})`,
      `Relative paths start at the production's folder: this is ${file}.`,
    );
  }
}

async function lookInSecrets(name: string, looking: Looking): Promise<FoundValue | undefined> {
  if (!inCredentials(looking)) {
    return reportMissing(
      looking,
      'secrets are allowed only under credentials',
      'Make an entry under credentials, and name it here.',
    );
  }
  let text: string | undefined;
  try {
    text = await looking.source.secrets(name);
  } catch (error) {
    if (looking.source.assume === true) return assumed(looking);
    const { what, remedy } = splitProblem(describeError(error).text);
    return reportMissing(looking, `the secret ${name} cannot be read: ${what}`, remedy);
  }
  if (text === undefined && looking.source.assume === true) return assumed(looking);
  if (text === undefined) {
    return reportMissing(
      looking,
      `there is no secret named ${name}`,
      `Set it: waybill secret set ${name}.`,
    );
  }
  looking.problems.hide(text);
  return { text, hidden: true };
}

/** What a host's settings may refer to, besides its credentials. */
const KEPT = ['production'];
const HOSTS = ['services', 'operations'];
/** Tables may be files, which settings refer to, or be loaded as a host's messages are. */
const TABLES = 'lookups';

/**
 * Fills in a production, or only what the connection of one host needs: its settings, and the
 * credentials that they name, directly or through another. What is missing elsewhere is no problem then.
 */
export async function fillFor(
  host: string | undefined,
  written: Written,
  { source, problems }: { readonly source: ValueSource; readonly problems: Problems },
): Promise<Written> {
  if (host === undefined || written.kind !== 'block') return fill(written, source, problems);
  const known = [TABLES, ...HOSTS].flatMap((section) => {
    const block = written.entries.get(section)?.value;
    return block?.kind === 'block' ? [...block.entries.keys()] : [];
  });
  if (!known.includes(host)) {
    const what = `there is no service, operation or loaded lookup ${host}`;
    problems.error(written.place, '', what, suggestion(host, known));
  }
  const own = pick(written, [...KEPT, TABLES, ...HOSTS], (section, { key, value }) =>
    HOSTS.includes(section) || (section === TABLES && value.kind === 'block') ? key === host : true,
  );
  const filled = await fill(own, source, problems);
  const used = credentialsOf(filled, written);
  const credentials = pick(written, ['credentials'], (_, { key }) => used.has(key));
  const more = await fill(credentials, source, problems);
  if (filled.kind !== 'block' || more.kind !== 'block') return filled;
  return { ...written, entries: new Map([...filled.entries, ...more.entries]) };
}

/** The entries of each of these sections that are kept. */
function pick(
  { entries, ...written }: WrittenBlock,
  sections: readonly string[],
  keep: (section: string, entry: WrittenEntry) => boolean,
): WrittenBlock {
  const kept = sections.flatMap((section) => {
    const entry = entries.get(section);
    if (entry === undefined) return [];
    const { value } = entry;
    if (value.kind !== 'block') return [[section, entry] as const];
    const some = [...value.entries].filter(([, one]) => keep(section, one));
    return [[section, { ...entry, value: { ...value, entries: new Map(some) } }] as const];
  });
  return { ...written, entries: new Map(kept) };
}

/** The names of credentials that occur anywhere in a host, and in turn in those credentials. */
function credentialsOf(host: Written, whole: WrittenBlock): ReadonlySet<string> {
  const block = whole.entries.get('credentials')?.value;
  const known = block?.kind === 'block' ? block.entries : new Map<string, WrittenEntry>();
  const used = new Set<string>();
  const use = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) return Object.values(value).forEach(use);
    const entry = typeof value === 'string' && !used.has(value) ? known.get(value) : undefined;
    if (entry === undefined) return;
    used.add(entry.key);
    use(shown(entry.value));
  };
  use(shown(host));
  return used;
}
