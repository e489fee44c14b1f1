import { describe, expect, test } from 'vitest';
import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { testSteps } from '../../support/open-adapter.ts';
import { lab, PASSWORD, settings } from './smtp-lab.ts';

describe('the connection test', () => {
  test('shows mechanisms offered and used, and that sender and recipients would be taken', async () => {
    await using one = await lab();
    const steps = await testSteps(smtpOut, settings(one.peer, one.files), {
      credentials: { hub: PASSWORD },
    });
    expect(steps.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'name passed',
      'TCP passed',
      'TLS passed',
      'greeting passed',
      'sign-in passed',
      'permission passed',
    ]);
    expect(steps[2]?.detail).toMatch(
      /^TLSv1\.3 TLS_\w+; CN=localhost, issued by CN=.*, valid until \d{4}-\d\d-\d\d, for DNS:localhost.*; sent without intermediates$/,
    );
    expect(steps[4]?.detail).toBe(
      'signed in with PLAIN (offered: PLAIN, LOGIN, CRAM-MD5, XOAUTH2)',
    );
    expect(one.peer.mails).toEqual([]);
  });

  test.for([
    [
      'a certificate that nobody trusts',
      { tls: {} },
      /authority that is not trusted here/,
      /CN=localhost/,
    ],
    ['another name', { tls: { serverName: 'mx.example' } }, /is for other names/, /DNS:localhost/],
  ] as const)(
    'shows %s after STARTTLS, and what is wrong with it',
    async ([, change, cause, seen]) => {
      await using one = await lab();
      const { tls, ...rest } = settings(one.peer, one.files);
      const given = {
        ...rest,
        tls: 'serverName' in change.tls ? { ...Object(tls), ...change.tls } : {},
      };
      const steps = await testSteps(smtpOut, given, { credentials: { hub: PASSWORD } });
      expect(steps.at(-1)).toMatchObject({
        name: 'TLS',
        result: 'failed',
        detail: expect.stringMatching(seen),
        cause: expect.stringMatching(cause),
        remedy: expect.stringMatching(/.{10}/),
      });
    },
  );

  test('names a server that hides STARTTLS', async () => {
    await using one = await lab({ security: 'none' });
    const steps = await testSteps(smtpOut, settings(one.peer, one.files), {
      credentials: { hub: PASSWORD },
    });
    expect(steps.at(-1)).toMatchObject({
      name: 'TLS',
      cause: expect.stringMatching(/does not offer encryption/),
    });
  });

  test.for([
    ['tls', 'starttls', /begins in plain text/, 'Set security: starttls'],
    ['starttls', 'tls', /speaks TLS from the start/, 'Set security: tls'],
  ] as const)(
    'with security %s on a port with %s says which it is, soon',
    async ([security, port, cause, remedy]) => {
      await using one = await lab({ security: port });
      const began = performance.now();
      const given = { ...settings(one.peer, one.files), security };
      const steps = await testSteps(smtpOut, given, { credentials: { hub: PASSWORD } });
      expect(steps.at(-1)).toMatchObject({
        name: 'TLS',
        result: 'failed',
        cause: expect.stringMatching(cause),
        remedy,
      });
      expect(performance.now() - began).toBeLessThan(15_000);
    },
  );

  test('a mail on the wrong kind of port fails with the setting to change', async () => {
    await using one = await lab({ security: 'starttls' });
    await expect(one.open({ security: 'tls' })).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/answers in plain text .* set security: starttls/),
    });
  });

  test('names a refused sign-in with what to do', async () => {
    await using one = await lab();
    const wrong: Credential = { kind: 'basic', user: 'hub', password: 'wrong' };
    const steps = await testSteps(smtpOut, settings(one.peer, one.files), {
      credentials: { hub: wrong },
    });
    expect(steps.at(-1)).toMatchObject({
      name: 'sign-in',
      result: 'failed',
      cause: expect.stringMatching(/refused the sign-in with PLAIN \(535/),
      remedy: expect.stringMatching(/Check user and password/),
    });
  });

  test('names a recipient that would not be taken', async () => {
    await using one = await lab();
    one.peer.refusals.set('*', 550);
    const steps = await testSteps(smtpOut, settings(one.peer, one.files), {
      credentials: { hub: PASSWORD },
    });
    expect(steps.at(-1)).toMatchObject({
      name: 'permission',
      result: 'failed',
      cause:
        'the server does not accept mail for a recipient (550 5.1.1: the mailbox does not exist)',
    });
  });
});
