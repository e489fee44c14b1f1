import { readFileSync } from 'node:fs';

/** An attribute of the standard (PS3.6). */
export interface KnownAttribute {
  /** `00100020`: group and element in hexadecimal. */
  readonly tag: string;
  /** The type of its value: `PN`, `DA`, `SQ` … (PS3.5 6.2) */
  readonly vr: string;
  readonly keyword: string;
}

interface Attributes {
  readonly byKeyword: ReadonlyMap<string, KnownAttribute>;
  readonly byTag: ReadonlyMap<string, KnownAttribute>;
}

let read: Attributes | undefined;

/** `attributes.json` has the attributes of PS3.6 2024e, also retired ones: keyword, number and type. Read once, by the first that needs it. */
function attributes(): Attributes {
  if (read !== undefined) return read;
  const file = readFileSync(new URL('attributes.json', import.meta.url), 'utf8');
  const all = Object.entries(JSON.parse(file) as Record<string, string>).map(
    ([keyword, written]) => ({ keyword, tag: written.slice(0, 8), vr: written.slice(9) }),
  );
  read = {
    byKeyword: new Map(all.map((one) => [one.keyword, one])),
    byTag: new Map(all.map((one) => [one.tag, one])),
  };
  return read;
}

export const attributeNamed = (keyword: string): KnownAttribute | undefined =>
  attributes().byKeyword.get(keyword);

export const attributeAt = (tag: string): KnownAttribute | undefined => attributes().byTag.get(tag);

/** All keywords, to find the nearest of a misspelled one. */
export const keywords = (): Iterable<string> => attributes().byKeyword.keys();
