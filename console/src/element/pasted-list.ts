/** The most texts that the API accepts in one search. */
export const TEXTS_LIMIT = 2_000;
/** The most characters of a list in an address; servers and proxies refuse longer ones. */
const IN_ADDRESS = 3_000;
const KEY = 'waybill.list.';

/**
 * The ids of a text that is a list of them: one a line, or with commas, semicolons or tabs. undefined for a text that
 * may as well be one value, such as a name with a comma.
 */
export function pastedList(text: string): readonly string[] | undefined {
  const texts = textsOf(text);
  if (texts.length < 2) return undefined;
  const isColumn = /[\n\t]/.test(text.trim());
  return isColumn || texts.every((one) => /^\S*\d\S*$/.test(one)) ? texts : undefined;
}

export function textsOf(text: string): readonly string[] {
  const parts = text.split(/[\n\r\t,;]/).map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2'));
  return [...new Set(parts.filter((part) => part !== ''))];
}

/** A list's form in an address: itself, or the name under which this tab keeps it. */
export function addressOf(texts: readonly string[]): string {
  const whole = texts.join(',');
  if (whole.length <= IN_ADDRESS) return whole;
  const name = `@${hashOf(whole)}`;
  kept.set(name, texts);
  try {
    sessionStorage.setItem(KEY + name, JSON.stringify(texts));
  } catch {
    // without storage it lasts until the page is loaded again
  }
  return name;
}

const kept = new Map<string, readonly string[]>();

/** The list given by an address; undefined if another tab keeps it. */
export function listAt(address: string): readonly string[] | undefined {
  if (!address.startsWith('@')) return textsOf(address);
  const known = kept.get(address);
  if (known !== undefined) return known;
  try {
    const text = sessionStorage.getItem(KEY + address);
    return text === null ? undefined : (JSON.parse(text) as readonly string[]);
  } catch {
    // storage is switched off
    return undefined;
  }
}

/** The search for a pasted list: over all times, since ids may be anywhere. */
export const listSearch = (texts: readonly string[]) => ({
  list: addressOf(texts),
  find: undefined,
  last: 'all',
  from: undefined,
  to: undefined,
});

/** The request: a list that is not in this tab finds nothing, never everything. */
export const searchedTexts = (address: string): readonly string[] =>
  (listAt(address) ?? []).slice(0, TEXTS_LIMIT);

/** FNV-1a: it only has to distinguish the lists of one tab. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return `${(hash >>> 0).toString(36)}-${text.length}`;
}
