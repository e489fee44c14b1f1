import { createServer, type Server } from 'node:net';
import { expect, test } from 'vitest';
import ftpsIn from '../../../adapters/ftps/ftps-in.ts';
import ftpsOut from '../../../adapters/ftps/ftps-out.ts';
import { type OpenOptions, openInbound, openOutbound } from '../../support/open-adapter.ts';
import { listening } from '../../support/tcp-server.ts';

const OPTIONS: OpenOptions = {
  credentials: { drop: { kind: 'basic', user: 'hub', password: 'x' } },
};

/**
 * A server that breaks every transfer off with a reset, and says why on the control connection only
 * afterwards, as real ones do when the network is slow.
 */
function breaking(dataPort: number, reason: string): Server {
  const script: Readonly<Record<string, string>> = {
    USER: '331 Password',
    PASS: '230 Welcome',
    FEAT: '211 None',
    'PWD\r': '257 "/"',
    EPSV: `229 Entering (|||${dataPort}|)`,
    SIZE: '213 5000000',
    MDTM: '213 20260101120000',
    'CWD ': '250 Fine',
  };
  return createServer((socket) => {
    socket.write('220 FTP ready\r\n');
    socket.setEncoding('utf8').on('data', (text) => {
      for (const line of String(text).split('\n').slice(0, -1)) {
        const command = line.slice(0, 4);
        if (command === 'STOR' || command === 'RETR') {
          socket.write('150 Go ahead\r\n');
          setTimeout(() => socket.write(`${reason}\r\n`), 150);
        } else if (command === 'LIST') {
          socket.write('150 Here it comes\r\n226 Done\r\n');
        } else {
          socket.write(`${script[command] ?? '200 Fine'}\r\n`);
        }
      }
    });
  });
}

test('a disk that is full is told from a bad network, although the reason comes late', async () => {
  await using data = await listening(
    createServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
  );
  await using server = await listening(breaking(data.port, '452 Not enough space'));
  await using sender = await openOutbound(
    ftpsOut,
    {
      connect: `127.0.0.1:${server.port}`,
      security: 'none',
      credential: 'drop',
      folder: '/',
      name: 'x',
      exists: 'replace',
    },
    OPTIONS,
  );
  await expect(sender.send(Buffer.alloc(5_000_000))).rejects.toMatchObject({
    code: 'ADAPTER_TEMPORARY',
    message: expect.stringMatching(/disk or the quota of 127.0.0.1:\d+ is full \(452\)/),
  });
  expect(sender.states.map(({ state }) => state)).toEqual(['connected']);
});

test('a transfer that breaks off without any reason is a lost connection', async () => {
  await using data = await listening(
    createServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
  );
  await using server = await listening(breaking(data.port, ''));
  await using sender = await openOutbound(
    ftpsOut,
    {
      connect: `127.0.0.1:${server.port}`,
      security: 'none',
      credential: 'drop',
      folder: '/',
      name: 'x',
      exists: 'replace',
    },
    OPTIONS,
  );
  await expect(sender.send(Buffer.alloc(5_000_000))).rejects.toMatchObject({
    code: 'ADAPTER_NOT_CONNECTED',
  });
});

test('the same for a file that is fetched', async () => {
  const listing = '-rw-r--r-- 1 hub hub 5000000 Jan 01 12:00 a.bin\r\n';
  let transfers = 0;
  // The first data connection of a look carries the listing, the second the file.
  await using data = await listening(
    createServer((socket) => {
      transfers += 1;
      if (transfers % 2 === 1) socket.end(listing);
      else setTimeout(() => socket.write(Buffer.alloc(9), () => socket.resetAndDestroy()), 50);
    }),
  );
  await using server = await listening(breaking(data.port, '451 Disk error'));
  await using service = await openInbound(
    ftpsIn,
    {
      connect: `127.0.0.1:${server.port}`,
      security: 'none',
      credential: 'drop',
      folder: '/',
      stable: '0s',
      every: '10ms',
    },
    OPTIONS,
  );
  await expect
    .poll(() => service.events.at(-1), { timeout: 10_000 })
    .toMatchObject({ name: 'file-unreadable' });
  expect(service.events.at(-1)?.text).toMatch(/could not read in \/ \(451\)/);
  expect(service.lost).toEqual([]);
});
