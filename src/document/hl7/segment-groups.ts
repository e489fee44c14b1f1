import { EngineError } from '../../error/engine-error.ts';
import type { Line } from '../segment/line.ts';
import { hl7Dictionary } from './dictionary/dictionary.ts';
import type { StructureNode } from './dictionary/structure.ts';
import { type Hl7Document, hl7Document } from './hl7-document.ts';
import { segmentsOf } from './validation/structure-match.ts';

/** A segment of a name with what belongs to it. */
interface Group {
  /** What stands before its segment and is not in the group before: ORC, or the PID of another patient. */
  readonly renewed: readonly Line[];
  /** All that stands before it, from MSH on, without other groups. */
  readonly head: readonly Line[];
  readonly lines: Line[];
}

/** A message taken apart at the segments of a name. */
export interface SegmentGroups {
  readonly count: number;
  /** A message with the groups of these numbers, from 1, and what all have in common. */
  make(numbers: readonly number[]): Hl7Document;
}

/**
 * Takes a message apart at each segment of a name: it and what follows it, up to the next. What stands before the
 * first is the head of all. Where a segment of that head comes again (ORC, the PID of another patient), the head
 * begins anew from there. What follows the last group and, by the structure of the message, is not of it,
 * is in all messages.
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

/** Of the head of a group what that of the group written before it does not have. */
function newSince(before: Group, { head }: Group): readonly Line[] {
  const known = new Set(before.head);
  return head.filter((line) => !known.has(line));
}

const nameOf = ({ text, code }: Line): string => (code === 0 ? '' : text.slice(0, 3));

function groupsOf(document: Hl7Document, name: string): Group[] {
  const groups: Group[] = [];
  let head: Line[] = [];
  let renewed: Line[] = [];
  /** Names that begin the head anew; NTE belongs to what it follows. */
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
      `the last ${nameOf(orphan)} has no ${name} behind it, so that no message would have it`,
    );
  }
  return groups;
}

/** Takes out of the last group what belongs to the whole message. */
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

/** The segments of the innermost repeating part of a structure that has a segment; undefined if it has none such. */
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
