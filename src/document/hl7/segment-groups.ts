import { EngineError } from '../../error/engine-error.ts';
import type { Line } from '../segment/line.ts';
import { hl7Dictionary } from './dictionary/dictionary.ts';
import type { StructureNode } from './dictionary/structure.ts';
import { type Hl7Document, hl7Document } from './hl7-document.ts';
import { segmentsOf } from './validation/structure-match.ts';

/** A segment with a name, and what belongs to it. */
interface Group {
  /** What comes before its segment and is not in the previous group: ORC, or the PID of another patient. */
  readonly renewed: readonly Line[];
  /** All that comes before it, from MSH on, without other groups. */
  readonly head: readonly Line[];
  readonly lines: Line[];
}

/** A message split at the segments with a name. */
export interface SegmentGroups {
  readonly count: number;
  /** A message made of the groups with these numbers, from 1, and what all have in common. */
  make(numbers: readonly number[]): Hl7Document;
}

/**
 * Splits a message at each segment with a name: a group is that segment and what follows it, up to
 * the next. What comes before the first is the head of all. Where a segment of that head comes
 * again (ORC, the PID of another patient), the head restarts from there. What follows the last
 * group but, by the structure of the message, does not belong to it is in all messages.
 */
export function segmentGroups(document: Hl7Document, name: string): SegmentGroups {
  const groups = groupsOf(document, name);
  const tail = tailOf(document, name, groups.at(-1)?.lines ?? []);
  const { charset } = document;
  return {
    count: groups.length,
    make(numbers) {
      const lines: Line[] = [];
      let before: Group | undefined;
      for (const number of numbers) {
        const group = groups[number - 1];
        if (group === undefined) continue;
        lines.push(
          ...(before === undefined ? group.head : newSince(before, group)),
          ...group.lines,
        );
        before = group;
      }
      const text = [...lines, ...tail].map((line) => `${line.text}\r`).join('');
      return hl7Document(charset.encode(text), charset.name);
    },
  };
}

/** The part of a group's head that the previously written group does not have. */
function newSince(before: Group, { head }: Group): readonly Line[] {
  const known = new Set(before.head);
  return head.filter((line) => !known.has(line));
}

const nameOf = ({ text, code }: Line): string => (code === 0 ? '' : text.slice(0, 3));

function groupsOf(document: Hl7Document, name: string): Group[] {
  const groups: Group[] = [];
  let head: Line[] = [];
  let renewed: Line[] = [];
  /** Names that restart the head; NTE belongs to what it follows. */
  const heads = new Set<string>();
  for (const line of document.lines()) {
    const own = nameOf(line);
    const group = groups.at(-1);
    if (own === name) {
      for (const one of renewed) heads.add(nameOf(one));
      heads.delete('NTE');
      heads.delete('');
      head = [...head, ...renewed];
      groups.push({ renewed, head, lines: [line] });
      renewed = [];
    } else if (group === undefined || renewed.length > 0) {
      renewed.push(line);
    } else if (heads.has(own)) {
      head = head.slice(
        0,
        head.findIndex((one) => nameOf(one) === own),
      );
      renewed.push(line);
    } else {
      group.lines.push(line);
    }
  }
  const [orphan] = renewed;
  if (groups.length > 0 && orphan !== undefined) {
    throw new EngineError(
      'TRANSFORM_FAILED',
      `the last ${nameOf(orphan)} has no ${name} after it, so no message would contain it`,
    );
  }
  return groups;
}

/** Removes from the last group what belongs to the whole message. */
function tailOf(document: Hl7Document, name: string, last: Line[]): Line[] {
  const type = [document.get('MSH-9.1'), document.get('MSH-9.2')].filter(Boolean).join('_');
  const dictionary = hl7Dictionary(document.get('MSH-12.1')) ?? hl7Dictionary('2.5.1');
  const structure = dictionary?.structure(type);
  const members = structure === undefined ? undefined : membersOf(structure, name);
  if (structure === undefined || members === undefined) return [];
  const known = segmentsOf(structure);
  const isOfAll = (line: Line): boolean => known.has(nameOf(line)) && !members.has(nameOf(line));
  const from = last.findIndex((line, at) => at > 0 && isOfAll(line));
  return from < 0 ? [] : last.splice(from);
}

/** The segments of the innermost repeating part of a structure that has a segment; undefined if there is none. */
function membersOf(nodes: readonly StructureNode[], name: string): Set<string> | undefined {
  for (const node of nodes) {
    if (node.kind === 'segment') {
      if (node.name === name && node.repeats) return new Set([name]);
      continue;
    }
    if (!segmentsOf([node]).has(name)) continue;
    const inner = membersOf(node.children, name);
    return inner ?? (node.repeats ? segmentsOf([node]) : undefined);
  }
  return undefined;
}
