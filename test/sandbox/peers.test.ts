import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { adapterCatalogue } from '../../adapters/index.ts';
import sftpOut from '../../adapters/ssh/sftp/sftp-out.ts';
import { answers } from '../../sandbox/daemon.ts';
import { whyNoFtpsServer } from '../../sandbox/ftps/ftps.ts';
import { hasMailServers } from '../../sandbox/mail/mail.ts';
import { startPeers } from '../../sandbox/peers.ts';
import { whyNoSshServer } from '../../sandbox/ssh.ts';
import { ownSshServer, whyNoOwnSshServer } from '../../sandbox/ssh-own.ts';
import { credentials } from '../../src/credential/credentials.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import { readProduction } from '../../src/definition/read.ts';
import { hostTest } from '../../src/engine/host-test.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { testSteps } from '../support/open-adapter.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const there = {
  SFTP: (await whyNoSshServer()) === undefined || (await whyNoOwnSshServer()) === undefined,
  FTPS: (await whyNoFtpsServer()) === undefined,
  IMAP: await hasMailServers(),
};

test('every system that is started can be tried with the production that comes with it; the others are named', async () => {
  await using folder = await temporaryFolder('peers');
  await using peers = await startPeers(folder.path);
  const missing = Object.entries(there).flatMap(([system, is]) => (is ? [] : [system]));
  expect(peers.missing.map(({ system }) => system).toSorted()).toEqual(missing.toSorted());
  for (const { reason } of peers.missing) expect(reason).toMatch(/install|root/);
  const systems = peers.rows.map(({ system }) => system);
  expect(systems).toEqual(expect.arrayContaining(['MLLP', 'SMTP', 'OAuth2', 'Entra', 'Graph']));
  await writeFile(join(folder.path, 'production.yaml'), stringify(peers.production));
  const { definition, problems } = await readProduction(folder.path, {
    adapters: adapterCatalogue,
  });
  expect(problems.map(describeProblem)).toEqual([]);
  if (definition === undefined) return;
  const known = credentials(definition.credentials, { log: silentLogger, folder: folder.path });
  expect(await known.check()).toEqual([]);
  const hosts = [...definition.services.keys(), ...definition.operations.keys()];
  // It calls a service of the production itself, which does not run here.
  const tried = hosts.filter((host) => host !== 'sandbox-http');
  expect(tried.length).toBeGreaterThan(4);
  for (const host of tried) {
    const steps = await hostTest(definition, host, {
      credential: (name) => known.get(name),
      verifier: (name) => known.verifier(name),
      log: silentLogger,
    });
    expect(
      steps.filter(({ result }) => result === 'failed'),
      host,
    ).toEqual([]);
  }
  await known.close();
});

test.runIf(there.SFTP)('who is not root gets an OpenSSH that is signed in to by key', async () => {
  await using server = await ownSshServer();
  const { port, user, privateKey, hostKeys } = server;
  const given = {
    connect: `127.0.0.1:${port}`,
    credential: 'own',
    hostKey: hostKeys.map(({ fingerprint }) => fingerprint),
    folder: '.',
    name: '{id}',
  };
  const steps = await testSteps(sftpOut, given, {
    credentials: { own: { kind: 'ssh-key', user, privateKey } },
  });
  expect(steps.filter(({ result }) => result === 'failed')).toEqual([]);
});

test('the command prints a table and ends cleanly, with all that it started', async () => {
  await using folder = await temporaryFolder('peers');
  const program = promisify(execFile)(
    process.execPath,
    ['--conditions=waybill-source', 'src/main.ts', 'sandbox', '--folder', folder.path],
    { timeout: 60_000 },
  );
  program.child.stderr?.on('data', (text: string) => {
    if (text.includes('Ctrl-C')) program.child.kill('SIGINT');
  });
  const { stdout, stderr } = await program;
  expect(stdout).toMatch(/^system +address +what it is +sign-in$/m);
  expect(stdout).toMatch(/^MLLP +127\.0\.0\.1:\d+ /m);
  expect(stdout).toContain('sandbox-mllp:');
  expect(stderr).toContain('The sandbox is being ended.');
  const ports = [...stdout.matchAll(/^[A-Z]\w+ .*?:(\d+)\S* /gm)].map(([, port]) => Number(port));
  expect(ports.length).toBeGreaterThan(4);
  expect(await Promise.all(ports.map(answers))).toEqual(ports.map(() => false));
});
