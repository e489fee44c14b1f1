import type { CredentialKind } from '../adapter/setting.ts';
import { credentialKinds } from '../credential/kind/credential-kinds.ts';
import type { FindEdifactProfile } from '../document/edi/profile/edifact-profile.ts';
import type { Profile } from '../rule/profile/profile.ts';
import { RECORD_TRANSFORMS } from '../transform/records/record-transforms.ts';
import { suggestion } from './problem.ts';
import { valueAt, type Written } from './written/written.ts';

/**
 * The names a production defines, known before its parts are read, so that a reference to a host
 * with wrong settings is not reported as well. Remembers which were used.
 */
export interface ProductionNames {
  readonly targets: ReadonlySet<string>;
  /** Name → kind; `''` for an unknown one, which is reported at its place. */
  readonly credentials: ReadonlyMap<string, string>;
  readonly lookups: ReadonlySet<string>;
  readonly transforms: ReadonlySet<string>;
  readonly profiles: ReadonlySet<string>;
  readonly used: { readonly [Kind in UsedKind]: Set<string> };
}

type UsedKind = 'credential' | 'lookup' | 'profile' | 'target' | 'transform';

export function productionNames(written: Written): ProductionNames {
  const namesUnder = (key: string): string[] => {
    const block = valueAt(written, [key]);
    return block?.kind === 'block' ? [...block.entries.keys()] : [];
  };
  const kindOf = (name: string): string => {
    const kind = valueAt(written, ['credentials', name, 'kind']);
    const word = kind?.kind === 'scalar' ? String(kind.value) : '';
    return Object.hasOwn(credentialKinds, word) ? word : '';
  };
  return {
    targets: new Set([...namesUnder('processes'), ...namesUnder('operations')]),
    credentials: new Map(namesUnder('credentials').map((name) => [name, kindOf(name)])),
    lookups: new Set(namesUnder('lookups')),
    transforms: new Set([
      ...namesUnder('transforms'),
      ...namesUnder('records').flatMap((name) =>
        RECORD_TRANSFORMS.map((what) => `${name}.${what}`),
      ),
    ]),
    profiles: new Set(namesUnder('profiles')),
    used: {
      credential: new Set(),
      lookup: new Set(),
      profile: new Set(),
      target: new Set(),
      transform: new Set(),
    },
  };
}

/** What is wrong with the name of a target; undefined if nothing is. */
export function unknownTarget(name: string, { targets }: ProductionNames): string | undefined {
  if (targets.has(name)) return undefined;
  const remedy = suggestion(name, targets, 'Add it under processes or operations.');
  return `there is no process or operation ${name}. ${remedy}`;
}

export function unknownLookup(name: string, names: ProductionNames): string | undefined {
  names.used.lookup.add(name);
  if (names.lookups.has(name)) return undefined;
  const remedy = suggestion(
    name,
    names.lookups,
    `Add it: lookups: { ${name}: lookups/${name}.csv }.`,
  );
  return `there is no lookup ${name}. ${remedy}`;
}

/** What is wrong with a credential's name, or with its kind for this purpose. */
export function unfitCredential(
  name: string,
  kinds: readonly CredentialKind[] | undefined,
  names: ProductionNames,
): string | undefined {
  names.used.credential.add(name);
  const kind = names.credentials.get(name);
  if (kind === undefined) {
    const remedy = suggestion(name, names.credentials.keys(), 'Add it under credentials.');
    return `there is no credential ${name}. ${remedy}`;
  }
  if (kinds === undefined || (kinds as readonly string[]).includes(kind) || kind === '') {
    return undefined;
  }
  return `the credential ${name} is of the kind ${kind}; it must be ${kinds.join(' or ')}`;
}

/** What is wrong with the name of a key for tokens in an expression, as a sentence. */
export function unfitKey(name: string, names: ProductionNames): string | undefined {
  const problem = unfitCredential(name, ['jwt-key'], names);
  if (problem === undefined) return undefined;
  const text = problem.charAt(0).toUpperCase() + problem.slice(1);
  return /[.?]$/.test(text) ? text : `${text}.`;
}

export function unknownTransform(name: string, names: ProductionNames): string | undefined {
  names.used.transform.add(name);
  if (names.transforms.has(name)) return undefined;
  const add = `Add it: transforms: { ${name}: transforms/${name}.yaml }.`;
  return `there is no transform ${name}. ${suggestion(name, names.transforms, add)}`;
}

export function unknownProfile(name: string, names: ProductionNames): string | undefined {
  names.used.profile.add(name);
  if (names.profiles.has(name)) return undefined;
  const add = `Add it: profiles: { ${name}: profiles/${name}.yaml }.`;
  return `there is no profile ${name}. ${suggestion(name, names.profiles, add)}`;
}

/** Finds the EDIFACT profiles of a production, whose files may be read later: rules in them may name others. */
export const edifactProfiles =
  (names: ProductionNames, profiles: ReadonlyMap<string, Profile>): FindEdifactProfile =>
  (name) => {
    const unknown = unknownProfile(name, names);
    if (unknown !== undefined) return unknown;
    const profile = profiles.get(name);
    return profile === undefined ? undefined : (profile.edifact ?? notEdifact(name));
  };

const notEdifact = (name: string): string =>
  `the profile ${name} is not about EDIFACT. Name one whose file says edifact: and a message.`;
