import type { RuleSet, Send } from './rule.ts';

/** Whether deciding by these rules, or a transform they send through, needs the message's body in memory. */
export function rulesReadBody(sets: readonly RuleSet[]): boolean {
  return sets.some(
    ({ rules, otherwise }) =>
      rules.some(({ when, send }) => when?.readsBody === true || send.some(sendReadsBody)) ||
      (typeof otherwise !== 'string' && otherwise.some(sendReadsBody)),
  );
}

function sendReadsBody({ when, transforms }: Send): boolean {
  return when?.readsBody === true || transforms.length > 0;
}
