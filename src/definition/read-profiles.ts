import { resolve } from 'node:path';
import { Given } from '../expression/given.ts';
import type { LookupTables } from '../lookup/lookup-tables.ts';
import type { Profile } from '../rule/profile/profile.ts';
import { readProfile } from '../rule/profile/read-profile.ts';
import { unknownLookup } from './names.ts';
import { filesUnder, type TransformsReading, yamlFile } from './read-transforms.ts';
import type { Written } from './written/written.ts';

export interface ReadProfiles {
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Absolute paths. */
  readonly files: readonly string[];
}

/** Reads every file under `profiles`; problems are reported at their place in it. */
export async function readProfiles(
  written: Written,
  parts: TransformsReading,
  tables: LookupTables,
): Promise<ReadProfiles> {
  const profiles = new Map<string, Profile>();
  const entries = filesUnder(written, 'profiles');
  const problem = (name: string): string | undefined => {
    const text = unknownLookup(name, parts.names);
    return text && `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  };
  for (const entry of entries) {
    const given = await yamlFile(entry, parts, 'profiles');
    if (given === undefined) continue;
    const { value, reading } = given;
    const profile = readProfile(entry.name, new Given(value, [], reading), { tables, problem });
    profiles.set(entry.name, profile);
  }
  return { profiles, files: entries.map(({ file }) => resolve(parts.source.folder, file)) };
}
