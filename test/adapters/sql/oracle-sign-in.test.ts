import { afterAll, expect, test } from 'vitest';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { certificates } from '../../support/certificates.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { OraclePeer } from '../../support/tns/oracle-peer.ts';
import { OracleError } from '../../support/tns/oracle-session.ts';

const made = await certificates();
const peer = await OraclePeer.start({
  certificate: made.server,
  accounts: { clinic: SECRET_MARKER, old: SECRET_MARKER, shut: SECRET_MARKER },
  service: 'clinic',
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await made[Symbol.asyncDispose]();
});

const OPTIONS = {
  credentials: {
    clinic: { kind: 'basic', user: 'clinic', password: SECRET_MARKER },
    wrong: { kind: 'basic', user: 'clinic', password: 'wrong' },
    old: { kind: 'basic', user: 'old', password: SECRET_MARKER },
    shut: { kind: 'basic', user: 'shut', password: SECRET_MARKER },
  },
} as const;

const given = (more: object = {}): Record<string, unknown> => ({
  product: 'oracle',
  connect: `localhost:${peer.port}`,
  database: 'clinic',
  credential: 'clinic',
  tls: { trust: made.trust },
  statements: 'SELECT 1 AS one FROM DUAL',
  ...more,
});

test('signs in and asks', async () => {
  await using out = await openOutbound(sqlOut, given(), OPTIONS);
  const reply = await out.send(Buffer.from('x'));
  expect(String(reply?.body)).toBe('{"count":1,"rows":[{"one":1}]}');
  expect(out.states.at(-1)?.detail).toMatch(/Oracle 23.*clinic as clinic, TLSv1.3/);
});

test.each([
  ['a wrong password', { credential: 'wrong' }, /user or password is wrong \(ORA-01017\)/],
  ['an unknown service', { database: 'nowhere' }, /knows no service nowhere.*NJS-518/],
  ['an unknown SID', { instance: 'NOWHERE' }, /knows no SID NOWHERE.*NJS-519/],
  ['an expired password', { credential: 'old' }, /password has expired.*ORA-28001/],
  ['a locked account', { credential: 'shut' }, /account is locked.*ORA-28000/],
] as const)('%s stops the operation, and is not tried again', async (_, more, why) => {
  peer.refusals.set('old', new OracleError(28_001, 'the password has expired'));
  peer.refusals.set('shut', new OracleError(28_000, 'the account is locked'));
  await expect(openOutbound(sqlOut, given(more), OPTIONS)).rejects.toMatchObject({
    code: 'ADAPTER_DISABLED',
    message: expect.stringMatching(why),
  });
});

test.each([
  [1555, 'snapshot too old', 'DEADLOCK'],
  [4068, 'existing state of packages has been discarded', 'DEADLOCK'],
  [1653, 'unable to extend table CLINIC.T', 'FULL'],
  [20_001, 'no such ward', 'RAISED'],
  [6550, "line 1, column 7:\nPLS-00201: identifier 'X' must be declared", 'UNKNOWN'],
  [1031, 'insufficient privileges', 'DENIED'],
] as const)('ORA-%s is told as what it means', async (number, text, code) => {
  await using out = await openOutbound(sqlOut, given(), OPTIONS);
  peer.fail(/AS one FROM DUAL/, new OracleError(number, text));
  expect(await out.send(Buffer.from('x'))).toMatchObject({ code });
  expect(await out.send(Buffer.from('x'))).toMatchObject({ code: 'OK' });
});
