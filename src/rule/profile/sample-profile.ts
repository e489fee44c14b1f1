import { ediFindings } from '../../document/edi/check/check-edi.ts';
import { type EdiDocument, ediDocument } from '../../document/edi/edi-document.ts';
import { ediTypeOf } from '../../document/edi/edi-type.ts';
import { readGuide } from '../../document/edi/guide/guide.ts';
import type { Line } from '../../document/segment/line.ts';
import { nameOfCode } from '../../document/segment/segment-path.ts';
import { EngineError } from '../../error/engine-error.ts';
import { SampleElements } from './sample-elements.ts';
import { type SeenPart, sampleStructure } from './sample-structure.ts';

/** How many messages of the samples are looked at. */
const MESSAGES = 1_000;

/** A message from behind UNH to before UNT. */
interface SampleMessage {
  readonly type: string;
  readonly version: string;
  readonly lines: readonly Line[];
  readonly document: EdiDocument;
}

/**
 * A first profile of EDIFACT messages, as YAML: the segments and groups that they had, how often, and what their
 * elements were like. All samples satisfy it. Throws for samples of several kinds of messages, and of none.
 */
export function sampleProfile(samples: readonly Uint8Array[]): string {
  const documents = samples.map(sampleDocument);
  const messages = documents.flatMap(messagesOf).slice(0, MESSAGES);
  const first = messages.find(({ lines }) => lines.length > 0);
  if (first === undefined) throw new EngineError('QUERY_INVALID', 'the samples have no messages');
  const types = [...new Set(messages.map(({ type }) => type))];
  if (types.length > 1) {
    throw new EngineError(
      'QUERY_INVALID',
      `a profile is about one kind of message, but the samples have ${types.join(', ')}. Give those of one`,
    );
  }
  const versions = new Set(messages.map(({ version }) => version));
  const isOne = versions.size === 1 && /^\w{1,3}\.\w{1,3}$/.test(first.version);
  const parts = sampleStructure(
    messages.map(({ lines }) => lines.map(({ code }) => nameOfCode(code))),
  );
  const found = new SampleElements();
  for (const { lines, document } of messages) {
    const written = { syntax: document.syntax, plain: (raw: string) => document.plain(raw) };
    for (const line of lines) found.see(line, written);
  }
  return [
    `# Made from ${messages.length === 1 ? 'one message' : `${messages.length} messages`}: a beginning. It demands what all of them have and allows what one of them has;`,
    '# compare counts, lengths and codes with the guide. Groups are guessed from what repeats.',
    `edifact: ${first.type}${isOne ? `:${first.version}` : ''}`,
    ...structureText(parts, first.type, documents),
    'elements:',
    ...found.lines().map((line) => `  ${line}`),
    '',
  ].join('\n');
}

function sampleDocument(bytes: Uint8Array): EdiDocument {
  if (ediTypeOf(bytes)?.startsWith('EDIFACT') === true) return ediDocument(bytes);
  throw new EngineError('QUERY_INVALID', 'a sample is no EDIFACT: it must begin with UNA or UNB');
}

function messagesOf(document: EdiDocument): SampleMessage[] {
  const messages: SampleMessage[] = [];
  let open: { readonly head: Pick<SampleMessage, 'type' | 'version'>; lines: Line[] } | undefined;
  for (const segment of document.segments()) {
    if (segment.name === 'UNH') {
      const version = [segment.get('UNH-2.2'), segment.get('UNH-2.3')].filter(Boolean).join('.');
      const type = segment.get('UNH-2.1');
      open = isType(type) ? { head: { type, version }, lines: [] } : undefined;
    } else if (segment.name === 'UNT') {
      if (open !== undefined) messages.push({ ...open.head, lines: open.lines, document });
      open = undefined;
    } else if (isSegment(segment.name)) open?.lines.push(segment.line);
  }
  return messages;
}

const isType = (text: string): boolean => /^[A-Z]{6}$/.test(text);
const isSegment = (name: string): boolean => /^[A-Z][A-Z\d]{2}$/.test(name);

/** Left out where the samples have no common order, or would not satisfy what was guessed. */
function structureText(
  parts: readonly SeenPart[] | undefined,
  message: string,
  documents: readonly EdiDocument[],
): string[] {
  const notes = parts === undefined ? [] : new Notation().lines(parts, 0);
  const structure =
    notes.length === 0 ? undefined : readGuide(notes.map(({ guide }) => guide).join('\n'));
  const profile = { name: 'sample', message, version: undefined, structure, elements: [] };
  const isSatisfied =
    structure !== undefined &&
    documents.every(
      (one) =>
        ediFindings(one, 'envelope', [profile]).length === ediFindings(one, 'envelope').length,
    );
  return isSatisfied
    ? ['structure:', ...notes.flatMap(({ yaml }) => yaml)]
    : [
        '# structure: the segments of the samples are in different orders, so that none could be guessed',
      ];
}

/** A part as a profile writes it, and as guides do. */
interface Note {
  readonly yaml: readonly string[];
  readonly guide: string;
}

/** Groups are numbered in the order in which they begin, as in the directories. */
class Notation {
  #groups = 0;

  lines(parts: readonly SeenPart[], depth: number): Note[] {
    return parts.flatMap((part) => this.#part(part, depth));
  }

  #part({ segment, required, most, parts }: SeenPart, depth: number): Note[] {
    const indent = ' '.repeat(depth);
    const yamlIndent = ' '.repeat(2 + depth * 4);
    const count = `${most > 1 ? `*${most}` : ''}${required ? '!' : ''}`;
    if (parts === undefined) {
      return [
        { yaml: [`${yamlIndent}- ${segment}${count}`], guide: `${indent}- ${segment}${count}` },
      ];
    }
    this.#groups += 1;
    const head = `SG${this.#groups}${count}`;
    const yaml = [`${yamlIndent}- ${head}:`, `${yamlIndent}    - ${segment}!`];
    return [{ yaml, guide: `${indent}${head} ${segment}` }, ...this.lines(parts, depth + 1)];
  }
}
