import type { Syntax } from './parse.ts';
import { childrenOf } from './syntax.ts';

/** A condition on XML: its names refer to parts of the element. */
export function conditionText(
  node: Syntax,
  source: string,
  isDeclared: (name: string) => boolean,
  mark: (node: Syntax, what: string) => void,
): string {
  const pieces: { at: number; until: number; text: string }[] = [];
  const look = (one: Syntax, parent: Syntax | undefined): void => {
    if (one.type === 'E4xAttribute') {
      pieces.push({ at: one.start, until: one.end, text: `it['@${one['name']}']` });
    } else if (
      one.type === 'E4xMember' &&
      one['isDescendants'] !== true &&
      one['space'] === undefined &&
      one['computed'] === undefined
    ) {
      const at = one['isAttribute'] === true ? '@' : '';
      look(one['object'] as Syntax, one);
      pieces.push({
        at: one['dot'] as number,
        until: one.end,
        text: `['${at}${one['name']}']`,
      });
    } else if (one.type.startsWith('E4x')) {
      mark(one, 'has E4X inside a condition on XML');
    } else if (one.type === 'Identifier') {
      if (one['name'] === 'undefined') return;
      if (isDeclared(one['name'] as string)) {
        mark(one, `${one['name']} may be a variable or a part of the XML`);
        return;
      }
      pieces.push({ at: one.start, until: one.end, text: `it.${one['name']}` });
    } else if (one.type === 'MemberExpression' && one['computed'] !== true) {
      look(one['object'] as Syntax, one);
    } else for (const child of childrenOf(one)) look(child, parent ?? one);
  };
  look(node, undefined);
  let made = '';
  let at = node.start;
  for (const piece of pieces.toSorted((one, other) => one.at - other.at)) {
    made += source.slice(at, piece.at) + piece.text;
    at = piece.until;
  }
  return made + source.slice(at, node.end);
}
