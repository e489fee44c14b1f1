import type { Settings } from '../adapter/setting.ts';
import { credentialKinds, readCredential } from '../credential/kind/credential-kinds.ts';
import type { CredentialEntry } from './definition.ts';
import { type Reading, report, reportBelow } from './form/form.ts';
import { givenFields, textOf } from './form/setting-form.ts';
import type { CredentialGiven } from './grammar/production-form.ts';
import type { Place } from './place.ts';
import { splitProblem } from './problem.ts';
import { valueAt, type Written, type WrittenBlock } from './written/written.ts';

/** An entry under `credentials` with its values filled in; undefined if it has problems, which are then reported. */
export function readCredentialEntry(
  { value: written, place }: CredentialGiven,
  reading: Reading,
): CredentialEntry | undefined {
  if (written.kind !== 'block') {
    return report(
      reading,
      written.place,
      'must be a block of keys',
      'It needs kind: basic or another.',
    );
  }
  const entry = credentialEntry(written, place);
  const read = readCredential(entry, reading.context);
  if (read.ok) return entry;
  for (const { path, problem, offset } of read.problems) {
    reportBelow(reading, written, { keys: path, offset, ...splitProblem(problem) });
  }
  return undefined;
}

/** What an entry says, not yet read. */
export function credentialEntry(written: WrittenBlock, place: Place): CredentialEntry {
  const kind = kindOf(written);
  const values = givenFields(settingsOf(kind), withoutKind(written));
  return { kind, values, place, files: [...filesIn(written)] };
}

function kindOf(written: WrittenBlock): string {
  const kind = valueAt(written, ['kind']);
  return kind?.kind === 'scalar' ? (textOf(kind) ?? '') : '';
}

function settingsOf(kind: string): Settings {
  const kinds: Readonly<Record<string, { readonly settings: Settings }>> = credentialKinds;
  return Object.hasOwn(kinds, kind) ? (kinds[kind]?.settings ?? {}) : {};
}

function withoutKind(written: WrittenBlock): WrittenBlock {
  const entries = new Map(written.entries);
  entries.delete('kind');
  return { ...written, entries };
}

function* filesIn(written: Written): Generator<string> {
  if (written.kind === 'scalar') yield* written.files;
  else if (written.kind === 'list') for (const item of written.items) yield* filesIn(item);
  else for (const { value } of written.entries.values()) yield* filesIn(value);
}
