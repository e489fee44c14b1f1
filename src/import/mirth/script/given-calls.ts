import { SECRET_TEXT } from '../../redacted.ts';
import type { ScriptDraft } from './draft.ts';
import type { Syntax } from './parse.ts';
import { constantParts, escaped } from './syntax.ts';

interface Call {
  readonly node: Syntax;
  readonly parent: Syntax | undefined;
  readonly base: string;
  readonly method: string;
}

/** A call that routes a message to another channel. */
export function routed(
  draft: ScriptDraft,
  { node, parent, base, method }: Call,
  name: Syntax | undefined,
): void {
  if (!/^routeMessage(ByChannelId)?$/.test(method)) return;
  if (base !== 'router' && !/router/i.test(base)) return;
  if (parent !== undefined && !parent.type.endsWith('Statement')) {
    // its result is used
    const property = node['callee'].property as Syntax;
    draft.edit(property.start, property.end, 'answerOf');
    draft.waits = true;
  }
  draft.routes.push(typeof name?.['value'] === 'string' ? name['value'] : undefined);
}

/** A log statement keeps only its constant text: the rest may identify a patient. */
export function logLine(draft: ScriptDraft, text: Syntax | undefined): void {
  draft.imports.add('logger');
  if (text === undefined || (text.type === 'Literal' && !SECRET_TEXT.test(String(text['value']))))
    return;
  draft.unlogged += 1;
  const kept = constantParts(text).join(' … ').trim();
  const shown = SECRET_TEXT.test(kept) || kept === '' ? '…' : kept;
  draft.edit(text.start, text.end, `'${escaped(shown.endsWith('…') ? shown : `${shown} …`)}'`);
}
