import { ENTRY_NAME, HOST_NAME } from '../definition/grammar/name-rule.ts';
import { definedNames } from './names.ts';
import { type FileSpan, quotedInCode, usesOf } from './navigate.ts';
import type { ProductionView } from './production.ts';
import type { NameUse } from './uses.ts';

/** What a new name changes. */
export interface Renaming {
  readonly edits: readonly FileSpan[];
  /** In code, where a text in quotes is equal to the name: a person decides. */
  readonly inCode: readonly FileSpan[];
  /** What a person should know; `''` if nothing. */
  readonly note: string;
}

/** What renaming changes in all files, or why it cannot be done: a full sentence. */
export async function renaming(
  view: ProductionView,
  use: NameUse,
  name: string,
): Promise<Renaming | { readonly problem: string }> {
  const { kind } = use;
  const rule = kind === 'host' ? HOST_NAME : ENTRY_NAME;
  const problem = rule.problem(name);
  if (problem !== undefined) return { problem };
  const names = definedNames(view.written).filter((one) => one.kind === kind);
  const isSame = (one: string): boolean => one.toLowerCase() === name.toLowerCase();
  if (name !== use.name && names.some((one) => one.name !== use.name && isSame(one.name))) {
    return { problem: `There is already a ${kind} named ${name}.` };
  }
  const isHost = names.some((one) => one.name === use.name && HAS_QUEUE.has(one.section));
  return {
    edits: usesOf(view, use),
    inCode: await quotedInCode(view, use.name),
    note: isHost && kind === 'host' ? queueNote(use.name) : '',
  };
}

const HAS_QUEUE = new Set(['processes', 'operations']);

const queueNote = (name: string): string =>
  `What waits in the queue of ${name} stays under that name: apply the change when the queue is empty.`;
