const NAME = String.raw`[\p{L}_][\p{L}\p{N}_.-]*`;
const TOKEN = new RegExp(
  [
    String.raw`\s+`,
    String.raw`"[^"]*"|'[^']*'`,
    String.raw`\d+(?:\.\d+)?`,
    String.raw`${NAME}(?::(?!:)(?:\*|${NAME}))?`,
    String.raw`::|\.\.|\/\/|[<>!]=`,
    '[^]',
  ].join('|'),
  'gu',
);
const PLAIN_NAME = new RegExp(`^${NAME}$`, 'u');
/** Tokens after which the next name is an operator (XPath 1.0 §3.7). */
const ENDS_OPERAND = /^(?:["'\d\])*]|\.\.?$)|[\p{L}\p{N}_*]$/u;

/** What stands before a name that is not an element's: of an attribute or a variable. */
const NOT_ELEMENT = /(?:@|attribute\s*::|\$)\s*$/;

/**
 * Rewrites an XPath so that a name without a prefix means an element of that name in any namespace:
 * `/order/id` finds `<o:order><o:id>`. Attributes without a prefix have no namespace and stay.
 */
export function anyNamespace(xpath: string): string {
  let result = '';
  /** Whether what came before is a whole operand, so that a name or `*` is an operator. */
  let operand = false;
  for (const { 0: token, index } of xpath.matchAll(TOKEN)) {
    if (token.trim() === '') {
      result += token;
      continue;
    }
    const named = PLAIN_NAME.test(token);
    // Before a bracket it is a function, before two colons an axis.
    const opens = named && /^\s*(?:\(|::)/.test(xpath.slice(index + token.length));
    const element = named && !operand && !opens && !NOT_ELEMENT.test(xpath.slice(0, index));
    result += element ? `*[local-name()='${token}']` : token;
    const operator: boolean = operand && (named || token === '*');
    operand = ENDS_OPERAND.test(token) && !opens && !operator;
  }
  return result;
}
