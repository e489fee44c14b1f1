import type { LdapConnection, LdapEntry } from './ldap-connection.ts';
import { filledFilter, firstValueOf, plainDn } from './ldap-text.ts';

/** Where groups are, unless something else is written. */
export const MEMBER_OF = 'memberOf';
/** The groups of a person, for a directory that does not tell them at the entry. */
export const GROUP_FILTER = '(|(member={dn})(uniqueMember={dn})(memberUid={user}))';

export interface GroupSettings {
  readonly groups: { readonly base: string; readonly filter: string } | undefined;
  /** Groups in groups count too. */
  readonly nested: boolean;
  /** The attribute with the groups; `memberOf`, unless something else is written. */
  readonly groupsFrom: string;
}

/** Groups in groups are followed this deep, and no further than this many in all. */
const DEEPEST = 20;
const MOST_GROUPS = 1_000;
/** More entries than anybody's groups fill. */
const PAGE = 500;

/** What groups may be searched by. */
export interface Person {
  readonly entry: LdapEntry;
  /** The name that was typed. */
  readonly user: string;
}

/**
 * The DNs of the groups of a person: of `memberOf`, or found below `groups.base`; with `nested` also the groups of these, each
 * once.
 */
export async function groupsOf(
  connection: LdapConnection,
  settings: GroupSettings,
  { entry, user }: Person,
): Promise<readonly string[]> {
  const { groups, nested, groupsFrom } = settings;
  const above = async (dn: string, own: boolean): Promise<readonly string[]> => {
    if (groups === undefined) {
      return own ? entry.values(groupsFrom) : await memberOf(connection, dn);
    }
    const filter = filledFilter(groups.filter, { dn, user: own ? user : dn });
    const { entries } = await connection.search({
      base: groups.base,
      scope: 'sub',
      filter,
      attributes: ['1.1'],
      most: MOST_GROUPS,
      pageSize: PAGE,
    });
    return entries.map((group) => group.dn);
  };
  const known = new Map<string, string>();
  const fresh = (found: readonly string[]): readonly string[] =>
    found.filter((group) => {
      if (known.has(plainDn(group)) || known.size >= MOST_GROUPS) return false;
      known.set(plainDn(group), group);
      return true;
    });
  let level: readonly string[] = [entry.dn];
  for (let depth = 0; depth <= (nested ? DEEPEST : 0) && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const dn of level) next.push(...fresh(await above(dn, depth === 0)));
    level = next;
  }
  return [...known.values()];
}

async function memberOf(connection: LdapConnection, dn: string): Promise<readonly string[]> {
  if (firstValueOf(dn) === undefined) return [];
  const { entries } = await connection.search({
    base: dn,
    scope: 'base',
    filter: '(objectClass=*)',
    attributes: [MEMBER_OF],
    most: 1,
    pageSize: 0,
  });
  return entries.flatMap((group) => group.values(MEMBER_OF));
}

/**
 * A group as the settings name it: by its DN, or by the first value in it, in any case; if it is not named there,
 * the short name, for the text that says so.
 */
export function mappedName(group: string, names: Iterable<string>): string {
  const short = firstValueOf(group) ?? group;
  const dn = plainDn(group);
  const named = [...names].find(
    (key) => plainDn(key) === dn || key.toLowerCase() === short.toLowerCase(),
  );
  return named ?? short;
}
