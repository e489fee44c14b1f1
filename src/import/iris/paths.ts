import { type Hl7Dictionary, hl7Dictionary } from '../../document/hl7/dictionary/dictionary.ts';
import type { StructureNode } from '../../document/hl7/dictionary/structure.ts';

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** The dictionary of a schema such as `2.5.1`; for a custom schema, the newest common one. */
const dictionaryOf = (category: string): Hl7Dictionary | undefined =>
  hl7Dictionary(/^(\d\.\d(?:\.\d)?)/.exec(category)?.[1] ?? '2.5.1') ?? hl7Dictionary('2.5.1');

/** A loop of a DTL around what is translated. */
export interface PathLoop {
  /** The variable that counts it. */
  readonly key: string;
  /** What a step goes over for it: `OBX`, `PID-3`, `/orders`. */
  readonly over: string;
  /** Of a group of segments: its name and its segments, of which the loop goes over the first that is required. */
  readonly group?: { readonly name: string; readonly segments: readonly string[] };
}

/** A place in a message, seen from inside loops. */
export interface PathPlace {
  readonly path: string;
  /** A segment of the group that a loop goes over, other than the one that it stands at. */
  readonly beside?: string;
}

export interface PathContext {
  /** The schema and structure: `2.5:ADT_A01`. */
  readonly type: string;
  /** From the outermost on. */
  readonly loops: readonly PathLoop[];
  /** Whether it is written: a counter of another loop may then stand for a number. */
  readonly isWritten?: boolean;
  /** It is written into a message that began empty, where a loop over repetitions would begin a segment of its own. */
  readonly isNew?: boolean;
}

interface Part {
  readonly name: string;
  readonly index: string;
}

function partsOf(place: string): Part[] | undefined {
  const parts = place.split('.').map((one) => /^(\w+)(?:\((\w*)\))?$/.exec(one));
  return parts.every((one) => one !== null)
    ? parts.map(([, name = '', index = '']) => ({ name, index }))
    : undefined;
}

const isVariable = (index: string): boolean => /[a-z]/i.test(index);

/**
 * Translates a path into a virtual document, `PIDgrp.PID:PatientName(1).familyname`, to `PID-5[1].1`. Undefined if a
 * name is unknown, or if it means something that no path here can say.
 */
export function hl7PlaceOf(given: string, context: PathContext): PathPlace | undefined {
  const [where = '', inner = ''] = given.split(':');
  const parts = partsOf(where);
  const last = parts?.at(-1);
  if (parts === undefined || last === undefined || !/^[A-Z][A-Z0-9]{2}$/.test(last.name))
    return undefined;
  const groups = parts.slice(0, -1);
  // the second group of a kind cannot be told from the first one
  if (groups.some(({ index }) => /^\d+$/.test(index) && index !== '1')) return undefined;
  const counted = groups.filter(({ index }) => isVariable(index));
  const around = counted.map(({ name, index }) => loopOf(context, index, name));
  if (around.includes(undefined)) return undefined;
  const at = segmentAt(last, around.at(-1), context);
  if (at === undefined) return undefined;
  const field = inner === '' ? '' : fieldOf(inner, last.name, context);
  return field === undefined ? undefined : { ...at, path: at.path + field };
}

/** The path, where no loop is around it. */
export const hl7PathOf = (given: string, category: string): string | undefined =>
  hl7PlaceOf(given, { type: category, loops: [] })?.path;

const loopOf = ({ loops }: PathContext, key: string, group: string): PathLoop | undefined =>
  loops.find((one) => one.key === key && one.group?.name === group);

/** The segment that a part of a path means. */
function segmentAt(
  { name, index }: Part,
  group: PathLoop | undefined,
  { loops, isWritten = false, isNew = false }: PathContext,
): PathPlace | undefined {
  const own = loops.find(({ over }) => over === name);
  if (isVariable(index)) {
    if (own?.key === index) return { path: name };
    const innermost = loops.at(-1);
    return isWritten && innermost?.key === index ? { path: `${name}[#]` } : undefined;
  }
  if (group === undefined) {
    // inside a loop over them, the plain name is the current one
    const isFirst = index === '' || index === '1';
    const isRepeated = isNew && loops.some(({ over }) => over.startsWith(`${name}-`));
    return { path: isFirst && own === undefined && !isRepeated ? name : `${name}[${index || 1}]` };
  }
  if (group.over === name) return index === '' || index === '1' ? { path: name } : undefined;
  const segments = group.group?.segments ?? [];
  const isBehind = segments.indexOf(name) > segments.indexOf(group.over);
  return isBehind && (index === '' || index === '1') ? { path: name, beside: name } : undefined;
}

