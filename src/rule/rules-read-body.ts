import type { RuleSet, Send } from './rule.ts';

/** Whether deciding by these rules, or a transform they send through, needs the message's body in memory. */
export function rulesReadBody(sets: readonly RuleSet[]): boolean {
  return sets.some(
    ({ rules, otherwise }) =>
      rules.some(({ when, send }) => when?.readsBody === true || send.some(sendReadsBody)) ||
      (typeof otherwise !== 'string' && otherwise.some(sendReadsBody)),
  );
}

/** Whether deciding by these rules signs or checks a token. */
export function rulesNeedTokens(sets: readonly RuleSet[]): boolean {
  return sets.some(
    ({ rules, otherwise }) =>
      rules.some((rule) => needsTokens(rule) || rule.send.some(needsTokens)) ||
      (typeof otherwise !== 'string' && otherwise.some(needsTokens)),
  );
}

const needsTokens = ({ when }: Pick<Send, 'when'>): boolean => when?.facts?.needsTokens === true;

function sendReadsBody({ when, transforms }: Send): boolean {
  return when?.readsBody === true || transforms.length > 0;
}
