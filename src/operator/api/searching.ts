import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../rights/principal.ts';
import { principalOf } from '../rights/require-permission.ts';
import { audited } from './acting.ts';
import { ApiError } from './api-error.ts';
import type { ApiContext } from './context.ts';
import type { SearchCriteria } from './contract/message.ts';

/**
 * Refuses questions whose hits would tell, one after the other, what is masked: a part of a body, the beginning
 * of a value. A whole value may be searched for: who has it knows it.
 */
export function checkSearch(
  { name, unmasked }: Principal,
  { contains, search = {} }: Pick<SearchCriteria, 'contains' | 'search'>,
): void {
  if (unmasked) return;
  const guess =
    contains === undefined
      ? Object.values(search).some((value) => value.includes('*')) && 'by the beginning of a value'
      : 'in bodies';
  if (guess === false) return;
  throw new ApiError(403, 'FORBIDDEN', `${name} lacks message.content.unmasked to search ${guess}`);
}

/** Runs a search and records who searched for what. */
export type SearchRecorder = <Result>(
  request: FastifyRequest,
  criteria: SearchCriteria,
  run: () => Promise<Result>,
) => Promise<Result>;

/** A page that looks again and again, and the next page, ask the same: recorded once in this time. */
const AGAIN = 15 * 60_000;
const REMEMBERED = 10_000;

export function searchRecorder(context: ApiContext, now: () => number = Date.now): SearchRecorder {
  const latest = new Map<string, number>();
  return (request, criteria, run) => {
    const { name, via } = principalOf(request);
    // a search that goes on has other times: it is not another question
    const { from: _from, to: _to, ...asked } = criteria;
    const key = createHash('sha256')
      .update(JSON.stringify([name, via, request.ip, asked]))
      .digest('base64');
    const at = now();
    if (at - (latest.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN) return run();
    const act = { action: 'message.search', object: 'messages', detail: { criteria } };
    return audited(context, request, act, async () => {
      const result = await run();
      latest.delete(key);
      latest.set(key, at);
      const [oldest] = latest.keys();
      if (latest.size > REMEMBERED && oldest !== undefined) latest.delete(oldest);
      return result;
    });
  };
}
