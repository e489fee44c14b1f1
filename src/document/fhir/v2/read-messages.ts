import { MESSAGE_ROWS } from './map/message-rows.ts';

/** What becomes of a segment. */
export interface SegmentRule {
  readonly segment: string;
  readonly actions: readonly Action[];
  /** Only after one of these segments. */
  readonly after: readonly string[];
  /** Only if one of these follows before the next segment of the same name. */
  readonly ahead: readonly string[];
  readonly clear: 'all' | 'order' | 'report' | undefined;
}

export interface Action {
  readonly kind: 'new' | 'once' | 'join';
  /** What the resource is called in the tables: its type, or `Merged`. */
  readonly name: string;
  /** The table of rows. */
  readonly map: string;
  /** Fields of which one must have a value. */
  readonly needs: readonly number[];
}

let known: ReadonlyMap<string, readonly SegmentRule[]> | undefined;

/** The rules for a type of message (MSH-9.1), by segment; its own before those for all. */
export function rulesFor(type: string): ReadonlyMap<string, readonly SegmentRule[]> {
  known ??= readAll();
  const own = known.get(type) ?? [];
  const all = known.get('*') ?? [];
  const names = new Set(own.map(({ segment }) => segment));
  const rules = [...own, ...all.filter(({ segment }) => segment === 'NTE' || !names.has(segment))];
  return Map.groupBy(rules, ({ segment }) => segment);
}

function readAll(): ReadonlyMap<string, readonly SegmentRule[]> {
  const blocks = MESSAGE_ROWS.split(/^= /m).slice(1);
  return new Map(
    blocks.flatMap((block) => {
      const [head = '', ...lines] = block.trim().split('\n');
      const rules = lines.filter((line) => line !== '').map(readRule);
      return head.split(' ').map((type) => [type, rules] as const);
    }),
  );
}

function readRule(line: string): SegmentRule {
  const [segment = '', ...words] = line.split(' ');
  const option = (mark: string): string | undefined =>
    words.find((word) => word.startsWith(mark))?.slice(mark.length);
  const clear = option('clear=');
  return {
    segment,
    actions: words
      .join(' ')
      .split(' ; ')
      .map((text) => readAction(segment, text)),
    after: option('<')?.split('|') ?? [],
    ahead: option('>')?.split('|') ?? [],
    clear: clear === 'all' || clear === 'order' || clear === 'report' ? clear : undefined,
  };
}

function readAction(segment: string, text: string): Action {
  const [kind, target = ''] = text.split(' ');
  const [name = '', table] = target.split(':');
  const needs = / if=(\S+)/.exec(text)?.[1]?.split('|').map(Number) ?? [];
  if (kind !== 'new' && kind !== 'once' && kind !== 'join') throw new Error(`no action: ${text}`);
  return { kind, name, map: `${segment}:${table ?? name}`, needs };
}
