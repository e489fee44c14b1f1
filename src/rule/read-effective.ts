import type { Given } from '../expression/given.ts';
import type { Effective } from './rule.ts';

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** Reads `effective: { from: 2026-01-01, until: 2026-06-30T22:00 }`; a time without a zone is the engine's own. */
export function readEffective(given: Given): Effective | undefined {
  if (given.isAbsent) return undefined;
  if (!given.block('effective', ['from', 'until'])) return undefined;
  const from = readTime(given.at('from'));
  const until = readTime(given.at('until'));
  if (from !== undefined && until !== undefined && from >= until) {
    given.wrong('from must be earlier than until.');
  }
  return { from, until };
}

function readTime(given: Given): number | undefined {
  if (given.isAbsent) return undefined;
  const { value } = given;
  if (value instanceof Date) return value.getTime();
  const found = typeof value === 'string' ? TIME.exec(value) : null;
  const text = found === null ? '' : found[0].replace(' ', 'T');
  const time = Date.parse(text.length === 10 ? `${text}T00:00` : text);
  if (Number.isNaN(time)) {
    given.wrong('must be a time such as 2026-01-31, 2026-01-31T22:00 or 2026-01-31T22:00+01:00.');
    return undefined;
  }
  return time;
}
