import { EngineError } from '../../error/engine-error.ts';
import type { XmlNode, XmlTree } from './tree.ts';
import type { Budget } from './xpath/budget.ts';
import { parseXPath, XPathFault } from './xpath/parser.ts';
import { asText, isNodes } from './xpath/value.ts';

/**
 * A compiled XPath 1.0 expression. Names without a prefix match in any namespace; prefixes are
 * those of the document.
 */
export interface XPathExpression {
  readonly text: string;
  /**
   * The nodes it selects, or the text of its number, string or boolean. Throws
   * EXPRESSION_TOO_COSTLY if it looks at more nodes than the budget allows.
   *
   * @param node where a relative path begins
   */
  select(tree: XmlTree, budget: Budget, node?: XmlNode): readonly XmlNode[] | string;
}

const CACHE_LIMIT = 1000;
const cache = new Map<string, XPathExpression>();

/** Compiles and caches an XPath. Throws PATH_INVALID. */
export function xpathExpression(text: string): XPathExpression {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const expression = compile(text);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(text, expression);
  return expression;
}

function compile(text: string): XPathExpression {
  const evaluate = faulty(text, () => parseXPath(text));
  return {
    text,
    select: (tree, budget, node = tree.root) =>
      faulty(text, () => {
        budget.begin();
        const value = evaluate({ tree, node, position: 1, size: 1, budget });
        return isNodes(value) ? value : asText(value, budget);
      }),
  };
}

function faulty<Result>(text: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof XPathFault)) throw error;
    throw new EngineError(
      'PATH_INVALID',
      `XPath ${JSON.stringify(text)}, position ${error.at + 1}: ${error.message}. Write it like /order/patient[1]/@id.`,
    );
  }
}
