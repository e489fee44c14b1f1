/**
 * Texts with `{name}` that are filled with values from elsewhere, escaped for where they stand: a person who types `*)(uid=*`
 * as their name must not change what is searched for.
 */

const HOLE = /\{(\w+)\}/g;

/** Fills an LDAP filter (RFC 4515, 3). A name without a value is left as it is. */
export function filledFilter(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(HOLE, (hole, name: string) => {
    const value = values[name];
    return value === undefined ? hole : escaped(value, /[\\*()\0]/g);
  });
}

/** Fills the name of a sign-in: a DN (RFC 4514, 2.4), `{user}@domain` or `DOMAIN\{user}`. */
export function filledName(text: string, values: Readonly<Record<string, string>>): string {
  const isDn = /^\s*[\w.-]+\s*=/.test(text);
  return text.replaceAll(HOLE, (hole, name: string) => {
    const value = values[name];
    if (value === undefined) return hole;
    return isDn ? escaped(value, /[\\,+"<>;=#\0]|^ | $/g) : value;
  });
}

/** As `\2a`: both grammars read two hexadecimal digits. */
const escaped = (value: string, special: RegExp): string =>
  value.replaceAll(
    special,
    (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );

/** Names that only differ in what a directory ignores are the same: case, and spaces beside commas. */
export const plainDn = (dn: string): string =>
  dn
    .trim()
    .replaceAll(/\s*([,=])\s*/g, '$1')
    .toLowerCase();

/** The first value of a DN: `wb-admins` of `CN=wb-admins,OU=Groups,DC=…`; undefined if it is not a DN. */
export const firstValueOf = (dn: string): string | undefined =>
  /^\s*[\w.-]+\s*=\s*((?:[^\\,+]|\\.)+)/.exec(dn)?.[1]?.replaceAll(/\\([^\da-fA-F])/g, '$1');
