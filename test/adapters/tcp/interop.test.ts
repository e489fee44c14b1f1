import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import tcpOut from '../../../adapters/tcp/tcp-out.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { certificates } from '../../support/certificates.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { bodies, receiving, STX_ETX } from './receiving.ts';

/** Debian's socat, netcat and openssl on the other side. */

const run = promisify(execFile);
const exists = (command: string): Promise<boolean> =>
  run('which', [command]).then(
    () => true,
    () => false,
  );
const hasSocat = await exists('socat');
const hasNetcat = await exists('nc');

/** What a command says on the standard output for this input, which ends after it. */
async function said(input: string, command: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('latin1');
  });
  child.stdin.end(input);
  await once(child, 'close');
  return out;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Sends once it listens: what is started says nothing when it does. */
async function sent(port: number, given: object, options = {}): Promise<string> {
  return await vi.waitFor(
    async () => {
      const where = { connect: `localhost:${port}`, connectTimeout: '1s', ...given };
      await using out = await openOutbound(tcpOut, where, options);
      const reply = await out.send(Buffer.from('a message'));
      return Buffer.from(reply?.body ?? []).toString('latin1');
    },
    { timeout: 10_000, interval: 50 },
  );
}

describe.skipIf(!hasNetcat)('nc (skipped where netcat-openbsd is not installed)', () => {
  test('sends lines and hears an answer to each', async () => {
    await using opened = await receiving({ answer: 'stored', accepted: '"OK" LF' });
    const port = String(portOf(opened));
    expect(await said('one\ntwo\n', 'nc', '-N', '127.0.0.1', port)).toBe('OK\nOK\n');
    expect(bodies(opened)).toEqual(['one', 'two']);
  });

  test('sends a file that ends with the connection', async () => {
    await using opened = await receiving({ framing: 'closed', answer: 'stored' });
    const port = String(portOf(opened));
    expect(await said('all\nof it', 'nc', '-N', '127.0.0.1', port)).toBe('\x06');
    expect(bodies(opened)).toEqual(['all\nof it']);
  });

  test('hears a message whose end is that of the connection', async () => {
    await using folder = await temporaryFolder();
    const port = await freePort();
    const file = join(folder.path, 'heard');
    const child = spawn('sh', ['-c', `nc -l 127.0.0.1 ${port} > ${file}`], { stdio: 'ignore' });
    try {
      await sent(port, { framing: 'closed' });
      await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toBe('a message'));
    } finally {
      await ended(child);
    }
  });
});

describe.skipIf(!hasSocat)('socat (skipped where it is not installed)', () => {
  test('sends messages between STX and ETX', async () => {
    await using opened = await receiving({ ...STX_ETX, answer: 'stored' });
    const target = `TCP:127.0.0.1:${portOf(opened)}`;
    expect(await said('\x02one\x03\x02two\x03', 'socat', '-t', '5', '-', target)).toBe('\x06\x06');
    expect(bodies(opened)).toEqual(['one', 'two']);
  });

  test('answers each line with a line, made by a program', async () => {
    const port = await freePort();
    const program = 'EXEC:sed -u s/^/got_/';
    const child = spawn('socat', [`TCP-LISTEN:${port},bind=localhost,reuseaddr,fork`, program], {
      stdio: 'ignore',
    });
    try {
      const given = { lineEnd: 'lf', reply: 'line', accepted: '^got_' };
      expect(await sent(port, given)).toBe('got_a message');
    } finally {
      await ended(child);
    }
  });
});

describe('openssl', () => {
  test('s_client sends a line over mutual TLS', async () => {
    await using files = await certificates();
    const { client, server, trust } = files;
    const cert = await files.file('client.pem', client.certificate);
    const key = await files.file('client.key', client.key);
    const tls = { certificate: 'hub', clientCertificate: 'required', trust };
    await using opened = await receiving(
      { tls, answer: 'stored', accepted: '"OK" LF', closeAfterEach: true },
      { credentials: { hub: server } },
    );
    const args = ['s_client', '-quiet', '-no_ign_eof', '-connect', `127.0.0.1:${portOf(opened)}`];
    const trusting = ['-CAfile', trust, '-cert', cert, '-key', key, '-servername', 'localhost'];
    const child = spawn('openssl', [...args, ...trusting], { stdio: ['pipe', 'pipe', 'ignore'] });
    try {
      child.stdin.write('one\n');
      const [answer] = (await once(child.stdout, 'data')) as [Buffer];
      expect(answer.toString()).toBe('OK\n');
      expect(bodies(opened)).toEqual(['one']);
      expect(opened.delivered[0]?.origin).toMatch(/CN=client-a/);
    } finally {
      await ended(child);
    }
  });

  test('s_server answers over TLS', async () => {
    await using files = await certificates();
    const { server, trust } = files;
    const cert = await files.file('server.pem', server.certificate);
    const key = await files.file('server.key', server.key);
    const port = await freePort();
    // -rev: it says each line backwards
    const args = ['s_server', '-rev', '-accept', String(port), '-cert', cert, '-key', key];
    const child = spawn('openssl', args, { stdio: 'ignore' });
    try {
      const given = { tls: { trust }, lineEnd: 'lf', reply: 'line' };
      expect(await sent(port, given)).toBe('egassem a');
    } finally {
      await ended(child);
    }
  });
});
