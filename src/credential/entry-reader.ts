import { resolve } from 'node:path';
import { bad, type CredentialKind, type ReadContext } from '../adapter/setting.ts';
import { nearest } from '../error/nearest.ts';
import type { CredentialEntry } from './credential-entry.ts';
import { CredentialError } from './credential-error.ts';
import { type CredentialValues, readCredential } from './kind/credential-kinds.ts';

/** Reads the values of an entry when they are needed, so that a renewed secret is used. */
export interface EntryReader {
  /** Rejects with CREDENTIAL_MISSING or CREDENTIAL_REFUSED. */
  read(name: string): Promise<CredentialValues>;
  /** The files whose content was filled into the entry when the production was loaded. */
  files(name: string): readonly string[];
  /** The same for an entry that must be of one kind; `wanted` says who needs it. */
  readKind<K extends CredentialValues['kind']>(
    name: string,
    kind: K,
    wanted: string,
  ): Promise<Extract<CredentialValues, { kind: K }>>;
}

export function entryReader({
  folder,
  entries,
  again,
}: {
  /** The production's folder, where relative paths start. */
  readonly folder: string;
  /** The entries as they are now. */
  readonly entries: () => ReadonlyMap<string, CredentialEntry>;
  /** Fills in an entry's `${…}` again; if undefined, it stays as it is. */
  readonly again: ((name: string) => Promise<CredentialEntry | undefined>) | undefined;
}): EntryReader {
  const read = async (name: string): Promise<CredentialValues> => {
    const known = entries().get(name);
    if (known === undefined) throw missing(name, entries().keys());
    const entry = (await again?.(name)) ?? known;
    const values = readCredential(entry, contextFor(folder, entries()));
    if (values.ok) return values.value;
    const { file, line } = entry.place;
    const problems = values.problems.map(({ path, problem }) => `${path.join('.')} ${problem}`);
    throw new CredentialError('CREDENTIAL_REFUSED', name, {
      cause: problems.join('; '),
      remedy: `Correct it at ${file}:${line}`,
    });
  };
  return {
    read,
    files: (name) => entries().get(name)?.files ?? [],
    async readKind(name, kind, wanted) {
      const values = await read(name);
      if (values.kind === kind) return values as Extract<CredentialValues, { kind: typeof kind }>;
      throw new CredentialError('CREDENTIAL_REFUSED', name, {
        cause: `it is of kind ${values.kind}, but ${wanted} needs kind ${kind}`,
        remedy: 'Name another credential, or change its kind',
      });
    },
  };
}

function missing(name: string, known: Iterable<string>): CredentialError {
  const near = nearest(name, known);
  return new CredentialError('CREDENTIAL_MISSING', name, {
    cause: 'there is no such entry under credentials',
    remedy: near === undefined ? 'Add it to the production' : `Perhaps you mean ${near}`,
  });
}

/** Credentials have no expressions; they can only name other credentials. */
function contextFor(folder: string, entries: ReadonlyMap<string, CredentialEntry>): ReadContext {
  return {
    path: (text) => resolve(folder, text),
    template: () => bad('is not possible in a credential'),
    expression: () => bad('is not possible in a credential'),
    unknown: () => 'is not possible in a credential',
    unfit(name: string, kinds: readonly CredentialKind[] | undefined) {
      const kind = entries.get(name)?.kind;
      if (kind === undefined) return `names ${name}, which is not an entry under credentials`;
      return kinds === undefined || kinds.some((one) => one === kind)
        ? undefined
        : `names ${name} of kind ${kind}; it must be of kind ${kinds.join(' or ')}`;
    },
  };
}
