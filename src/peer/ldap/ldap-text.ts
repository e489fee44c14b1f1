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

/** Deeper than any filter that a person writes. */
const DEEPEST = 50;

/** What is wrong with a filter (RFC 4515), undefined if nothing is. The client's own parser takes what is cut off. */
export function filterProblem(filter: string): string | undefined {
  return endOfFilter(filter, 0, 0) === filter.length
    ? undefined
    : 'is not an LDAP filter such as (uid=4711): compare its brackets';
}

const ITEM = /[\w.;-]*(?::[\w.:]+:|[~<>])?=[^()]*/y;

/** Where the filter that begins at `at` ends; -1 if none begins there. */
function endOfFilter(text: string, at: number, depth: number): number {
  if (text[at] !== '(' || depth > DEEPEST) return -1;
  const isList = /[&|!]/.test(text[at + 1] ?? '');
  const end = isList ? endOfList(text, at + 1, depth) : endOfItem(text, at + 1);
  return text[end] === ')' ? end + 1 : -1;
}

function endOfList(text: string, at: number, depth: number): number {
  let next = at + 1;
  let parts = 0;
  for (; text[next] === '('; parts += 1) {
    next = endOfFilter(text, next, depth + 1);
    if (next < 0) return -1;
  }
  return text[at] === '!' && parts !== 1 ? -1 : next;
}

function endOfItem(text: string, at: number): number {
  ITEM.lastIndex = at;
  const [item = '='] = ITEM.exec(text) ?? [];
  return item.startsWith('=') ? -1 : at + item.length;
}
