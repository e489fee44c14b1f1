import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import type { Api } from '../../web/api.ts';
import { HostParameters } from '../../web/schema.ts';
import { audited, checkVisibleHost } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import { TestMessageRequest, TestMessageSent } from '../contract/message.ts';
import { OrderHeaders, orderName } from '../order-name.ts';

/** A person's test message to a host: it really goes out, marked as a test. */
export function testMessageRoute(app: Api, context: ApiContext): void {
  const { engines } = context;

  app.post(
    '/hosts/:host/test-message',
    {
      schema: {
        tags: ['hosts'],
        summary:
          'Sends your own message into a host, marked as a test, if the production allows it (settings.testMessages).',
        params: HostParameters,
        headers: OrderHeaders,
        body: TestMessageRequest,
        response: { 200: TestMessageSent },
      },
      onRequest: requirePermission('message.send_test'),
    },
    async (request) => {
      const { host } = request.params;
      const { text, type, name, reason } = request.body;
      checkVisibleHost(request, host);
      const { name: by, visibleHosts } = principalOf(request);
      if (visibleHosts !== undefined) {
        // a message into a service continues to its targets
        const { edges } = await engines.describe();
        for (const { from, to } of edges) if (from === host) checkVisibleHost(request, to);
      }
      const order = orderName(request, [host, type, name, text]);
      const body = Buffer.from(text);
      const act = {
        action: 'message.send_test',
        object: `host ${host}`,
        detail: { type, bytes: body.byteLength, reason },
      };
      return audited(context, request, act, () =>
        engines.sendTest({ host, type, charset: 'utf-8', name, by, order }, body),
      );
    },
  );
}
