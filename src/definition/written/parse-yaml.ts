import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
  type YAMLMap,
  type YAMLWarning,
} from 'yaml';
import type { Place } from '../place.ts';
import type { Problems } from '../problem.ts';
import { emptyBlock, type Written, type WrittenEntry, type WrittenScalar } from './written.ts';

/** A production of a thousand hosts has some 50,000 values; more can only come from aliases that multiply. */
const MOST_VALUES = 200_000;
const MOST_DEPTH = 100;

/**
 * Reads one YAML file. Every value keeps its place. Undefined for broken syntax, which is then
 * reported; an empty file is an empty block.
 *
 * @param firstLine of the text in its file, if it is a part of it
 */
export function parseYaml(
  file: string,
  text: string,
  problems: Problems,
  { firstLine = 1 }: { readonly firstLine?: number } = {},
): Written | undefined {
  if (isUtf16(text)) {
    problems.error({ file, line: 1, column: 1 }, '', 'the file is in UTF-16', SAVE_AS_UTF8);
    return undefined;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    resolveKnownTags: false,
    logLevel: 'error',
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(Math.max(offset, 0), text.length));
    return { file, line: Math.max(line, 1) + firstLine - 1, column: Math.max(col, 1) };
  };
  const faults = [...document.errors, ...document.warnings];
  const told = new Set<number>();
  for (const fault of faults) {
    const place = placeAt(fault.pos[0]);
    // Further errors on the same line only follow from the first one.
    if (told.has(place.line)) continue;
    told.add(place.line);
    const { what, remedy } = describeFault(fault);
    if (isBraceInFlow(fault, text)) {
      problems.error(
        place,
        '',
        'a text with { or [ in it stands inside of { } or [ ]',
        'Put the whole text in quotes, such as "${env:NAME}".',
      );
      // what comes after it is read as something else
      break;
    }
    problems.error(place, '', what, remedy);
  }
  if (faults.length > 0) return undefined;
  if (document.contents === null) return emptyBlock(placeAt(0));
  const source = { text, document, placeAt, problems };
  if (text.includes(DAMAGED)) tellDamaged(source);
  return yamlReader(source).read(document.contents);
}

const SAVE_AS_UTF8 =
  'Save it as UTF-8; an editor may call what it has now Windows-1252, Latin-1 or ANSI.';
/** What bytes that are not UTF-8 become when they are read as such. */
const DAMAGED = '\uFFFD';

/** Its byte order mark, or every second byte of a Latin text. */
const isUtf16 = (text: string): boolean =>
  text.startsWith(`${DAMAGED}${DAMAGED}`) || text[1] === '\0';

/** `{ password: ${env:NAME} }`: the brace would begin a block of its own. */
const isBraceInFlow = ({ code, pos: [at] }: YAMLError | YAMLWarning, text: string): boolean =>
  code === 'UNEXPECTED_TOKEN' && (text[at] === '{' || text[at] === '[');

const FAULTS: Readonly<Partial<Record<YAMLError['code'], readonly [string, string]>>> = {
  TAB_AS_INDENT: ['a tab is used to indent', 'Use spaces: YAML does not allow tabs there.'],
  BAD_INDENT: [
    'the indentation differs from the surrounding lines',
    'Align it with its neighbours.',
  ],
  MULTIPLE_DOCS: ['a second document begins here', 'Keep one document per file: remove the ---.'],
  TAG_RESOLVE_FAILED: ['tags such as !name have no meaning here', 'Remove it, or quote the text.'],
  MISSING_CHAR: [
    'something is left open',
    "Look for a missing quote, bracket, comma or colon; within { } an expression that has a comma, a colon or quotes of its own is written in quotes: to: 'left(name, 4)'.",
  ],
};

function describeFault({ code, message }: YAMLError | YAMLWarning): {
  what: string;
  remedy: string;
} {
  const [what, remedy] = FAULTS[code] ?? [];
  const said = message.replace(/\.$/, '');
  return {
    what: what === undefined ? `not valid YAML: ${said}` : `${what} (${said})`,
    remedy: remedy ?? 'Correct the line, or put the text in quotes.',
  };
}

interface Source {
  readonly text: string;
  readonly document: Document;
  readonly placeAt: (offset: number) => Place;
  readonly problems: Problems;
}

/** What was a letter would match nothing, and be sent as a question mark; in a comment it does no harm. */
function tellDamaged({ text, document, placeAt, problems }: Source): void {
  visit(document, {
    Scalar(_, { range }) {
      const [from, to] = range ?? [0, 0];
      const at = text.slice(from, to).indexOf(DAMAGED);
      if (at >= 0)
        problems.error(placeAt(from + at), '', 'a character is not in UTF-8', SAVE_AS_UTF8);
    },
  });
}

