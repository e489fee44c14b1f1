import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { AuditEntry } from '../../src/access/audit/audit.ts';
import { PERMISSIONS } from '../../src/access/rights/principal.ts';
import type { HostPage } from '../../src/api/contract/host.ts';
import type { Session } from '../../src/api/contract/message.ts';
import { adt, type Operated, operated, WARD } from '../support/operator.ts';
import { ANN } from '../support/person.ts';
import { signedInAs } from '../support/signed-in-as.ts';

let production: Operated;
const who = signedInAs();
const recorded: AuditEntry[] = [];

beforeAll(async () => {
  who.principal = ANN;
  production = await operated({
    production: WARD.replace('shutdownTimeout: 1s', 'shutdownTimeout: 1s\n  testMessages: true'),
    console: {
      signIn: who.plugin,
      audit: { record: async (entry: AuditEntry) => void recorded.push(entry) },
    },
  });
});
afterAll(async () => production[Symbol.asyncDispose]());

interface Sent {
  readonly messageId: number;
  readonly sessionId: number;
}

const send = (host: string, body: object) =>
  production.ask<Sent>('POST', `/api/v1/hosts/${host}/test-message`, body);

const settled = (id: number): Promise<Session> =>
  vi.waitFor(async () => {
    const { body } = await production.ask<Session>('GET', `/api/v1/sessions/${id}`);
    expect(body.messages.at(-1)?.status).toBe('completed');
    return body;
  });

test('a message of one’s own goes through a service to its receivers, marked as a test, and the act is recorded', async () => {
  const { status, body } = await send('hl7-in', { text: adt('T1'), reason: 'a new ward' });
  expect(status).toBe(200);
  const { messages } = await settled(body.sessionId);
  expect(messages).toMatchObject([
    { source: 'hl7-in', target: 'hl7-out', type: 'HL7v2:ADT_A01:2.5.1', testBy: 'ann' },
  ]);
  expect(production.receiver.received.at(-1)?.body.toString()).toContain('|T1|');
  expect(recorded).toContainEqual({
    actor: { name: 'ann', via: 'local' },
    ip: expect.any(String),
    action: 'message.send_test',
    object: 'host hl7-in',
    outcome: 'done',
    detail: { bytes: adt('T1').length, reason: 'a new ward' },
  });
});

test('an operation is sent to directly, and what is resent of a test is one', async () => {
  const { body } = await send('hl7-out', { text: adt('T2') });
  const { messages } = await settled(body.sessionId);
  expect(messages).toMatchObject([{ source: 'waybill', target: 'hl7-out', testBy: 'ann' }]);
  const again = await production.ask<Sent>('POST', `/api/v1/messages/${body.messageId}/resend`, {});
  const { messages: resent } = await settled(again.body.sessionId);
  expect(resent).toMatchObject([{ resendOf: body.messageId, testBy: 'ann' }]);
});

test('what comes through an adapter is no test', async () => {
  await production.send('T3');
  await vi.waitFor(async () => {
    const { body } = await production.ask<{ items: object[] }>('POST', '/api/v1/messages/search', {
      search: { 'control-id': 'T3' },
    });
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).not.toHaveProperty('testBy');
  });
});

test('who may not send, or does not see where it would go, is refused', async () => {
  const permissions = new Set(PERMISSIONS.filter((one) => one !== 'message.send_test'));
  who.principal = { ...ANN, permissions };
  expect(await send('hl7-in', { text: 'x' })).toMatchObject({
    status: 403,
    body: { detail: 'ann lacks message.send_test' },
  });
  who.principal = { ...ANN, visibleHosts: ['hl7-in'] };
  expect(await send('hl7-in', { text: 'x' })).toMatchObject({
    status: 404,
    body: { detail: 'there is no host hl7-out' },
  });
  who.principal = ANN;
  expect(await send('nowhere', { text: 'x' })).toMatchObject({
    status: 404,
    body: { code: 'HOST_UNKNOWN' },
  });
});

test('a production that does not say so takes no test messages', async () => {
  await using treating = await operated();
  const page = await treating.ask<HostPage>('GET', '/api/v1/hosts/hl7-in');
  expect(page.body.takesTests).toBe(false);
  const sent = await treating.ask('POST', '/api/v1/hosts/hl7-in/test-message', { text: 'x' });
  expect(sent).toMatchObject({ status: 422, body: { code: 'CONFIG_INVALID' } });
  expect(JSON.stringify(sent.body)).toContain('settings.testMessages: true');
  expect(treating.receiver.received).toEqual([]);
});
