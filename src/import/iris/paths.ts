import {
  HL7_VERSIONS,
  type Hl7Dictionary,
  hl7Dictionary,
} from '../../document/hl7/dictionary/dictionary.ts';
import type { StructureNode } from '../../document/hl7/dictionary/structure.ts';
import { NoCounterpart } from './objectscript.ts';

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
  readonly group?: {
    readonly name: string;
    readonly segments: readonly string[];
    /** Those that stand in it once. */
    readonly single: readonly string[];
  };
  /** It goes over what is in the first of several groups, each of which begins with this segment. */
  readonly within?: string;
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
  /** `*` for `()`, which means all of them; `''` for none. */
  readonly index: string;
}

const indexOf = (given: string | undefined): string => (given === undefined ? '' : given || '*');

function partsOf(place: string): Part[] | undefined {
  const parts = place.split('.').map((one) => /^(\w+)(?:\((\w*)\))?$/.exec(one));
  return parts.every((one) => one !== null)
    ? parts.map(([, name = '', index]) => ({ name, index: indexOf(index) }))
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
  if (groups.some(({ index }) => index === '*' || (/^\d+$/.test(index) && index !== '1')))
    return undefined;
  const counted = groups.filter(({ index }) => isVariable(index));
  const around = counted.map(({ name, index }) => loopOf(context, index, name));
  if (around.includes(undefined)) return undefined;
  // of what stands at several places of the structure, the name alone means the first
  if (around.length === 0 && !isOwnLoop(last, context)) {
    const first = firstGroup(last.name, context.type);
    if (first !== undefined && first !== (groups.at(-1)?.name ?? '')) return undefined;
  }
  const at = segmentAt(last, around.at(-1), context);
  if (at === undefined) return undefined;
  const field = inner === '' ? '' : fieldOf(inner, last.name, context);
  return field === undefined ? undefined : { ...at, path: at.path + field };
}

/** The path, where no loop is around it. */
export const hl7PathOf = (given: string, category: string): string | undefined =>
  hl7PlaceOf(given, { type: category, loops: [] })?.path;

const isOwnLoop = ({ name, index }: Part, { loops }: PathContext): boolean =>
  loops.some((one) => one.over === name && one.key === index);

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
  if (index === '*') return group === undefined ? { path: `${name}[*]` } : undefined;
  const isFirst = index === '' || index === '1';
  if (group === undefined) {
    // inside a loop over them, the plain name is the current one
    const isRepeated = isNew && loops.some(({ over }) => over.startsWith(`${name}-`));
    return { path: isFirst && own === undefined && !isRepeated ? name : `${name}[${index || 1}]` };
  }
  return isFirst ? besideIn(name, group) : undefined;
}

/** A segment in the group that a loop goes over. */
function besideIn(name: string, { over, group }: PathLoop): PathPlace | undefined {
  if (over === name) return { path: name };
  const { segments = [], single = [] } = group ?? {};
  const isBehind = segments.indexOf(name) > segments.indexOf(over);
  return isBehind && single.includes(name) ? { path: name, beside: name } : undefined;
}