function yamlReader(source: Source): { read(node: Node): Written | undefined } {
  const { document, placeAt, problems } = source;
  let left = MOST_VALUES;

  const placeOf = (node: Node): Place => placeAt(node.range?.[0] ?? 0);

  const tooMuch = (node: Node, depth: number): boolean => {
    if (depth <= MOST_DEPTH && --left > 0) return false;
    problems.error(
      placeOf(node),
      '',
      'there are too many values, or aliases that contain themselves',
    );
    return true;
  };

  const read = (node: Node, depth: number): Written | undefined => {
    if (tooMuch(node, depth)) return undefined;
    if (isAlias(node)) {
      const anchored = node.resolve(document);
      if (anchored !== undefined) return read(anchored, depth + 1);
      const what = `there is no anchor &${node.source} above this alias`;
      problems.error(placeOf(node), '', what, 'Put the text in quotes if it should begin with *.');
      return undefined;
    }
    if (isMap(node)) return readMap(node, depth);
    if (isSeq(node)) {
      const items = node.items.flatMap((item) => read(item as Node, depth + 1) ?? []);
      return { kind: 'list', items, place: placeOf(node) };
    }
    return isScalar(node) ? scalar(node, source) : undefined;
  };

  const readMap = (map: YAMLMap, depth: number): Written => {
    const entries = new Map<string, WrittenEntry>();
    for (const { key, value } of map.items) {
      if (!isScalar(key)) {
        problems.error(placeOf(map), '', 'a key is not a text', 'Write key: value.');
        continue;
      }
      const name = key.source ?? String(key.value);
      const place = placeOf(key);
      const earlier = entries.get(name);
      if (earlier !== undefined) {
        const first = `the first is on line ${earlier.place.line}`;
        problems.error(place, '', `the key ${name} is here twice; ${first}`, 'Remove one.');
        continue;
      }
      if (value === null && map.flow === true) tellCutOff(name, place, problems);
      const below = value === null ? undefined : read(value as Node, depth + 1);
      entries.set(name, { key: name, place, value: below ?? nothing(place) });
    }
    mergeInto(entries, problems);
    return { kind: 'block', entries, place: placeOf(map) };
  };

  return { read: (node) => read(node, 0) };
}

/** `{ when: f(a, b == "c") }`: the comma begins a key without a value. */
function tellCutOff(name: string, place: Place, problems: Problems): void {
  if (!/[()'"=]/.test(name)) return;
  problems.error(place, '', 'a comma in { } ends a text', 'Put the text in quotes.');
}

/** `<<: *base` adds the keys of another block, or of several, that the block does not have itself. */
function mergeInto(entries: Map<string, WrittenEntry>, problems: Problems): void {
  const merged = entries.get('<<');
  if (merged === undefined) return;
  entries.delete('<<');
  for (const block of merged.value.kind === 'list' ? merged.value.items : [merged.value]) {
    if (block.kind !== 'block') {
      problems.error(
        block.place,
        '',
        '<< merges a block, but this is not a block',
        'Write <<: *name.',
      );
      continue;
    }
    const others = [...block.entries].filter(([key]) => !entries.has(key));
    for (const [key, entry] of others) entries.set(key, entry);
  }
}

function nothing(place: Place): WrittenScalar {
  return {
    kind: 'scalar',
    value: null,
    source: '',
    place,
    placeOf: () => place,
    filled: false,
    hidden: false,
    missing: false,
    files: [],
  };
}

function scalar(node: Scalar, { text, placeAt }: Source): Written {
  const { value } = node;
  const from = node.range?.[0] ?? 0;
  const known =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  const source = node.source ?? (known ? String(value) : '');
  const offsetOf = offsetInFile(text, from, { value: source, style: node.type });
  return {
    kind: 'scalar',
    value: known ? value : null,
    source,
    place: placeAt(from),
    placeOf: (offset) => placeAt(offsetOf(offset)),
    filled: false,
    hidden: false,
    missing: false,
    files: [],
  };
}

const ESCAPE = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n[ \t]*|[\s\S])/y;

/**
 * Where a character of a YAML text is in its file. The text differs from the file in quotes,
 * escapes, folded lines and indentation, so both are walked in parallel.
 *
 * `from` is where the scalar begins in the file (its quote, or the `|` or `>` of a block).
 */
function offsetInFile(
  file: string,
  from: number,
  { value, style }: { readonly value: string; readonly style: string | undefined },
): (offset: number) => number {
  const start = contentStart(file, from, style);
  return (offset) => {
    let here = start;
    for (let index = 0; index < Math.min(offset, value.length); index++) {
      here = after(
        file,
        aligned(file, here, value.charAt(index), style),
        value.charAt(index),
        style,
      );
    }
    return aligned(file, here, value.charAt(offset), style);
  };
}

function contentStart(file: string, from: number, style: string | undefined): number {
  if (style === 'QUOTE_DOUBLE' || style === 'QUOTE_SINGLE') return from + 1;
  if (style === 'BLOCK_LITERAL' || style === 'BLOCK_FOLDED') {
    const line = file.indexOf('\n', from);
    return line === -1 ? from : line + 1;
  }
  return from;
}

/** Skips what is not part of the value: indentation and folded line ends. */
function aligned(file: string, from: number, wanted: string, style: string | undefined): number {
  if (wanted === '' || (style === 'QUOTE_DOUBLE' && file[from] === '\\')) return from;
  let here = from;
  while (here < file.length && file[here] !== wanted && /\s/.test(file.charAt(here))) here++;
  return here;
}

function after(file: string, here: number, char: string, style: string | undefined): number {
  if (style === 'QUOTE_DOUBLE' && file[here] === '\\') {
    ESCAPE.lastIndex = here;
    return here + (ESCAPE.exec(file)?.[0].length ?? 1);
  }
  if (style === 'QUOTE_SINGLE' && char === "'") return here + 2;
  return file[here] === char ? here + 1 : here;
}
