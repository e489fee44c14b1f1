import { test } from 'vitest';

/**
 * Declares the clauses of one contract: each a sentence, run unless the adapter has a known gap. Those that mostly wait
 * for clocks, and count nothing of the process, do so beside their neighbours.
 */
export function clauseOf<Name extends string>(
  sentences: Readonly<Record<Name, string>>,
  gaps: Readonly<Partial<Record<Name, string>>>,
): (name: Name, run: () => Promise<void>, how?: 'waits') => void {
  return (name, run, how) => {
    const reason = gaps[name];
    const declared = how === 'waits' ? test.concurrent : test;
    const declare = reason === undefined ? declared : test.skip;
    declare(
      reason === undefined ? sentences[name] : `${sentences[name]} (known gap: ${reason})`,
      run,
    );
  };
}
