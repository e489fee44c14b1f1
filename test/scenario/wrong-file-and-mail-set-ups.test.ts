import { describe, expect, test, vi } from 'vitest';
import ftpsIn from '../../adapters/ftps/ftps-in.ts';
import smtpOut from '../../adapters/smtp/smtp-out.ts';
import sftpIn from '../../adapters/ssh/sftp/sftp-in.ts';
import type { Credential } from '../../src/adapter/index.ts';
import { certificates } from '../support/certificates.ts';
import { describeWithFtpd, ftpsPrograms, ftpsTo } from '../support/ftps-server.ts';
import { hasMailServers, mailServer, USERS } from '../support/mail-server.ts';
import { openInbound, openOutbound } from '../support/open-adapter.ts';
import { adt } from '../support/operator.ts';
import { remoteFolder } from '../support/remote-folder.ts';
import { type Credentials, said } from '../support/said.ts';
import { smtpPeer } from '../support/smtp-peer.ts';
import { describeWithSshd, sftpTo } from '../support/ssh-server.ts';

/** As in `wrong-set-ups.test.ts`: the wrong set-up, what is said of it, and the corrected one that works. */

const BODY = Buffer.from(adt('1'));
const LOOKING = { every: '10ms', stable: '0s' };

for (const program of ftpsPrograms) {
  describeWithFtpd('15: “SFTP” to port 990', { program, security: 'implicit' }, (server) => {
    test('is first another adapter, then implicit TLS, then an authority to trust', async () => {
      await using folder = await remoteFolder(server().home);
      await folder.put('lab.hl7', BODY);
      const { given, options } = ftpsTo(server(), 'implicit');
      const { credentials = {} } = options;
      const { connect, credential } = given;
      const where = { connect, credential, folder: folder.name, ...LOOKING };

      const pinned = { ...where, hostKey: `SHA256:${'A'.repeat(43)}` };
      expect(await said(sftpIn, pinned, credentials)).toMatch(
        /^banner failed: .*speaks TLS from the start, as implicit FTPS does.* → FTPS is another protocol than SFTP: use ftps-in or ftps-out with security: implicit/,
      );
      // as the users' client did it, for ever: it waits for a greeting that comes only after TLS
      const explicit = { ...where, tls: { trust: server().trust } };
      expect(await said(ftpsIn, explicit, credentials)).toMatch(
        /^greeting failed: .*speaks TLS from the start: this is implicit TLS → Set security: implicit/,
      );
      await expect(openInbound(ftpsIn, explicit, options)).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/this is implicit TLS. Set security: implicit/),
      });
      expect(await said(ftpsIn, { ...where, security: 'implicit' }, credentials)).toMatch(
        /^TLS failed: .*authority that is not trusted here → Put the authority's certificate into/,
      );

      const right = { ...given, ...where };
      await using opened = await openInbound(ftpsIn, right, options);
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
      expect(opened.delivered[0]?.body).toEqual(BODY);
    });
  });
}

describeWithSshd(
  '15: SFTP with a server of the years of its algorithms',
  (server) => {
    test('is told which setting adds them, and then works', async () => {
      await using folder = await remoteFolder(server().home);
      await folder.put('lab.hl7', BODY);
      const { given, options } = sftpTo(server());
      const where = { ...given, folder: folder.name, ...LOOKING };
      // FTPS is no way in either
      const { hostKey: _, ...ftps } = where;
      const password = { drop: { kind: 'basic', user: 'hub', password: 'x' } } as const;
      expect(await said(ftpsIn, ftps, password)).toMatch(
        /^greeting failed: .*is an SSH server: it speaks SFTP.* → Use sftp-in or sftp-out/,
      );
      expect(await said(sftpIn, where, options.credentials)).toMatch(
        /^host key failed: .*no algorithm in common.*keyExchange/,
      );
      const right = { ...where, algorithms: { keyExchange: '+diffie-hellman-group14-sha1' } };
      await using opened = await openInbound(sftpIn, right, options);
      await vi.waitFor(async () => expect(await folder.names()).toEqual([]));
      expect(opened.delivered).toHaveLength(1);
    });
  },
  { lines: ['KexAlgorithms diffie-hellman-group14-sha1'] },
);

const ALICE = 'alice@lab.example';
const PASSWORD: Credential = { kind: 'basic', user: ALICE, password: USERS[ALICE] };

describe.runIf(await hasMailServers())('17: SMTP, authentication expected but failed', () => {
  test('a mechanism that does not fit the credential, then a port that offers no sign-in, then the right one', async () => {
    await using server = await mailServer();
    const mail = { from: ALICE, to: 'bob@lab.example', credential: 'mailer' };
    const credentials: Credentials = { mailer: PASSWORD };
    const tls = { trust: server.trust };
    const submission = { ...mail, tls, connect: `localhost:${server.ports.submission}` };

    // the first that the server offers, as the users' product took it, whatever the credential is
    expect(await said(smtpOut, { ...submission, mechanism: 'XOAUTH2' }, credentials)).toMatch(
      /^sign-in failed: mechanism XOAUTH2 does not work with a credential of kind basic → Use PLAIN, LOGIN, CRAM-MD5, or leave it out/,
    );
    const relay = { ...mail, tls, connect: `localhost:${server.ports.relay}` };
    expect(await said(smtpOut, relay, credentials)).toMatch(
      /^TLS failed: .*does not offer encryption .* → /,
    );
    expect(await said(smtpOut, { ...relay, security: 'none' }, credentials)).toMatch(
      /^sign-in failed: .*password would cross the network/,
    );
    const mistyped: Credentials = { mailer: { ...PASSWORD, password: 'mistyped' } };
    expect(await said(smtpOut, submission, mistyped)).toMatch(
      /^sign-in failed: .*refused the sign-in with PLAIN \(535 .*it offers PLAIN, LOGIN, XOAUTH2, OAUTHBEARER → Check user and password/,
    );

    await using opened = await openOutbound(smtpOut, submission, { credentials });
    expect(await opened.send(BODY)).toMatchObject({ code: '250' });
    expect(opened.states.at(-1)?.detail).toContain(
      'signed in with PLAIN (offered: PLAIN, LOGIN, XOAUTH2, OAUTHBEARER)',
    );
  });
});

test('10: a mailbox of a cloud that takes passwords no longer', async () => {
  await using files = await certificates();
  await using peer = await smtpPeer({
    security: 'starttls',
    certificate: files.server,
    users: { [ALICE]: 'the token' },
    mechanisms: ['XOAUTH2'],
  });
  const given = {
    connect: `localhost:${peer.port}`,
    tls: { trust: files.trust },
    from: ALICE,
    to: 'bob@lab.example',
    credential: 'mailer',
  };
  expect(await said(smtpOut, given, { mailer: PASSWORD })).toMatch(
    /^sign-in failed: .*offers XOAUTH2, none of which works with a credential of kind basic.* → Use another kind of credential/,
  );
  const token: Credential = { kind: 'oauth2', token: async () => 'the token' };
  expect(await said(smtpOut, given, { mailer: token })).toMatch(
    /^sign-in failed: The token needs the name of the mailbox it is for → Set user in the credential, or mailbox here/,
  );
  const right = { ...given, mailbox: ALICE };
  await using opened = await openOutbound(smtpOut, right, { credentials: { mailer: token } });
  await opened.send(BODY);
  expect(peer.signIns.at(-1)).toMatchObject({ method: 'XOAUTH2', user: ALICE });
  expect(peer.mails).toMatchObject([{ user: ALICE, secure: true }]);
});
