import type { Permission } from '../../src/access/rights/principal.ts';

/** One operation of the API: who may use it, and the answer for somebody who sees only other hosts. */
export interface Row {
  readonly operation: string;
  readonly needs: readonly Permission[];
  readonly query?: string;
  readonly body?: object;
  /** Allowed answers for permitted users. Default 200. */
  readonly allowed?: readonly number[];
  /** For somebody with every permission in another scope: a status, or 200 without any mention of the host. */
  readonly elsewhere: 200 | 403 | 404;
}

const row = (
  operation: string,
  needs: readonly Permission[],
  elsewhere: Row['elsewhere'],
  rest: Omit<Row, 'operation' | 'needs' | 'elsewhere'> = {},
): Row => ({ operation, needs, elsewhere, ...rest });

const conflict = { allowed: [409] };
const reason = { body: { reason: 'test' } };

/** Every operation of the OpenAPI document that needs a permission. */
export const ROUTES: readonly Row[] = [
  row('GET /status', ['dashboard.view'], 200),
  row('GET /hosts', ['dashboard.view'], 200),
  row('GET /alerts', ['dashboard.view'], 200),
  row('GET /statistics', ['dashboard.view'], 200, { query: '?from=0&to=60000&step=60000' }),
  row('GET /statistics/comparison', ['dashboard.view'], 200, { query: '?zone=Europe/Berlin' }),
  row('GET /storage', ['dashboard.view'], 200),
  row('GET /stream', ['dashboard.view'], 200),
  row('GET /production/map', ['production.view'], 200),
  row('GET /certificates', ['production.view'], 200),
  row('GET /hosts/{host}', ['production.view'], 404),
  row('GET /workbench/keys', ['connection.test'], 403),
  row('POST /workbench/token', ['connection.test'], 403, { body: { token: 'a.b.c' } }),
  row('POST /workbench/token/sign', ['credential.sign'], 403, {
    body: { key: 'none', claims: {} },
    allowed: [422],
  }),
  row('GET /certificates/requests', ['credential.manage'], 403),
  row('POST /certificates/requests', ['credential.manage'], 403, {
    body: { name: '-', commonName: 'hub.example', names: [], keys: 'P-256' },
    allowed: [422],
  }),
  row('POST /certificates/requests/{name}/certificate', ['credential.manage'], 403, {
    body: { certificate: 'none' },
    allowed: [404],
  }),
  row('DELETE /certificates/requests/{name}', ['credential.manage'], 403, { allowed: [404] }),
  row('POST /workbench/certificate', ['connection.test'], 200, { body: { files: [] } }),
  row('GET /find/hosts', ['production.view'], 200, { query: '?text=mllp' }),
  row('GET /queues', ['queue.view'], 200),
  row('GET /queues/{host}/messages', ['queue.view'], 404),
  row('GET /waits', ['queue.view'], 200),
  row('GET /subscribers', ['queue.view'], 200),
  row('POST /subscribers/turn', ['host.control'], 404, {
    body: { host: 'hl7-out', id: 'none', on: false, reason: 'test' },
    allowed: [404],
  }),
  row('GET /batches', ['queue.view'], 200),
  row('POST /batches/close', ['queue.abort'], 404, {
    body: { host: 'hl7-out', keyId: 'none', reason: 'test' },
    allowed: [404],
  }),
  row('GET /state', ['queue.view'], 200),
  row('GET /state/{keyId}', ['queue.view', 'message.content'], 404, { allowed: [404] }),
  row('POST /state/{keyId}/remove', ['queue.abort'], 404, { ...reason, allowed: [404] }),
  row('GET /events', ['event.view'], 200),
  row('POST /messages/search', ['message.search'], 200, { body: {} }),
  row('POST /messages/count', ['message.search'], 200, { body: {} }),
  row('GET /messages/fields', ['message.search'], 200),
  row('GET /find', ['message.search'], 200, { query: '?text=4711' }),
  row('GET /messages/{id}', ['message.search'], 404),
  row('GET /sessions/{id}', ['message.search'], 404),
  row('GET /failures', ['message.search'], 200),
  row('GET /saved-searches', ['message.search'], 200),
  row('POST /saved-searches', ['message.search'], 200, { body: { name: 'mine', criteria: {} } }),
  row('DELETE /saved-searches/{id}', ['message.search'], 404, { allowed: [404] }),
  row('POST /messages/export', ['message.search', 'message.export'], 200, {
    body: { criteria: {}, format: 'csv' },
  }),
  row('GET /messages/{id}/body', ['message.content'], 404),
  row('GET /messages/{id}/body/hl7', ['message.content'], 404),
  row('GET /messages/{id}/body/value', ['message.content'], 404, { query: '?path=PID-3.1' }),
  row(
    'GET /messages/{id}/body/embedded',
    ['message.content', 'message.export', 'message.content.unmasked'],
    404,
    { query: '?path=OBX-5.5', allowed: [404] },
  ),
  row('GET /messages/{id}/body/segments', ['message.content'], 404, { allowed: [422] }),
  row('GET /messages/{id}/body/table', ['message.content'], 404, { allowed: [422] }),
  row('GET /messages/{id}/body/hex', ['message.content'], 404),
  row('GET /messages/{id}/body/mail', ['message.content'], 404, { allowed: [422] }),
  row('POST /messages/{id}/rehearsal', ['config.view', 'message.content'], 404),
  row('POST /rehearsals', ['config.view', 'message.content'], 404, { body: { ids: ['{id}'] } }),
  row('GET /messages/{id}/diff', ['message.content'], 404, { query: '?against={id}' }),
  row(
    'GET /messages/{id}/body/raw',
    ['message.content', 'message.export', 'message.content.unmasked'],
    404,
  ),
  row('POST /messages/{id}/resend', ['message.resend'], 404, { body: {} }),
  row('POST /messages/{id}/reprocess', ['message.resend'], 404, { body: {} }),
  row(
    'POST /messages/{id}/resend',
    ['message.resend', 'message.edit_resend', 'message.content.unmasked'],
    404,
    { body: { text: 'MSH|^~\\&|A|B|C|D|2026||ADT^A01^ADT_A01|E1|P|2.5.1\r' } },
  ),
  row('POST /messages/{id}/discard', ['deadletter.discard'], 404, { ...reason, ...conflict }),
  row('POST /messages/{id}/abort', ['queue.abort'], 404, { ...reason, ...conflict }),
  row('POST /jobs', ['message.bulk', 'message.resend'], 404, {
    body: { type: 'resend', ids: ['{id}'], reason: 'x', dryRun: true },
  }),
  row('POST /jobs', ['message.bulk', 'deadletter.discard'], 404, {
    body: { type: 'discard', ids: ['{id}'], reason: 'x', dryRun: true },
  }),
  row('POST /jobs', ['message.bulk', 'queue.abort'], 404, {
    body: { type: 'abort', ids: ['{id}'], reason: 'x', dryRun: true },
  }),
  row('GET /jobs', ['message.bulk'], 200),
  row('GET /jobs/{id}', ['message.bulk'], 404),
  row('GET /jobs/{id}/items', ['message.bulk'], 404),
  row('GET /jobs/{id}/results', ['message.bulk'], 404),
  row('POST /jobs/{id}/cancel', ['message.bulk'], 404),
  row('POST /jobs/{id}/pause', ['message.bulk'], 404),
  row('POST /jobs/{id}/resume', ['message.bulk'], 404),
  // what it was about is over by then
  row('POST /alerts/{id}/acknowledge', ['alert.ack'], 404, { body: {}, allowed: [200, 409] }),
  row('POST /alerts/{id}/snooze', ['alert.ack'], 404, { body: { until: 1 }, allowed: [200, 409] }),
  row('POST /alerts/{id}/comment', ['alert.ack'], 404, { body: { text: 'x' } }),
  row('GET /notes', ['dashboard.view'], 200),
  row('POST /notes', ['note.write'], 404, {
    body: { about: 'host', object: 'hl7-out', text: 'they call back' },
  }),
  row('PUT /notes/{id}', ['note.write'], 404, { body: { text: 'x' }, allowed: [404] }),
  row('DELETE /notes/{id}', ['note.write'], 404, { allowed: [404] }),
  row('GET /alerts/on-call', ['alert.ack'], 403),
  row('POST /alerts/on-call', ['alert.manage'], 403, {
    body: { from: 1, to: 2, who: 'x', reason: 'x' },
    allowed: [400],
  }),
  row('DELETE /alerts/on-call/{id}', ['alert.manage'], 403, { allowed: [404] }),
  row('GET /maintenance', ['dashboard.view'], 200),
  row('POST /maintenance', ['alert.manage'], 404, {
    body: { hosts: ['hl7-out'], from: 1, to: Date.now() + 86_400_000, reason: 'test' },
    allowed: [200, 400],
  }),
  row('POST /maintenance/{id}/until', ['alert.manage'], 404, { body: { to: 0 } }),
  row('POST /alerts/test', ['alert.manage'], 403, { body: { channels: [] } }),
  row('POST /alerts/{id}/assign', ['alert.manage'], 404, {
    body: { to: 'x' },
    allowed: [200, 409],
  }),
  row('POST /hosts/{host}/test-message', ['message.send_test'], 404, { body: { text: 'x' } }),
  row('POST /hosts/{host}/stop', ['host.control'], 404, { body: {} }),
  row('POST /hosts/{host}/start', ['host.control'], 404, { body: {} }),
  row('POST /hosts/{host}/retry', ['host.control'], 404, { body: {} }),
  row('POST /hosts/{host}/restart', ['host.control'], 404, { body: {} }),
  row('POST /hosts/{host}/test', ['connection.test'], 404),
  row('PUT /hosts/{host}/overrides/{kind}', ['host.settings.override'], 404, {
    body: { level: 'info', for: 60_000, reason: 'x' },
  }),
  row('DELETE /hosts/{host}/overrides/{kind}', ['host.settings.override'], 404),
  row('GET /productions/{production}', ['dashboard.view'], 200),
  row('GET /production/history', ['config.view'], 403),
  row('GET /production/history/comparison', ['config.view'], 403),
  row('POST /production/history/{version}/roll-back', ['config.deploy'], 403, {
    ...reason,
    allowed: [404],
  }),
  row('GET /production/files', ['config.view'], 403),
  row('POST /production/files/check', ['config.edit'], 403, {
    body: { edits: [{ path: 'production.yaml', text: '' }] },
  }),
  row('GET /production/files/paths', ['config.edit'], 200, { query: '?beginning=PID-3.' }),
  row('GET /production/drafts', ['config.edit'], 403),
  row('POST /production/drafts', ['config.edit'], 403, {
    body: { edits: [{ path: 'production.yaml', text: '' }], reason: 'x' },
  }),
  row('GET /production/drafts/{id}', ['config.edit'], 403, { allowed: [404] }),
  row('POST /production/drafts/{id}/apply', ['config.deploy'], 403, { body: {}, allowed: [404] }),
  row('POST /production/drafts/{id}/refuse', ['config.edit'], 403, { body: {}, allowed: [404] }),
  row('GET /production/files/text', ['config.view'], 403, { query: '?path=production.yaml' }),
  row('POST /production/reload', ['config.view'], 403, { body: { dryRun: true } }),
  row('POST /production/reload', ['config.view', 'config.deploy'], 403, {
    body: { dryRun: false },
  }),
  row('PUT /storage/holds/{id}', ['purge.manage'], 404, reason),
  row('DELETE /storage/holds/{id}', ['purge.manage'], 404),
  row('POST /storage/purge', ['purge.manage'], 403),
  row('GET /audit', ['audit.view'], 200),
  row('POST /me/emergency', ['message.emergency'], 403, {
    body: { reason: 'the ward needs it now' },
    allowed: [403],
  }),
  row('DELETE /me/emergency', ['message.emergency'], 404, { allowed: [404] }),
  row('POST /audit/access', ['audit.view'], 200, { body: { patient: '4711' } }),
  row('POST /audit/access/export', ['audit.view'], 200, { body: { patient: '4711' } }),
  row('GET /audit/verify', ['audit.view'], 200),
  row('GET /audit/export', ['audit.view'], 200),
  row('GET /users', ['user.manage'], 200),
  row('GET /roles', ['user.manage'], 200),
  row('GET /users/{name}/rights', ['user.manage'], 200),
  row('GET /sign-in/trace', ['user.manage'], 200),
  row('GET /sign-in/refused', ['user.manage'], 200),
  row('POST /users', ['user.manage'], 403, { body: { name: 'new', roles: [] } }),
  row('PUT /users/{name}/roles', ['user.manage'], 403, { body: { roles: [] } }),
  row('POST /users/{name}/password', ['user.manage'], 403),
  row('DELETE /users/{name}/second-factor', ['user.manage'], 403, { allowed: [404] }),
  row('DELETE /users/{name}', ['user.manage'], 403),
  row('GET /tokens', ['token.manage'], 200),
  row('POST /tokens', ['token.manage'], 200, {
    body: { label: 'x', days: 1, permissions: [] },
  }),
  row('DELETE /tokens/{id}', ['token.manage'], 404, { allowed: [404] }),
];

/** Operations for everybody who is signed in, and public ones. */
export const FREE = new Set([
  'GET /me',
  'GET /productions',
  'POST /across/messages/search',
  'GET /across/find',
  'GET /across/failures',
  'GET /across/jobs',
  'GET /across/alerts',
  'GET /me/preferences',
  'PUT /me/preferences',
  'POST /me/presence',
  'POST /me/password',
  'GET /me/second-factor',
  'POST /me/second-factor/totp',
  'POST /me/second-factor/totp/confirm',
  'POST /me/second-factor/passkey',
  'POST /me/second-factor/passkey/confirm',
  'POST /me/second-factor/recovery-codes',
  'POST /me/second-factor/remove',
  'POST /sign-out',
  'GET /sign-in/methods',
  'POST /sign-in',
  'POST /sign-in/second-factor',
  'POST /sign-in/first',
  'POST /auth/token',
  'POST /auth/revoke',
]);
