import type { ASTNode } from '@marcbachmann/cel-js';
import { innerName } from './syntax.ts';
import { type Call, literalText } from './syntax-tree.ts';

/** What the text of an expression tells before any message comes. */
export interface ExpressionFacts {
  /** The only types of messages for which a condition can be true; undefined where its literals do not say. */
  readonly types: readonly string[] | undefined;
  /** Literal paths that it reads of the body: `PID-3.1`, `/orders`. */
  readonly paths: readonly string[];
}

const READERS: ReadonlySet<string> = new Set([
  'field',
  'fields',
  'has',
  'segments',
  'following',
  'json',
  'xpath',
]);

/** @param calls every call in it, by the names that users know */
export function factsOf(node: ASTNode, calls: readonly Call[]): ExpressionFacts {
  const paths = calls.flatMap(({ name, given }) =>
    READERS.has(name) ? (literalText(given[0]) ?? []) : [],
  );
  return { types: typesOf(node), paths };
}

function typesOf(node: ASTNode): readonly string[] | undefined {
  switch (node.op) {
    case '&&': {
      const [left, right] = node.args.map(typesOf);
      if (left === undefined || right === undefined) return left ?? right;
      return left.filter((type) => right.includes(type));
    }
    case '||': {
      const [left, right] = node.args.map(typesOf);
      return left === undefined || right === undefined ? undefined : [...left, ...right];
    }
    case '==': {
      const [left, right] = node.args;
      const literal = isType(left) ? right : isType(right) ? left : undefined;
      const text = literalText(literal);
      return text === undefined ? undefined : [text];
    }
    case 'in': {
      const [left, list] = node.args;
      if (!isType(left) || list.op !== 'list') return undefined;
      const texts = list.args.map(literalText);
      return texts.includes(undefined) ? undefined : texts.filter((text) => text !== undefined);
    }
    default:
      return undefined;
  }
}

const isType = (node: ASTNode): boolean => node.op === 'id' && node.args === innerName('type');
