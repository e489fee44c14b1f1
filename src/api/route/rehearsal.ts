import { requirePermission } from '../../access/rights/require-permission.ts';
import type { Api } from '../../web/api.ts';
import { IdParameters } from '../../web/schema.ts';
import { audited, visibleMessage } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import { Rehearsal } from '../contract/rehearsal.ts';
import { rehearsal } from '../rehearsal.ts';

export function rehearsalRoute(app: Api, context: ApiContext): void {
  app.post(
    '/messages/:id/rehearsal',
    {
      schema: {
        tags: ['messages'],
        summary: 'What the files on disk would make of a message, against what was made of it.',
        description: 'Nothing is sent, and what runs does not change.',
        params: IdParameters,
        response: { 200: Rehearsal },
      },
      onRequest: requirePermission('config.view', 'message.content'),
    },
    async (request) => {
      const { id } = request.params;
      const message = await visibleMessage(context, request, id);
      const act = { action: 'message.rehearse', object: `message ${id}`, detail: {} };
      return audited(context, request, act, () => rehearsal(context, request, message));
    },
  );
}
