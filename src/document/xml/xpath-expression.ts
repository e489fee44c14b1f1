import type { Document as Dom, Node } from '@xmldom/xmldom';
import xpath from 'xpath';
import { EngineError } from '../../error/engine-error.ts';
import { anyNamespace } from './local-name.ts';

/** A compiled XPath 1.0 expression. Names without a prefix match in any namespace; prefixes are the document's own. */
export interface XPathExpression {
  readonly text: string;
  /** The nodes it selects, or the text of its number, string or boolean. */
  select(document: Dom): readonly Node[] | string;
}

interface Options {
  readonly node: Node;
  readonly namespaces: (prefix: string) => string;
}

/** The part of the package that its own types leave out. */
interface Parser {
  parse(text: string): {
    evaluate(options: Options): { readonly nodes?: unknown; stringValue(): string };
    select(options: Options): Node[];
  };
}

const parser = xpath as unknown as Parser;
const CACHE_LIMIT = 1000;
const cache = new Map<string, XPathExpression>();
const NO_NAMESPACE_OF_THAT_PREFIX = 'urn:waybill:unknown-prefix';

/** Compiles and keeps an XPath. Throws PATH_INVALID. */
export function xpathExpression(text: string): XPathExpression {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const expression = compile(text);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(text, expression);
  return expression;
}

function compile(text: string): XPathExpression {
  const invalid = (): EngineError =>
    new EngineError(
      'PATH_INVALID',
      `XPath ${JSON.stringify(text)} is not written correctly. Write it like /order/patient[1]/@id.`,
    );
  let parsed: ReturnType<Parser['parse']>;
  try {
    parsed = parser.parse(anyNamespace(text));
  } catch {
    throw invalid();
  }
  return {
    text,
    select: (document) => {
      const options: Options = { node: document, namespaces: (prefix) => uriOf(document, prefix) };
      try {
        const result = parsed.evaluate(options);
        return 'nodes' in result ? parsed.select(options) : result.stringValue();
      } catch {
        // A function or variable that does not exist shows only now.
        throw invalid();
      }
    },
  };
}

function uriOf(document: Dom, prefix: string): string {
  if (prefix === 'xml') return 'http://www.w3.org/XML/1998/namespace';
  const root = document.documentElement;
  return root?.lookupNamespaceURI(prefix) ?? declaredBelow(document, prefix);
}

function declaredBelow(document: Dom, prefix: string): string {
  for (const element of document.getElementsByTagName('*')) {
    const uri = element.getAttribute(`xmlns:${prefix}`);
    if (uri !== null && uri !== '') return uri;
  }
  return NO_NAMESPACE_OF_THAT_PREFIX;
}
