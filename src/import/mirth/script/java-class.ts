import type { ScriptDraft } from './draft.ts';
import { isKnownJava, ownJava } from './names.ts';
import type { Syntax } from './parse.ts';
import { javaPath } from './syntax.ts';

/** A Java class by its path: one that exists here too, one of Mirth's own, or one that needs a person. */
export function javaClass(draft: ScriptDraft, node: Syntax, path: string): void {
  const own = path.replace(/^Packages\./, '');
  if (own === 'java.lang.Thread.sleep') {
    draft.imports.add('pause');
    draft.waits = true;
    draft.edit(node.start, node.end, 'pause');
    return;
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
