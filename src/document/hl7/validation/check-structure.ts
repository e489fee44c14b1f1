import type { Line } from '../../segment/line.ts';
import type { StructureNode } from '../dictionary/structure.ts';
import { finding, type Hl7Finding } from '../finding.ts';
import type { Checked } from './checked.ts';
import { matchStructure, segmentsOf } from './structure-match.ts';

/** A segment with its number among those of its name. */
interface Numbered {
  readonly name: string;
  readonly index: number;
}

/** Lines, names of segments, message type, order and required segments. */
export function checkStructure(checked: Checked): Hl7Finding[] {
  const { document, dictionary } = checked;
  const lines = document.lines();
  const segments = numbered(lines);
  const known = new Set(dictionary.segments);
  const own = checked.options.profile?.segments;
  const isOwn = (name: string): boolean =>
    name.startsWith('Z') || (own?.has(name) === true && !known.has(name));
  const isFree = (name: string): boolean => isOwn(name) || own?.get(name)?.anywhere === true;
  const severity = checked.isNewer ? 'warning' : 'error';
  const unknown = segments
    .filter(({ name }) => !isOwn(name) && !known.has(name))
    .map(({ name, index }) =>
      finding(severity, '100', `${name} is not a segment of HL7 ${dictionary.version}.`, [
        name,
        index,
      ]),
    );
  const rest = segments.filter(({ name }) => !isFree(name) && known.has(name));
  return [...lineFindings(lines), ...unknown, ...orderFindings(checked, rest)];
}

function numbered(lines: readonly Line[]): Numbered[] {
  const counts = new Map<string, number>();
  return lines
    .filter((line) => line.code !== 0)
    .map((line) => {
      const name = line.text.slice(0, 3);
      const index = (counts.get(name) ?? 0) + 1;
      counts.set(name, index);
      return { name, index };
    });
}

function lineFindings(lines: readonly Line[]): Hl7Finding[] {
  const findings: Hl7Finding[] = [];
  let number = 0;
  for (const line of lines) {
    const before = line.source.slice(line.from, line.start);
    const blankLines = before.split(/\r\n|\r|\n/).length - 1;
    number += blankLines + 1;
    const say = (severity: Hl7Finding['severity'], text: string): void => {
      findings.push(finding(severity, '100', text, [line.code === 0 ? '' : line.text.slice(0, 3)]));
    };
    if (line.code === 0) say('error', `Line ${number} is not a segment.`);
    if (blankLines > 0) say('warning', `There are blank lines before line ${number}.`);
    if (/[ \t]$/.test(before)) say('warning', `Line ${number} is indented.`);
  }
  return findings;
}

function orderFindings(checked: Checked, segments: readonly Numbered[]): Hl7Finding[] {
  const { document } = checked;
  const type = document.get('MSH-9.1').trim();
  const event = document.get('MSH-9.2').trim();
  if (type === '') return [];
  const name = event === '' ? type : `${type}_${event}`;
  const known = messageFor(checked, name, type);
  if (known === undefined) return [unknownMessage(checked, type, event)];
  // a message is valid if it is valid by any reading of the standard
  let best: Hl7Finding[] | undefined;
  for (const structure of checked.dictionary.readings(known)) {
    const isOpen = checked.dictionary.isOpen(known);
    const found = findingsBy(structure, { name, segments, isOpen });
    if (best === undefined || found.length < best.length) best = found;
    if (found.length === 0) break;
  }
  return best ?? [];
}

/**
 * From the version that introduced them (2.5, 2.6), these may follow MSH in every message, whether
 * its structure names them or not.
 */
const AFTER_HEADER: ReadonlySet<string> = new Set(['SFT', 'UAC']);

function findingsBy(
  structure: readonly StructureNode[],
  {
    name,
    segments,
    isOpen,
  }: { readonly name: string; readonly segments: readonly Numbered[]; readonly isOpen: boolean },
): Hl7Finding[] {
  const expected = segmentsOf(structure);
  const body = segments.findIndex(({ name: found }, at) => at > 0 && !AFTER_HEADER.has(found));
  const stray = isOpen
    ? []
    : segments.filter(
        ({ name: found }, at) =>
          !expected.has(found) && (at < body ? !AFTER_HEADER.has(found) : true),
      );
  const own = segments.filter((segment) => expected.has(segment.name));
  const mismatch = matchStructure(
    structure,
    own.map((segment) => segment.name),
  );
  const shown = word(name);
  return [
    ...stray.map((segment) =>
      finding('error', '100', `${called(segment)} is not part of ${shown}.`, place(segment)),
    ),
    ...mismatch.unexpected.flatMap((position) => {
      const segment = own[position];
      const before = own[position - 1];
      if (segment === undefined) return [];
      const after = before === undefined ? '' : ` after ${called(before)}`;
      const text = `${called(segment)} is not expected${after} in ${shown}.`;
      return [finding('error', '100', text, place(segment))];
    }),
    ...mismatch.missing.map(({ segment, group }) =>
      finding(
        'error',
        '100',
        `${segment} is missing${group === '' ? '' : ` in group ${group}`}; ${shown} requires it.`,
        [segment],
      ),
    ),
  ];
}

/** The name under which the dictionary has the message: by its event, by what it declares, or by its type alone. */
function messageFor(
  { document, dictionary }: Checked,
  name: string,
  type: string,
): string | undefined {
  const declared = document.get('MSH-9.3').trim();
  const general = type === 'ACK' || name === type ? [type] : [];
  return [name, declared, ...general].find((one) => dictionary.structure(one) !== undefined);
}

function unknownMessage({ dictionary, isNewer }: Checked, type: string, event: string): Hl7Finding {
  const { version, messages } = dictionary;
  const severity = isNewer ? 'warning' : 'error';
  const at = ['MSH', 1, 9] as const;
  if (type.startsWith('Z') || event.startsWith('Z')) {
    const text = 'MSH-9 is a site-defined message: the order of its segments was not checked.';
    return finding('warning', '200', text, at);
  }
  if (!messages.some((name) => name.startsWith(`${type}_`))) {
    return finding(
      severity,
      '200',
      `Message type ${word(type)} is not known in HL7 ${version}.`,
      at,
    );
  }
  const text = `Event ${word(event)} of ${word(type)} is not known in HL7 ${version}.`;
  return finding(severity, '201', text, at);
}

function called({ name, index }: Numbered): string {
  return index === 1 ? name : `${name}[${index}]`;
}

function place({ name, index }: Numbered): [string, number] {
  return [name, index];
}

/** A code from the message, made safe to show. */
function word(text: string): string {
  return text.replaceAll(/\W/g, '?').slice(0, 20);
}
