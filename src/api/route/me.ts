import type { Principal } from '../../access/rights/principal.ts';
import { principalOf } from '../../access/rights/require-permission.ts';
import { consoleOf } from '../../access/sign-in/relayed-callers.ts';
import { isTold, unless } from '../../error/foreseen.ts';
import type { Api } from '../../web/api.ts';
import { closed, list, maybe, word } from '../../web/schema.ts';
import { within } from '../../web/within.ts';
import type { ApiContext } from '../context.ts';
import { Me } from '../contract/me.ts';
import type { Status } from '../contract/status.ts';
import { statusOf } from '../status-of.ts';
import { productionsFor } from './productions.ts';

/** Milliseconds: a page begins without the figures of a production that needs longer. */
const STATUS_LIMIT = 500;

export function meRoute(app: Api, context: ApiContext): void {
  app.get(
    '/me',
    {
      schema: {
        tags: ['me'],
        summary: 'Who is signed in; on demand with what a page needs to begin.',
        querystring: closed({
          with: maybe(
            list(word('status', 'productions'), {
              description:
                'Also what `GET /status` and `GET /productions` answer. What the caller may not see, and what is not known at once, is left out.',
            }),
          ),
        }),
        response: { 200: Me },
      },
    },
    async (request) => {
      const principal = principalOf(request);
      const { with: wanted = [] } = request.query;
      const { permissions, ...rest } = principal;
      const [status, productions] = await Promise.all([
        wanted.includes('status') ? statusFor(context, principal) : undefined,
        wanted.includes('productions') && isOwn(principal)
          ? productionsFor(context, principal)
          : undefined,
      ]);
      return { ...rest, permissions: [...permissions], status, productions };
    },
  );
}

/** People of another console ask that one for the productions. */
const isOwn = ({ via }: Principal): boolean => consoleOf(via) === undefined;

async function statusFor(
  context: ApiContext,
  { permissions, visibleHosts, mustChangePassword, mustAddFactor }: Principal,
): Promise<Status | undefined> {
  if (mustChangePassword === true || mustAddFactor === true) return undefined;
  if (!permissions.has('dashboard.view')) return undefined;
  const asked = statusOf(context, visibleHosts).catch(unless(isTold, 'telling how a page begins'));
  return within(STATUS_LIMIT, asked);
}
