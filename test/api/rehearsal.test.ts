import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Rehearsal } from '../../src/api/contract/rehearsal.ts';
import { type Operated, operated, WARD } from '../support/operator.ts';

const TRANSFORM = (text: string): Record<string, string> => ({
  'to-ward.yaml': `type: ADT_A01:2.5.1\nsteps:\n${text}`,
});
const PRODUCTION = WARD.replace('    to: hl7-out\n', '    to: router\n').replace(
  'operations:',
  `processes:
  router:
    rules:
      - { name: everything, when: 'field("PID-3.1") == "4711"', send: { to: hl7-out, transform: to-ward } }
transforms: { to-ward: to-ward.yaml }
operations:`,
);
/** The time at which a message came stands in what is sent: a try sees the same. */
const AS_BEFORE =
  '  - { set: MSH-3, value: HUB }\n  - { set: MSH-7, to: \'format(now(), "yyyyMMddHHmm", "UTC")\' }\n';

let production: Operated;
let taken: number;

beforeAll(async () => {
  production = await operated({ production: PRODUCTION, files: TRANSFORM(AS_BEFORE) });
  await production.send('R1');
  taken = await vi.waitFor(async () => {
    const { body } = await production.ask<{ items: { id: number; status: string }[] }>(
      'POST',
      '/api/v1/messages/search',
      { source: 'hl7-in' },
    );
    const [first] = body.items;
    if (first?.status !== 'completed') throw new Error('it is not there yet');
    return first.id;
  });
});
afterAll(async () => production[Symbol.asyncDispose]());

const rehearse = () => production.ask<Rehearsal>('POST', `/api/v1/messages/${taken}/rehearsal`);

test('files that did not change would send what was sent, byte for byte', async () => {
  const { status, body } = await rehearse();
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body.targets.map(({ to, change }) => [to, change])).toEqual([['hl7-out', 'same']]);
  expect(body.processes).toMatchObject([
    { process: 'router', status: 'completed', explain: { sent: [{ to: 'hl7-out' }] } },
  ]);
});

test('a changed transform shows which fields would differ, and nothing is sent', async () => {
  const before = production.receiver.received.length;
  await production.folder.write(
    TRANSFORM(`${AS_BEFORE}  - { set: PID-5.1, value: '"SMITH"' }\n  - { remove: PV1 }\n`),
  );
  const { body } = await rehearse();
  const [target] = body.targets;
  expect(target?.change).toBe('changed');
  expect(target?.fields.map(({ path, change }) => `${change} ${path}`)).toEqual([
    'changed PID-5.1',
    'removed PV1',
  ]);
  expect(production.receiver.received).toHaveLength(before);
});

test('a rule that does not fit any more, and a target that is new, are told', async () => {
  await production.folder.write({
    'production.yaml': `${PRODUCTION.replace('4711', '4712')}  extra:
    adapter: mllp-out
    settings: { connect: '\${env:SPARE}' }
`.replace('transforms:', '      - { name: the rest, send: extra }\ntransforms:'),
  });
  const { body } = await rehearse();
  expect(body.targets.map(({ to, change }) => [to, change])).toEqual([
    ['hl7-out', 'removed'],
    ['extra', 'added'],
  ]);
});

test('files that cannot be used, and a message that no service took, are refused with the reason', async () => {
  await production.folder.write({ 'production.yaml': 'production: ward\nservices: 7\n' });
  const broken = await rehearse();
  expect(broken.status).toBe(422);
  expect(broken.body).toMatchObject({ code: 'CONFIG_INVALID' });
  const { body } = await production.ask<{ items: { id: number }[] }>(
    'POST',
    '/api/v1/messages/search',
    { target: 'hl7-out' },
  );
  const sent = await production.ask('POST', `/api/v1/messages/${body.items[0]?.id}/rehearsal`);
  expect(sent.status).toBe(422);
});
