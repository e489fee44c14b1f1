import { test } from 'vitest';

/** Declares the clauses of one contract: each a sentence, run unless the adapter has a known gap. */
export function clauseOf<Name extends string>(
  sentences: Readonly<Record<Name, string>>,
  gaps: Readonly<Partial<Record<Name, string>>>,
): (name: Name, run: () => Promise<void>) => void {
  return (name, run) => {
    const reason = gaps[name];
    const declare = reason === undefined ? test : test.skip;
    declare(
      reason === undefined ? sentences[name] : `${sentences[name]} (known gap: ${reason})`,
      run,
    );
  };
}
