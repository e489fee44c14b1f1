import type { TestStep } from '../adapter/test-step.ts';

/** How a terminal shows what became of a step. */
export const MARKS = { passed: '✓', failed: '✗', skipped: '–' } as const;

/** A step of a connection test, for a terminal. */
export function describeStep({ name, result, detail, cause, remedy, took }: TestStep): string {
  const lines = [
    `${MARKS[result]} ${name}${detail === undefined ? '' : `: ${detail}`} (${took} ms)`,
  ];
  if (cause !== undefined) lines.push(`    ${cause}`);
  if (remedy !== undefined) lines.push(`    → ${remedy}`);
  return lines.join('\n');
}
