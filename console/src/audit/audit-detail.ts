import { clock, day } from '../element/time-text.ts';

/** What an act was about, in words: `target ward, status suspended error` for the JSON that the audit log keeps. */
export function auditDetail(json: string): string {
  try {
    return wordsOf(JSON.parse(json) as unknown).join(', ');
  } catch {
    // no JSON
    return json;
  }
}

function wordsOf(value: unknown, name = ''): string[] {
  if (value === null || value === undefined || value === '') return [];
  if (Array.isArray(value))
    return value.length === 0 ? [] : [`${name} ${value.map(String).join(' ')}`.trim()];
  if (typeof value === 'object')
    // what a search was for stands in an object of its own, which says nothing by itself
    return Object.entries(value).flatMap(([key, inner]) => wordsOf(inner, key));
  if ((name === 'from' || name === 'to' || name === 'until') && typeof value === 'number')
    return [`${name} ${day(value)} ${clock(value, false)}`];
  return [`${name} ${value as string}`.trim()];
}
