import { createServer } from 'node:net';
import { expect, test, vi } from 'vitest';
import ftpsIn from '../../adapters/ftps/ftps-in.ts';
import ftpsOut from '../../adapters/ftps/ftps-out.ts';
import httpOut from '../../adapters/http/http-out.ts';
import sshExecOut from '../../adapters/ssh/exec/ssh-exec-out.ts';
import sftpIn from '../../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../../adapters/ssh/sftp/sftp-out.ts';
import { sftpServer } from '../../sandbox/sftp-server.ts';
import { ntlmServer } from '../support/ntlm-server.ts';
import { type OpenedOutbound, openInbound, openOutbound } from '../support/open-adapter.ts';
import { hasNtlm } from '../support/samba.ts';
import { listening } from '../support/tcp-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { webServer } from '../support/web-server.ts';

/** Accounts are locked after a few wrong passwords: it is sent once, however many messages wait. */
const credentials = {
  basic: { kind: 'basic', user: 'hub', password: 'wrong' },
  ntlm: { kind: 'ntlm', user: 'games', domain: 'LABSRV', password: 'wrong' },
} as const;

const drop = { credential: 'basic', folder: '/in', name: '{id}.hl7' };
const pickup = { credential: 'basic', folder: '/in', every: '10ms', stable: '0s' };

async function threeMessages(opened: OpenedOutbound): Promise<unknown[]> {
  const sending = [1, 2, 3].map((id) => opened.send(Buffer.from('x'), { id }));
  return (await Promise.allSettled(sending)).map((one) =>
    one.status === 'fulfilled' ? one.value?.code : (one.reason as { code?: unknown }).code,
  );
}

const DISABLED = ['ADAPTER_DISABLED', 'ADAPTER_DISABLED', 'ADAPTER_DISABLED'];

test('sftp-out and sftp-in send it once, not by both methods', async () => {
  await using folder = await temporaryFolder('sftp');
  await using server = await sftpServer({
    folder: folder.path,
    methods: ['password', 'keyboard-interactive'],
  });
  const given = { connect: `127.0.0.1:${server.port}`, hostKey: server.fingerprint };
  await using out = await openOutbound(sftpOut, { ...given, ...drop }, { credentials });
  expect(await threeMessages(out)).toEqual(DISABLED);
  expect(server.signIns).toEqual(['password']);
  await using opened = await openInbound(sftpIn, { ...given, ...pickup }, { credentials });
  await vi.waitFor(() => expect(server.signIns).toHaveLength(2));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(server.signIns).toEqual(['password', 'password']);
  expect(opened.lost).toEqual([]);
});

test('ssh-exec-out sends it once, and does not open', async () => {
  await using folder = await temporaryFolder('ssh');
  await using server = await sftpServer({ folder: folder.path, methods: ['password'] });
  const to = { connect: `127.0.0.1:${server.port}`, hostKey: server.fingerprint };
  const given = { ...to, credential: 'basic', command: 'true' };
  await expect(openOutbound(sshExecOut, given, { credentials })).rejects.toMatchObject({
    code: 'ADAPTER_DISABLED',
    message: expect.stringContaining('refused the sign-in of hub'),
  });
  expect(server.signIns).toEqual(['password']);
});

test('ftps-out and ftps-in send it once, also with a pool', async () => {
  const passwords: string[] = [];
  const ftp = createServer((socket) => {
    socket.write('220 hello\r\n');
    socket.on('data', (line: Buffer) => {
      const [verb = '', secret = ''] = line.toString().trim().split(' ');
      if (verb === 'PASS') passwords.push(secret);
      // As a server that takes its time over a wrong password.
      const answer = { USER: '331 password', PASS: '530 wrong' }[verb] ?? '500 unknown';
      setTimeout(() => socket.write(`${answer}\r\n`), 20);
    });
  });
  await using server = await listening(ftp);
  const given = { connect: `127.0.0.1:${server.port}`, security: 'none' };
  await using out = await openOutbound(ftpsOut, { ...given, ...drop }, { credentials });
  expect(await threeMessages(out)).toEqual(DISABLED);
  expect(passwords).toEqual(['wrong']);
  await using opened = await openInbound(ftpsIn, { ...given, ...pickup }, { credentials });
  await vi.waitFor(() => expect(passwords).toHaveLength(2));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(passwords).toEqual(['wrong', 'wrong']);
  expect(opened.lost).toEqual([]);
});

test('http-out sends it once with a pool, and every message has the 401 that stops the operation', async () => {
  await using server = await webServer(() => ({ status: 401 }));
  await using out = await openOutbound(
    httpOut,
    { url: server.url, credential: 'basic' },
    { credentials },
  );
  expect(await threeMessages(out)).toEqual(['401', '401', '401']);
  expect(server.requests).toHaveLength(1);
});

test('http-out shares no answer but a refusal', async () => {
  let answered = 0;
  await using server = await webServer(() => ({ status: answered++ === 0 ? 422 : 200 }));
  await using out = await openOutbound(
    httpOut,
    { url: server.url, credential: 'basic' },
    { credentials },
  );
  expect(await threeMessages(out)).toEqual(['422', '200', '200']);
});

test.runIf(hasNtlm)('http-out sends an NTLM proof once', async () => {
  await using server = await ntlmServer('right');
  await using out = await openOutbound(
    httpOut,
    { url: `${server.url}/x`, credential: 'ntlm' },
    { credentials },
  );
  expect(await threeMessages(out)).toEqual(['401', '401', '401']);
  await vi.waitFor(() => expect(server.requests.filter(({ leg }) => leg === 3)).toHaveLength(1));
});