function fieldOf(
  inner: string,
  segment: string,
  { type, loops, isNew = false }: PathContext,
): string | undefined {
  const dictionary = dictionaryOf(type);
  const [field = '', ...components] = inner.split('.');
  const [, name = '', given] = /^(\w+)(?:\((\w*)\))?$/.exec(field) ?? [];
  const repetition = indexOf(given);
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

/** How many fields a segment has in the version that has most of them. */
export const fieldCount = (segment: string): number =>
  Math.max(...HL7_VERSIONS.map((one) => hl7Dictionary(one)?.fields(segment)?.length ?? 0));

/** The group in which a segment stands first, `''` for none, if it stands at several places of a structure. */
function firstGroup(segment: string, type: string): string | undefined {
  if (occurrences(segment, type).length < 2) return undefined;
  const [category = '', structure = ''] = type.split(':');
  const visit = (nodes: readonly StructureNode[], group: string): string | undefined => {
    for (const one of nodes) {
      if (one.kind === 'segment' && one.name === segment) return group;
      const found = visit(one.children, one.kind === 'group' ? nameOf(one) : group);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(dictionaryOf(category)?.structure(structure) ?? [], '');
}

/** Whether a segment of a structure may be missing. */
export function needNotBe(segment: string, type: string): boolean {
  const [category = '', structure = ''] = type.split(':');
  const visit = (nodes: readonly StructureNode[], isOptional: boolean): boolean =>
    nodes.some((one) => {
      const mayMiss = isOptional || !one.required;
      return one.kind === 'segment'
        ? one.name === segment && mayMiss
        : visit(one.children, mayMiss);
    });
  return visit(dictionaryOf(category)?.structure(structure) ?? [], false);
}

/** The segments of a structure, in order; without those that stand at several places in it. */
export function segmentsOf(type: string): string[] {
  const [category = '', structure = ''] = type.split(':');
  const all = (dictionaryOf(category)?.structure(structure) ?? []).flatMap(leavesOf);
  return all.filter((one) => all.indexOf(one) === all.lastIndexOf(one));
}

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
  const isSegment = /^[A-Z][A-Z0-9]{2}$/.test(last);
  const group = isSegment ? undefined : groupOf(last, context.type);
  const over = isSegment ? last : group?.anchor;
  if (over === undefined) return undefined;
  const within = firstOf(before, over, context.type);
  return {
    key,
    over,
    ...(group !== undefined && { group: { name: last, ...group } }),
    ...(within !== undefined && { within }),
  };
}

/** The segment with which the innermost group begins, if a loop is only over what is in the first of several. */
function firstOf(groups: readonly Part[], over: string, type: string): string | undefined {
  const last = groups.at(-1);
  const group = last === undefined || isVariable(last.index) ? undefined : groupOf(last.name, type);
  // groups of patients: a message has one, and need not have PID
  if (group === undefined || !group.repeats || group.segments[0] === 'PID') return undefined;
  if (group.segments.indexOf(over) <= group.segments.indexOf(group.anchor))
    throw new NoCounterpart(`goes over ${over} of the first of several groups`);
  return group.anchor;
}

interface Group {
  readonly repeats: boolean;
  readonly anchor: string;
  readonly segments: readonly string[];
  readonly single: readonly string[];
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
  if (first === undefined || anchor === undefined) return undefined;
  const segments = leavesOf(first);
  const single = segments.filter((one) => {
    const [only, ...more] = repeatsIn(first.children, one);
    return only === false && more.length === 0;
  });
  return { repeats: first.repeats, anchor, segments, single };
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

/** For each place of a segment, whether it may stand there several times. */
const repeatsIn = (nodes: readonly StructureNode[], segment: string, around = false): boolean[] =>
  nodes.flatMap((one) => {
    const repeats = around || one.repeats;
    if (one.kind !== 'segment') return repeatsIn(one.children, segment, repeats);
    return one.name === segment ? [repeats] : [];
  });

/** The same in a structure such as `2.5:ORU_R01`; none if it is not known there. */
export function occurrences(segment: string, type: string): boolean[] {
  const [category = '', structure = ''] = type.split(':');
  return repeatsIn(dictionaryOf(category)?.structure(structure) ?? [], segment);
}

/** Throws for a segment of which a structure has several: all of one of its places are not all of its name. */
export function standsOnce(segment: string, type: string): void {
  if (occurrences(segment, type).length > 1)
    throw new NoCounterpart(`means all ${segment} of one place, and the structure has several`);
}

/** Throws for all of something in the first of several groups: all of its name are more. */
export function allOfFirst(path: string): void {
  const groups = (path.split(':')[0] ?? '').split('.').slice(0, -1);
  const isFirst = groups.some((one) => one.endsWith('(1)') && !one.startsWith('PIDgrp'));
  if (isFirst && path.includes('()'))
    throw new NoCounterpart(`means all in the first of several groups in {${path}}`);
}

const leavesOf = (node: StructureNode): string[] =>
  node.kind === 'segment' ? [node.name] : node.children.flatMap(leavesOf);