function fieldOf(
  inner: string,
  segment: string,
  { type, loops, isNew = false }: PathContext,
): string | undefined {
  const dictionary = dictionaryOf(type);
  const [field = '', ...components] = inner.split('.');
  const [, name = '', repetition = ''] = /^(\w+)(?:\((\w*)\))?$/.exec(field) ?? [];
  const fields = dictionary?.fields(segment);
  const number = numberOf(
    name,
    fields?.map((one) => one.name),
  );
  if (number === undefined) return undefined;
  const own = loops.find(({ over }) => over === `${segment}-${number}`);
  if (isVariable(repetition) && (own?.key !== repetition || isNew)) return undefined;
  const isCurrent = isVariable(repetition) || (repetition === '' && own === undefined);
  const repeated = isCurrent ? '' : `[${repetition || 1}]`;
  const parts = componentsOf(components, fields?.[number - 1]?.type ?? '', dictionary);
  return parts === undefined ? undefined : `-${number}${repeated}${parts}`;
}

function numberOf(name: string, known: readonly string[] | undefined): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  const wanted = plain(name);
  const exact = known?.findIndex((one) => plain(one) === wanted) ?? -1;
  if (exact >= 0) return exact + 1;
  const near = (known ?? []).flatMap((one, index) =>
    plain(one).startsWith(wanted) || wanted.startsWith(plain(one)) ? [index + 1] : [],
  );
  return near.length === 1 ? near[0] : undefined;
}

function componentsOf(
  names: readonly string[],
  type: string,
  dictionary: Hl7Dictionary | undefined,
): string | undefined {
  let at = type;
  let made = '';
  for (const name of names) {
    const known = dictionary?.components(at);
    const number = numberOf(
      name,
      known?.map((one) => one.name),
    );
    if (number === undefined) return undefined;
    made += `.${number}`;
    at = known?.[number - 1]?.type ?? '';
  }
  return made;
}

/** The types of messages that have a structure: `ADT_A01` is also that of `ADT_A04`. */
export function typesOf(structure: string, category: string): string[] {
  const dictionary = dictionaryOf(category);
  const nodes = dictionary?.structure(structure);
  if (dictionary === undefined || nodes === undefined) return [structure];
  const same = dictionary.messages.filter(
    (one) => one.startsWith(structure.slice(0, 3)) && dictionary.structure(one) === nodes,
  );
  return [...new Set([structure, ...same])];
}

/** How many fields a segment has. */
export const fieldCount = (segment: string, category: string): number =>
  dictionaryOf(category)?.fields(segment)?.length ?? 0;

/** The loop of a `foreach` over `PIDgrpgrp(k1).ORCgrp()`, `OBX()` or `PID:PatientIdentifierList()`. */
export function hl7Loop(given: string, key: string, context: PathContext): PathLoop | undefined {
  const whole = given.replace(/\(\)$/, '');
  if (whole === given) return undefined;
  if (given.includes(':')) {
    const place = hl7PlaceOf(whole, context);
    const isField = place !== undefined && /^\w{3}-\d+$/.test(place.path);
    return isField && place.beside === undefined ? { key, over: place.path } : undefined;
  }
  const last = /(\w+)$/.exec(whole)?.[1] ?? '';
  const before = partsOf(whole)?.slice(0, -1) ?? [];
  const isKnown = before.every(
    ({ name, index }) =>
      index === '' ||
      index === '1' ||
      (isVariable(index) && loopOf(context, index, name) !== undefined),
  );
  if (!isKnown) return undefined;
  if (/^[A-Z][A-Z0-9]{2}$/.test(last)) return { key, over: last };
  const group = groupOf(last, context.type);
  return group && { key, over: group.anchor, group: { name: last, segments: group.segments } };
}

interface Group {
  readonly anchor: string;
  readonly segments: readonly string[];
}

/** Groups are named by their first part: `ORCgrp` begins with ORC, `PIDgrpgrp` with the group PIDgrp. */
function groupOf(name: string, type: string): Group | undefined {
  const [category = '', structure = ''] = type.split(':');
  const nodes = dictionaryOf(category)?.structure(structure);
  const found: StructureNode[] = [];
  const visit = (of: readonly StructureNode[]): void => {
    for (const one of of) {
      if (one.kind === 'group' && nameOf(one) === name) found.push(one);
      visit(one.children);
    }
  };
  visit(nodes ?? []);
  const [first] = found;
  const anchor = first && anchorOf(first);
  return first && anchor !== undefined ? { anchor, segments: leavesOf(first) } : undefined;
}

const nameOf = (node: StructureNode): string => {
  const [first] = node.children;
  return node.kind === 'segment' || first === undefined ? node.name : `${nameOf(first)}grp`;
};

/** A group of a patient is gone over by PID, which is there although the standard leaves it optional. */
function anchorOf(group: StructureNode): string | undefined {
  if (leavesOf(group)[0] === 'PID') return 'PID';
  for (const one of group.children) {
    if (!one.required) continue;
    return one.kind === 'segment' ? one.name : anchorOf(one);
  }
  return leavesOf(group)[0];
}

const leavesOf = (node: StructureNode): string[] =>
  node.kind === 'segment' ? [node.name] : node.children.flatMap(leavesOf);

/** The fields of MSH that a new message gets from its source: not its delimiters, nor its version, which is its type's. */
export const HEADER = [
  '9.1',
  '9.2',
  ...Array.from({ length: 6 }, (_, at) => at + 3),
  10,
  11,
  ...Array.from({ length: 13 }, (_, at) => at + 13),
];
