import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Message } from 'node-hl7-client';
import { describe, expect, test } from 'vitest';
import mllpOut from '../../../adapters/mllp/mllp-out.ts';
import { certificates } from '../../support/certificates.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { type OpenedInbound, openOutbound } from '../../support/open-adapter.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { adt, listening } from './listening.ts';

const run = promisify(execFile);
const exists = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  );

const hasSender = await exists('mllp_send', '--version');
const hasReceiver = await exists('/usr/bin/python3', '-c', 'import hl7.mllp');

/** What node-hl7-client shows of an answer. */
interface Answer {
  getMessage(): { get(path: string): { toString(): string } };
}

/** Sends one message as node-hl7-client does, and gives MSA-1 and MSA-2 of the answer. */
async function sendByNodeClient(
  opened: OpenedInbound,
  text: string,
  tls?: { readonly ca: string },
): Promise<string> {
  const client = new Client({
    host: tls === undefined ? '127.0.0.1' : 'localhost',
    ...(tls && { tls: { ca: tls.ca, servername: 'localhost' } }),
  });
  const answered = Promise.withResolvers<string>();
  const connection = client.createConnection({ port: portOf(opened) }, (response: Answer) => {
    const answer = response.getMessage();
    answered.resolve(`${String(answer.get('MSA.1'))}|${String(answer.get('MSA.2'))}`);
  });
  try {
    await connection.sendMessage(new Message({ text }));
    return await answered.promise;
  } finally {
    await connection.close();
  }
}

describe('a sender that others wrote', () => {
  test.skipIf(!hasSender)(
    'mllp_send of python3-hl7 (skipped where Debian’s python3-hl7 is not installed) is answered for each message of its file',
    async () => {
      await using folder = await temporaryFolder();
      await using opened = await listening();
      const file = join(folder.path, 'messages.hl7');
      const messages = ['P1', 'P2', 'P3'].map((id) => adt(id));
      await writeFile(file, messages.map((text) => `\u000b${text}\u001c\r`).join(''));
      const { stdout } = await run('mllp_send', [
        '-p',
        String(portOf(opened)),
        '-f',
        file,
        '127.0.0.1',
      ]);
      expect(stdout.match(/MSA\|AA\|P[123]/g)).toEqual(['MSA|AA|P1', 'MSA|AA|P2', 'MSA|AA|P3']);
      // It leaves out the line end after the last segment.
      const wanted = messages.map((text) => text.trimEnd());
      expect(opened.delivered.map(({ body }) => body.toString())).toEqual(wanted);
    },
  );

  test.skipIf(!hasSender)('mllp_send with loose files is answered too', async () => {
    await using folder = await temporaryFolder();
    await using opened = await listening();
    const file = join(folder.path, 'messages.hl7');
    await writeFile(file, [adt('L1'), adt('L2')].join('\r\n').replaceAll('\r', '\r\n'));
    const { stdout } = await run('mllp_send', [
      '--loose',
      '-p',
      String(portOf(opened)),
      '-f',
      file,
      '127.0.0.1',
    ]);
    expect(stdout.match(/MSA\|AA\|L[12]/g)).toEqual(['MSA|AA|L1', 'MSA|AA|L2']);
  });

  test('node-hl7-client is answered', async () => {
    await using opened = await listening();
    expect(await sendByNodeClient(opened, adt('N1'))).toBe('AA|N1');
    opened.refuse();
    expect(await sendByNodeClient(opened, adt('N2'))).toBe('AR|N2');
    expect(opened.delivered.map(({ dedupeKey }) => dedupeKey)).toEqual(['N1']);
  });

  test('node-hl7-client over TLS is answered', async () => {
    await using all = await certificates();
    await using opened = await listening(
      { tls: { certificate: 'hub' } },
      { credentials: { hub: all.server } },
    );
    const tls = { ca: all.authority.certificate };
    expect(await sendByNodeClient(opened, adt('T1'), tls)).toBe('AA|T1');
  });
});

describe('a receiver that others wrote', () => {
  test.skipIf(!hasReceiver)(
    'of python3-hl7 (skipped where Debian’s python3-hl7 is not installed) gives replies that are understood',
    async () => {
      const script = join(import.meta.dirname, '../../support/hl7-receiver.py');
      const receiver = spawn('/usr/bin/python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] });
      const ended = once(receiver, 'exit');
      try {
        const [line] = (await once(receiver.stdout, 'data')) as [Buffer];
        await using out = await openOutbound(mllpOut, { connect: `127.0.0.1:${Number(line)}` });
        expect(await out.send(Buffer.from(adt('R1')))).toMatchObject({ code: 'AA' });
        expect(await out.send(Buffer.from(adt('REFUSE')))).toMatchObject({ code: 'AE' });
        expect((await out.send(Buffer.from(adt('R2'))))?.problems).toBeUndefined();
      } finally {
        receiver.stdin.end();
        await ended;
      }
    },
  );
});
