import type { FastifyRequest } from 'fastify';
import { checkPermission, checkSeesAll, principalOf } from '../access/rights/require-permission.ts';
import type { FileEdit } from '../definition/history/checked-files.ts';
import { isEngineError } from '../error/engine-error.ts';
import type { Engines } from '../operator/engines.ts';
import { ApiError } from '../web/api-error.ts';
import type { ApiContext } from './context.ts';
import { checkEdits } from './edit-size.ts';
import { editsIn, withHidden } from './hidden-values.ts';

/** Files that are tried although nobody has written them: somebody's edits, or those of a proposed change. */
export interface Tried {
  readonly edits?: readonly FileEdit[] | undefined;
  readonly draft?: number | undefined;
}

/** The edits to try, with their secrets; undefined where the files on disk are meant. Only for those who may make such a change. */
export async function editsToTry(
  context: ApiContext,
  request: FastifyRequest,
  { edits, draft }: Tried,
): Promise<readonly FileEdit[] | undefined> {
  if (edits === undefined && draft === undefined) return undefined;
  const principal = principalOf(request);
  checkPermission(principal, 'config.edit');
  checkSeesAll(principal, 'read or change the configuration');
  if (edits !== undefined && draft !== undefined)
    throw new ApiError(400, 'REQUEST_INVALID', 'give either edits or a draft');
  if (draft === undefined) {
    checkEdits(edits ?? []);
    return withHidden(context.engines, edits ?? []);
  }
  const found = await context.drafts.find(draft);
  if (found === undefined)
    throw new ApiError(404, 'NOT_FOUND', `there is no proposed change ${draft}`);
  return withHidden(context.engines, editsIn(found));
}

/** How a message is tried; an engine that does not know the edits is told them. */
export function rehearseWith(
  { rehearse }: Pick<Engines, 'rehearse'>,
  edits: readonly FileEdit[] | undefined,
): Engines['rehearse'] {
  if (edits === undefined) return (asked, body) => rehearse(asked, body);
  return async (asked, body) => {
    if (asked.run === undefined) return rehearse({ ...asked, edits }, body);
    try {
      return await rehearse({ ...asked, edited: true }, body);
    } catch (error) {
      if (!isEngineError(error) || error.code !== 'REHEARSAL_UNKNOWN') throw error;
      return rehearse({ ...asked, edited: true, edits }, body);
    }
  };
}
