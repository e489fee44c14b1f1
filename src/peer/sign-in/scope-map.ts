import * as setting from '../../adapter/setting.ts';

/** The scopes that members of a group have here. */
export interface GroupScopes {
  readonly group: string;
  readonly scopes: readonly string[];
}

const one: setting.Setting<GroupScopes, string> = {
  kind: 'text',
  help: 'A group, a colon, and the scopes that its members have.',
  example: 'wb-lab: orders.read orders.write',
  read: (given) => {
    // the name of a group may contain colons, scopes have no spaces around theirs
    const [, group = '', scopes = ''] =
      typeof given === 'string' ? (/^\s*(\S.*?)\s*:\s+(\S.*)$/.exec(given) ?? []) : [];
    return group === ''
      ? setting.bad('must be a group and its scopes, such as "wb-lab: orders.read"')
      : setting.good({ group, scopes: scopes.split(/[\s,]+/).filter((text) => text !== '') });
  },
};

/** Which scopes the groups of a directory or a provider give. */
export const scopeMap = setting.list(one, {
  help: 'Which groups give which scopes; * is everybody. Groups that are not named here give none, and are not in the token.',
  example: '["wb-lab: orders.read orders.write", "*: orders.read"]',
});

/** The scopes of somebody, as the claim `scope`. `isOf` says whether they are in a group. */
export function scopeClaim(
  map: readonly GroupScopes[],
  isOf: (group: string) => boolean,
): { readonly scope?: string } {
  const found = map.flatMap(({ group, scopes }) => (group === '*' || isOf(group) ? scopes : []));
  return found.length === 0 ? {} : { scope: [...new Set(found)].join(' ') };
}
