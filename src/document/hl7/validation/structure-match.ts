import type { StructureNode } from '../dictionary/structure.ts';

/** How a sequence of segments differs from a message structure. */
export interface StructureMismatch {
  /** Missing required segments, with the group that requires them (`''` for the message itself). */
  readonly missing: readonly { readonly segment: string; readonly group: string }[];
  /** Positions of segments that are not allowed where they are. */
  readonly unexpected: readonly number[];
}

/** With more misplaced segments the message is of another kind, and listing them says nothing. */
const LIMIT = 20;

/**
 * Compares the names of a message's segments with its structure. If no reading fits, a segment that
 * is not allowed where it is is noted and left out, and the rest is compared again.
 */
export function matchStructure(
  structure: readonly StructureNode[],
  names: readonly string[],
): StructureMismatch {
  if (accepts(structure, names)) return { missing: [], unexpected: [] };
  const left = names.map((_, position) => position);
  const unexpected: number[] = [];
  for (;;) {
    const walk: Walk = { names: left.map((position) => names[position] ?? ''), at: 0, missing: [] };
    for (const node of structure) match(node, '', walk);
    const stuck = left[walk.at];
    if (stuck === undefined || unexpected.length === LIMIT) {
      const misplaced = new Set(unexpected.map((position) => names[position]));
      const missing = walk.missing.filter(({ segment }) => !misplaced.has(segment));
      return { missing, unexpected: unexpected.toSorted((one, other) => one - other) };
    }
    unexpected.push(stuck);
    left.splice(walk.at, 1);
  }
}

interface Walk {
  readonly names: readonly string[];
  at: number;
  readonly missing: { segment: string; group: string }[];
}

function match(node: StructureNode, group: string, walk: Walk): void {
  let count = 0;
  while (starts(node, walk.names[walk.at])) {
    const before = walk.at;
    once(node, walk);
    count++;
    if (!node.repeats || walk.at === before) break;
  }
  if (count > 0 || !node.required) return;
  // A required group whose beginning is missing: the rest of it still belongs to it.
  if (node.kind === 'group' && holds(node, walk.names[walk.at])) once(node, walk);
  else
    walk.missing.push({ segment: leader(node), group: node.kind === 'group' ? node.name : group });
}

function once(node: StructureNode, walk: Walk): void {
  if (node.kind !== 'group') walk.at += 1;
  else for (const child of node.children) match(child, node.name, walk);
}

/** Whether a segment can be the first of the node. */
function starts(node: StructureNode, name: string | undefined): boolean {
  if (name === undefined) return false;
  if (node.kind === 'segment') return node.name === name;
  for (const child of node.children) {
    if (starts(child, name)) return true;
    if (node.kind === 'group' && child.required) return false;
  }
  return false;
}

function holds(node: StructureNode, name: string | undefined): boolean {
  return node.kind === 'segment'
    ? node.name === name
    : node.children.some((child) => holds(child, name));
}

/** The first segment that the node requires. */
function leader(node: StructureNode): string {
  if (node.kind === 'segment') return node.name;
  if (node.kind === 'choice') return node.children.map(({ name }) => name).join(' or ');
  const first = node.children.find((child) => child.required) ?? node.children[0];
  return first === undefined ? node.name : leader(first);
}

/** Every segment that a structure names. */
export function segmentsOf(structure: readonly StructureNode[]): Set<string> {
  const names = new Set<string>();
  const visit = (node: StructureNode): void => {
    if (node.kind === 'segment') names.add(node.name);
    for (const child of node.children) visit(child);
  };
  for (const node of structure) visit(node);
  return names;
}

/** A state of the automaton: continues with a segment, or without one. */
interface State {
  readonly segment: string | undefined;
  readonly next: State[];
}

interface Automaton {
  readonly start: State;
  readonly end: State;
}

const made = new WeakMap<readonly StructureNode[], Automaton>();

/**
 * Whether a sequence of segments matches a structure in any way. If an optional group begins like
 * what follows it (an ORC of a prior result, an ORC of the next order), all ways are followed at
 * once.
 */
function accepts(structure: readonly StructureNode[], names: readonly string[]): boolean {
  const { start, end } = automatonOf(structure);
  let now = reached([start]);
  for (const name of names) {
    const taken = [...now].filter(({ segment }) => segment === name);
    if (taken.length === 0) return false;
    now = reached(taken.flatMap(({ next }) => next));
  }
  return now.has(end);
}

/** All states reachable without a segment. */
function reached(from: readonly State[]): Set<State> {
  const found = new Set<State>();
  const open = [...from];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    if (found.has(state)) continue;
    found.add(state);
    if (state.segment === undefined) open.push(...state.next);
  }
  return found;
}

function automatonOf(structure: readonly StructureNode[]): Automaton {
  const known = made.get(structure);
  if (known !== undefined) return known;
  const start: State = { segment: undefined, next: [] };
  const end = inRow(structure, start);
  const automaton = { start, end };
  made.set(structure, automaton);
  return automaton;
}

/** Adds nodes in sequence; returns the state after the last. */
function inRow(nodes: readonly StructureNode[], from: State): State {
  let at = from;
  for (const node of nodes) at = add(node, at);
  return at;
}

function add(node: StructureNode, from: State): State {
  // a separate state, so that a repetition begins here and not with what came before
  const before: State = { segment: undefined, next: [] };
  const after: State = { segment: undefined, next: [] };
  from.next.push(before);
  if (node.kind === 'segment') before.next.push({ segment: node.name, next: [after] });
  else if (node.kind === 'group') inRow(node.children, before).next.push(after);
  else for (const child of node.children) add(child, before).next.push(after);
  if (!node.required) before.next.push(after);
  if (node.repeats) after.next.push(before);
  return after;
}
