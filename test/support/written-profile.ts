import { parse } from 'yaml';
import { Given } from '../../src/expression/given.ts';
import type { Profile } from '../../src/rule/profile/profile.ts';
import { readProfile } from '../../src/rule/profile/read-profile.ts';
import { environment } from './subject-message.ts';

const noLookup = (name: string): string => `There is no lookup ${name}.`;

/** A profile as it is written in YAML, and what is wrong with it. */
export function writtenProfile(
  text: string,
  name = 'made',
): { readonly problems: string[]; readonly profile: Profile } {
  const problems: string[] = [];
  const given = new Given(parse(text), [], {
    environment,
    problem: (path, wrong) => problems.push(`${path.join('.')}: ${wrong}`),
    unknown: () => undefined,
  });
  const tables = { names: [], lookup: () => '' };
  return { profile: readProfile(name, given, { tables, problem: noLookup }), problems };
}
