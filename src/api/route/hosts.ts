import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import type { Api } from '../../web/api.ts';
import { Done, HostParameters } from '../../web/schema.ts';
import { audited, checkVisibleHost } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import {
  FindHostsQuery,
  FoundHosts,
  HostPage,
  Hosts,
  QueuedMessages,
  QueuedQuery,
  Queues,
  SwitchRequest,
  TestReport,
} from '../contract/host.ts';
import { withFields } from '../field-values.ts';
import { foundHosts } from '../found-hosts.ts';
import { hostPage, readHosts } from '../hosts-of.ts';
import { viewRecorder } from '../searching.ts';
import { shownMessage } from '../shown.ts';

const tags = ['hosts'];

const SWITCHES = {
  start: 'Starts a host on every engine and clears its being switched off.',
  stop: 'Stops a host on every engine; it stays off across restarts. Its queue still fills.',
  retry: 'Retries immediately everything that waits for its next try.',
} as const;

export function hostRoutes(app: Api, context: ApiContext): void {
  hostViews(app, context);
  hostSwitches(app, context);
  hostTrials(app, context);
  queueViews(app, context);
}

function hostViews(app: Api, context: ApiContext): void {
  const { engines } = context;

  app.get(
    '/hosts',
    {
      schema: { tags, summary: 'Every host over all engines.', response: { 200: Hosts } },
      onRequest: requirePermission('dashboard.view'),
    },
    async (request) => {
      const hosts = await readHosts(engines, principalOf(request));
      return { at: Date.now(), hosts };
    },
  );

  app.get(
    '/find/hosts',
    {
      schema: {
        tags,
        summary:
          'Hosts with a property that contains a text: an address, a folder, a tag, a comment.',
        querystring: FindHostsQuery,
        response: { 200: FoundHosts },
      },
      onRequest: requirePermission('production.view'),
    },
    async (request) => {
      const { visibleHosts } = principalOf(request);
      return {
        hosts: foundHosts(await engines.describe(), request.query.text.trim(), visibleHosts),
      };
    },
  );

  app.get(
    '/hosts/:host',
    {
      schema: {
        tags,
        summary: 'One host: state, settings with their place in the files, rules.',
        params: HostParameters,
        response: { 200: HostPage },
      },
      onRequest: requirePermission('production.view'),
    },
    async (request) => {
      checkVisibleHost(request, request.params.host);
      const [description, reports] = await Promise.all([engines.describe(), engines.status()]);
      return hostPage([description, reports], request.params.host, principalOf(request));
    },
  );
}

/** What every switch takes and answers. */
const SWITCHING = {
  tags,
  params: HostParameters,
  body: SwitchRequest,
  response: { 200: Done },
};

function hostSwitches(app: Api, context: ApiContext): void {
  const { engines } = context;

  for (const verb of ['start', 'stop', 'retry'] as const) {
    app.post(
      `/hosts/:host/${verb}`,
      {
        schema: { ...SWITCHING, summary: SWITCHES[verb] },
        onRequest: requirePermission('host.control'),
      },
      (request) => {
        const { host } = request.params;
        checkVisibleHost(request, host);
        const { reason } = request.body;
        const act = { action: `host.${verb}`, object: `host ${host}`, detail: { reason } };
        return audited(context, request, act, async () => {
          await engines.switchHost(verb, host, { by: principalOf(request).name, reason });
          return { done: true as const };
        });
      },
    );
  }
}

function hostTrials(app: Api, context: ApiContext): void {
  const { engines } = context;

  app.post(
    '/hosts/:host/restart',
    {
      schema: { ...SWITCHING, summary: 'Stops a host and starts it again.' },
      onRequest: requirePermission('host.control'),
    },
    (request) => {
      const { host } = request.params;
      checkVisibleHost(request, host);
      const by = { by: principalOf(request).name, reason: request.body.reason ?? 'restart' };
      const act = { action: 'host.restart', object: `host ${host}`, detail: by };
      return audited(context, request, act, async () => {
        await engines.switchHost('stop', host, by);
        await engines.switchHost('start', host, by);
        return { done: true as const };
      });
    },
  );

  app.post(
    '/hosts/:host/test',
    {
      schema: {
        tags,
        summary: 'Tests the connection in steps; no message is moved.',
        params: HostParameters,
        response: { 200: TestReport },
      },
      onRequest: requirePermission('connection.test'),
    },
    (request) => {
      const { host } = request.params;
      checkVisibleHost(request, host);
      return audited(
        context,
        request,
        { action: 'host.test', object: `host ${host}` },
        async () => {
          const steps = await engines.test(host);
          return { steps, passed: steps.every(({ result }) => result !== 'failed') };
        },
      );
    },
  );
}

function queueViews(app: Api, context: ApiContext): void {
  const { engines, trace } = context;
  const viewed = viewRecorder(context);

  app.get(
    '/queues',
    {
      schema: { tags, summary: 'Every queue, fullest first.', response: { 200: Queues } },
      onRequest: requirePermission('queue.view'),
    },
    async (request) => {
      const hosts = await viewed(request, { action: 'queue.view', object: 'queues' }, () =>
        readHosts(engines, principalOf(request)),
      );
      const queues = hosts.flatMap(({ name, kind, health, queue, engines: on }) =>
        queue === undefined
          ? []
          : [
              {
                host: name,
                kind,
                health,
                ...queue,
                inFlight: on.reduce((sum, { inFlight }) => sum + inFlight, 0),
                retrying: on.find(({ retrying }) => retrying !== undefined)?.retrying,
                reconnect: on.find(({ reconnect }) => reconnect !== undefined)?.reconnect,
              },
            ],
      );
      return { at: Date.now(), queues: queues.toSorted((a, b) => b.depth - a.depth) };
    },
  );

  app.get(
    '/queues/:host/messages',
    {
      schema: {
        tags,
        summary: 'What waits for a host, oldest first.',
        params: HostParameters,
        querystring: QueuedQuery,
        response: { 200: QueuedMessages },
      },
      onRequest: requirePermission('queue.view'),
    },
    async (request) => {
      const { host } = request.params;
      checkVisibleHost(request, host);
      const { after, limit = 100, fields = '' } = request.query;
      const look = { action: 'queue.messages', object: `host ${host}` };
      const open = await viewed(request, look, () => trace.openMessages(host, { after, limit }));
      const messages = await Promise.all(open.map(({ id }) => trace.message(id)));
      const principal = principalOf(request);
      const shown = messages.flatMap((one) => (one ? [shownMessage(principal, one)] : []));
      const names = fields.split(',').filter((name) => name !== '');
      const items = await withFields(context, principal, shown, names);
      return { items, next: open.length < limit ? undefined : open.at(-1)?.id };
    },
  );
}
