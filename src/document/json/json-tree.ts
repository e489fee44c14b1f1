import { jsonEntries } from './json-text.ts';

/** A value of a JSON text. What nobody looked into is its text alone, and is taken apart a level at a time. */
export interface JsonNode {
  /** As it is written; undefined while something in it was changed and not yet written. */
  text: string | undefined;
  /** Of an object or array that was looked into. */
  parts: JsonParts | undefined;
}

interface JsonParts {
  readonly isArray: boolean;
  readonly members: JsonMember[];
  /** From behind the last value to the end, its bracket included. */
  tail: string;
}

export interface JsonMember {
  /** The name of a member of an object; `''` in an array. */
  readonly key: string;
  /** What stands before it: white space and, but for the first, a comma. */
  lead: string;
  /** The name as it is written, up to the value; `''` in an array. */
  readonly name: string;
  readonly node: JsonNode;
}

export function jsonNode(text: string): JsonNode {
  return { text, parts: undefined };
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
  node.parts = { isArray: open === '[', members, tail: text.slice(last) };
  return node.parts;
}

/** Where the member of a key stands: of a repeated name the last, as JSON.parse takes it; −1 if there is none. */
export function memberAt({ isArray, members }: JsonParts, key: string): number {
  if (!isArray) return members.findLastIndex((member) => member.key === key);
  return /^(?:0|[1-9]\d{0,8})$/.test(key) && Number(key) < members.length ? Number(key) : -1;
}

/** Puts another member at the end, laid out like the last one. */
export function addMember(parts: JsonParts, key: string, text: string): void {
  const { isArray, members } = parts;
  const last = members.at(-1);
  const lead = last === undefined ? '' : `,${/\s*$/.exec(last.lead)?.[0] ?? ''}`;
  // what stood between empty brackets goes
  if (last === undefined) parts.tail = parts.tail.slice(-1);
  const name = isArray ? '' : `${JSON.stringify(key)}:`;
  members.push({ key: isArray ? '' : key, lead, name, node: jsonNode(text) });
}

/** Takes a member out, with the comma that it needed. */
export function removeMember(parts: JsonParts, at: number): void {
  const [removed] = parts.members.splice(at, 1);
  const next = parts.members[at];
  if (removed === undefined) return;
  if (next !== undefined) next.lead = removed.lead;
  else if (parts.members.length === 0) parts.tail = removed.lead + parts.tail;
}

/** A copy to change. */
export function copyNode({ text, parts }: JsonNode): JsonNode {
  if (parts === undefined) return { text, parts };
  const members = parts.members.map((member) => ({ ...member, node: copyNode(member.node) }));
  return { text, parts: { ...parts, members } };
}
