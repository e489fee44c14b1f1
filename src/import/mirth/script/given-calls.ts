import { SECRET, SECRET_TEXT } from '../../redacted.ts';
import type { ScriptDraft } from './draft.ts';
import { isKnownJava, ownJava } from './names.ts';
import type { Syntax } from './parse.ts';
import { childrenOf, constantParts, escaped, javaPath } from './syntax.ts';

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

/** Behind the controller of channels, what asks it for the name of the own one. */
const OWN_NAME = /^\(\s*\)\s*\.getDeployedChannelById\(\s*channelId\s*\)\s*\.getName\(\s*\)/;

/** A Java class by its path: one that exists here too, one of Mirth's own, or one that needs a person. */
export function javaClass(draft: ScriptDraft, node: Syntax, path: string): void {
  const own = path.replace(/^Packages\./, '');
  if (own === 'java.lang.Thread.sleep') {
    draft.imports.add('pause');
    draft.waits = true;
    draft.edit(node.start, node.end, 'pause');
    return;
  }
  if (own === 'com.mirth.connect.server.controllers.ChannelController.getInstance') {
    const { source } = draft;
    const rest = OWN_NAME.exec(source.slice(node.end))?.[0];
    if (
      rest !== undefined &&
      !/\bchannelId\s*=[^=]|\b(?:var|let|const)\s+channelId\b/.test(source)
    ) {
      draft.imports.add('channelName');
      draft.edit(node.start, node.end + rest.length, 'channelName');
      return;
    }
  }
  const ours = ownJava(own);
  if (ours !== undefined) {
    draft.imports.add(ours.split('.')[0] ?? '');
    draft.edit(node.start, node.end, ours);
    return;
  }
  if (isKnownJava(own)) {
    draft.imports.add(own.split('.')[0] ?? '');
    if (path !== own) {
      const at = draft.source.indexOf('Packages', node.start);
      const dot = draft.source.indexOf('.', at);
      draft.edit(at, dot + 1, '');
    }
    return;
  }
  draft.mark(node, 'Java', `uses the Java class ${own}`);
}

/** Classes of a package can be used by name alone; they are reported where they are used. */
export function importJava(draft: ScriptDraft, node: Syntax, given: readonly Syntax[]): void {
  const path = given[0] === undefined ? undefined : javaPath(given[0]);
  if (path === undefined || String(node['callee'].name) === 'importClass')
    return draft.mark(node, 'Java', 'uses a Java class by its name alone');
  draft.edit(node.start, node.end, 'undefined');
}

/** Arguments of a call that are secrets, as for a connection, `setPassword` and `put('token', …)`. */
function delicateGiven(
  base: string,
  method: string,
  given: readonly Syntax[],
): { readonly value: Syntax; readonly hint: string }[] {
  if (method === 'createDatabaseConnection') {
    return given.slice(1).map((value) => ({ value, hint: 'database' }));
  }
  if (SECRET.test(method) && !method.startsWith('$') && base !== 'logger') {
    return given.map((value) => ({ value, hint: method }));
  }
  const [name, value] = given;
  const called = String(name?.['value'] ?? '');
  return value !== undefined && SECRET.test(called) ? [{ value, hint: called }] : [];
}

/** The texts that make up the value of an expression. */
function textsIn(node: Syntax): Syntax[] {
  if (node.type === 'Literal') {
    return typeof node['value'] === 'string' && node['value'] !== '' ? [node] : [];
  }
  if (node.type === 'TemplateLiteral') return [node];
  const isMade = /^(Binary|Conditional|Logical)Expression$/.test(node.type);
  return isMade ? childrenOf(node).flatMap(textsIn) : [];
}

/** Hides what is assigned to a name that suggests a secret. */
export function hideSecret(draft: ScriptDraft, name: Syntax, value: Syntax | null): void {
  const called = String(name['name'] ?? name['value'] ?? '');
  if (value !== null && SECRET.test(called))
    for (const one of textsIn(value)) draft.hide(one, called);
}

/** Hides the arguments of a call that takes secrets. */
export function hideGiven(
  draft: ScriptDraft,
  base: string,
  method: string,
  given: readonly Syntax[],
): void {
  for (const { value, hint } of delicateGiven(base, method, given))
    for (const one of textsIn(value)) draft.hide(one, hint);
}
