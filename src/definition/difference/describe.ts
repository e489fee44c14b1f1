import type { Change } from './changes.ts';

const LONGEST = 80;

/** `settings.connect: ward:2575 → ward-2:2575`. */
export function describeChange({ path, before, after }: Change): string {
  if (before === undefined) return `${path}: ${valueText(after)} (new)`;
  if (after === undefined) return `${path}: ${valueText(before)} (taken away)`;
  return `${path}: ${valueText(before)} → ${valueText(after)}`;
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
