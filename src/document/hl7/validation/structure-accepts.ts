import type { StructureNode } from '../dictionary/structure.ts';

/** A state of the automaton: goes on with a segment, or without one. */
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
 * Whether a row of segments can be read by a structure in any way. Where an optional group begins as
 * what follows it does (an ORC of a prior result, an ORC of the next order), all ways are followed at once.
 */
export function accepts(structure: readonly StructureNode[], names: readonly string[]): boolean {
  const { start, end } = automatonOf(structure);
  let now = reached([start]);
  for (const name of names) {
    const taken = [...now].filter(({ segment }) => segment === name);
    if (taken.length === 0) return false;
    now = reached(taken.flatMap(({ next }) => next));
  }
  return now.has(end);
}

/** All states that are reached without a segment. */
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

/** Adds nodes one after the other; gives the state after the last. */
function inRow(nodes: readonly StructureNode[], from: State): State {
  let at = from;
  for (const node of nodes) at = add(node, at);
  return at;
}

function add(node: StructureNode, from: State): State {
  // a state of its own, so that a repetition begins here and not with what came before
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
