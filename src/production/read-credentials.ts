import type { CredentialEntry } from './definition.ts';
import type { CredentialGiven } from './grammar/production-form.ts';
import type { Written } from './written/written.ts';

/** An entry under `credentials` with its values filled in, and the files they came from. */
export function readCredential({ value, written, place }: CredentialGiven): CredentialEntry {
  const values = Object.fromEntries(
    Object.entries(value.values).filter(([, one]) => one !== undefined),
  );
  return { kind: value.choice, values, place, files: [...filesIn(written)] };
}

function* filesIn(written: Written): Generator<string> {
  if (written.kind === 'scalar') yield* written.files;
  else if (written.kind === 'list') for (const item of written.items) yield* filesIn(item);
  else for (const { value } of written.entries.values()) yield* filesIn(value);
}
