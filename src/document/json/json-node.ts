import { jsonEntries } from './json-text.ts';

/**
 * A value of a JSON text. Until it is looked into it is only its text, which is parsed one level at a time. Several documents
 * may share one; only that of its `owner` changes it.
 */
export interface JsonNode {
  readonly owner: object | undefined;
  /** Its text; undefined while something in it has changed and is not written yet. */
  text: string | undefined;
  /** The content of an object or array that was looked into. */
  parts: JsonParts | undefined;
}

export interface JsonParts {
  readonly isArray: boolean;
  readonly members: JsonMember[];
  /** From after the last value to the end, including the bracket. */
  tail: string;
  /** The place of each name in a large object that was asked for one; undefined until then. */
  places: Map<string, number> | undefined;
  /** Whether `places` are those of another value too. */
  isLent: boolean;
}

export interface JsonMember {
  /** The name of a member of an object; `''` in an array. */
  readonly key: string;
  /** What comes before it: white space and, except for the first, a comma. */
  readonly lead: string;
  /** The name as written, up to the value; `''` in an array. */
  readonly name: string;
  readonly node: JsonNode;
}

export function jsonNode(text: string): JsonNode {
  return { owner: undefined, text, parts: undefined };
}

/** A value that `owner` may change, with what is known of it. */
export function ownedNode(node: JsonNode, owner: object): JsonNode {
  if (node.owner === owner) return node;
  const { text, parts } = node;
  if (parts === undefined) return { owner, text, parts };
  return { owner, text, parts: { ...parts, members: [...parts.members], isLent: true } };
}

/** The text of a value. */
export function textOf(node: JsonNode): string {
  if (node.text !== undefined) return node.text;
  const { parts } = node;
  if (parts === undefined) return '';
  const { isArray, members, tail } = parts;
  const inner = members.map(({ lead, name, node: value }) => lead + name + textOf(value)).join('');
  node.text = (isArray ? '[' : '{') + inner + tail;
  return node.text;
}

/** The members of an object or the elements of an array; undefined for any other value. */
export function partsOf(node: JsonNode): JsonParts | undefined {
  const { text, parts } = node;
  if (parts !== undefined || text === undefined) return parts;
  const open = text.charAt(0);
  if (open !== '{' && open !== '[') return undefined;
  const members: JsonMember[] = [];
  let last = 1;
  for (const { key, start, from, to } of jsonEntries(text, 0)) {
    members.push({
      key: open === '[' ? '' : key,
      lead: text.slice(last, start),
      name: text.slice(start, from),
      node: jsonNode(text.slice(from, to)),
    });
    last = to;
  }
  node.parts = partsWith(open === '[', members, text.slice(last));
  return node.parts;
}

export function partsWith(isArray: boolean, members: JsonMember[], tail: string): JsonParts {
  return { isArray, members, tail, places: undefined, isLent: false };
}

/** From this many members on, names are not searched for one after the other. */
const MANY = 32;

/** The index of the member with a key: the last one of a repeated name, as for JSON.parse; −1 if there is none. */
export function memberAt(parts: JsonParts, key: string): number {
  const { isArray, members } = parts;
  if (!isArray && members.length < MANY) {
    return members.findLastIndex((member) => member.key === key);
  }
  if (!isArray) {
    parts.places ??= new Map(members.map((member, index) => [member.key, index]));
    return parts.places.get(key) ?? -1;
  }
  return /^(?:0|[1-9]\d{0,8})$/.test(key) && Number(key) < members.length ? Number(key) : -1;
}

/** Adds a member at the end, with the layout of the last one. */
export function addMember(parts: JsonParts, key: string, text: string): void {
  const { isArray, members } = parts;
  const last = members.at(-1);
  const lead = last === undefined ? '' : `,${/\s*$/.exec(last.lead)?.[0] ?? ''}`;
  // what was between empty brackets is dropped
  if (last === undefined) parts.tail = parts.tail.slice(-1);
  const name = isArray ? '' : `${JSON.stringify(key)}:`;
  if (parts.isLent && parts.places !== undefined) parts.places = new Map(parts.places);
  parts.isLent = false;
  parts.places?.set(key, members.length);
  members.push({ key: isArray ? '' : key, lead, name, node: jsonNode(text) });
}

/** Removes a member and its comma. */
export function removeMember(parts: JsonParts, at: number): void {
  const { members } = parts;
  const [removed] = members.splice(at, 1);
  parts.places = undefined;
  const next = members[at];
  if (removed === undefined) return;
  if (next !== undefined) members[at] = { ...next, lead: removed.lead };
  else if (members.length === 0) parts.tail = removed.lead + parts.tail;
}
