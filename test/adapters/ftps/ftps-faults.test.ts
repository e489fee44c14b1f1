import { createServer } from 'node:net';
import { expect, test, vi } from 'vitest';
import ftpsIn from '../../../adapters/ftps/ftps-in.ts';
import ftpsOut from '../../../adapters/ftps/ftps-out.ts';
import type { FtpsServer } from '../../../sandbox/ftps/ftps.ts';
import type { Body, NewMessage } from '../../../src/adapter/index.ts';
import { inlineBody } from '../../../src/message/body.ts';
import { type CuttingProxy, cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { describeWithFtpd, ftpsPrograms, ftpsTo } from '../../support/ftps-server.ts';
import { memoryGrowth } from '../../support/memory-growth.ts';
import { openResources } from '../../support/nothing-open.ts';
import { lend, messageOf, openOutbound } from '../../support/open-adapter.ts';
import { remoteFolder, signalConnections } from '../../support/remote-folder.ts';
import { sentAtLast, supervised } from '../../support/supervised.ts';
import { tcpGate } from '../../support/tcp-gate.ts';
import { listening } from '../../support/tcp-server.ts';

const BODY = Buffer.alloc(20_000, 'a line of a report\n');
const PATIENCE = { timeout: 10_000, interval: 5 };
/** Cuts per direction: spread over the whole conversation, from the greeting to the good-bye. ProFTPD greets half a second late after each end of a session. */
const CUTS = { vsftpd: 8, proftpd: 3 };
const LARGE = 100_000_000;
const PIECE = Buffer.alloc(1_000_000, 'a line of a long report\n');

/** To compare a chunk that begins anywhere in a piece. */
const DOUBLE = Buffer.concat([PIECE, PIECE]);

async function eachCut(
  { port, program }: FtpsServer,
  conversation: (proxy: CuttingProxy, cut: string) => Promise<void>,
): Promise<void> {
  const resources = openResources();
  for (const direction of ['toServer', 'toClient'] as const satisfies Direction[]) {
    let total = 0;
    for (let n = 0; n <= CUTS[program]; n++) {
      await using proxy = await cuttingProxy(port);
      if (n > 0) proxy.cutNext(direction, Math.floor((total * n) / (CUTS[program] + 1)));
      await conversation(proxy, `${direction} ${n}`);
      if (n === 0) total = proxy.passed(direction).length;
    }
    expect(total).toBeGreaterThan(500);
  }
  await resources.expectNothingNew();
}

for (const program of ftpsPrograms) {
  describeWithFtpd('a connection that breaks', { program }, (server) => {
    test('loses and doubles no message that is sent, wherever it is cut, and leaves nothing open', async () => {
      await eachCut(server(), async (proxy, cut) => {
        await using folder = await remoteFolder(server().home);
        const { given, options } = ftpsTo({ ...server(), port: proxy.port });
        const settings = { ...given, folder: folder.name, name: 'lab.hl7', exists: 'number' };
        const errors = await sentAtLast(
          ftpsOut,
          { given: settings, options },
          { body: inlineBody(BODY) },
        );
        expect(await folder.names(), cut).toEqual(['lab.hl7']);
        expect((await folder.read('lab.hl7')).equals(BODY)).toBe(true);
        expect([[], ['ADAPTER_NOT_CONNECTED']]).toContainEqual(errors);
      });
    });

    test('loses and doubles no file that is taken, wherever it is cut, and leaves nothing open', async () => {
      await eachCut(server(), async (proxy, cut) => {
        await using folder = await remoteFolder(server().home);
        await folder.put('lab.hl7', BODY);
        const { given, options } = ftpsTo({ ...server(), port: proxy.port });
        await using service = supervised(
          ftpsIn,
          {
            ...given,
            folder: folder.name,
            every: '5ms',
            stable: '0s',
            archive: `${folder.name}/taken`,
          },
          options,
        );
        await vi.waitFor(
          async () => expect(await folder.names(), cut).toEqual(['taken']),
          PATIENCE,
        );
        await service[Symbol.asyncDispose]();
        expect(service.delivered, cut).toHaveLength(1);
        expect(service.delivered[0]?.body.equals(BODY)).toBe(true);
        expect((await folder.read('taken/lab.hl7')).equals(BODY)).toBe(true);
      });
    });

    test('a network that hangs costs the time-out, not for ever, and leaves nothing behind', async () => {
      await using folder = await remoteFolder(server().home);
      const gate = await tcpGate(server().port);
      const { given, options } = ftpsTo({ ...server(), port: gate.port });
      const resources = openResources();
      const sender = await openOutbound(
        ftpsOut,
        { ...given, folder: folder.name, name: '{id}', timeout: '1s' },
        options,
      );
      gate.pause();
      const begin = performance.now();
      await expect(sender.send(Buffer.from('x'))).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/silent for 1 s/),
      });
      expect(performance.now() - begin).toBeLessThan(15_000);
      gate.resume();
      await sender.send(Buffer.from('x'), { id: 18 });
      await sender.close();
      await gate[Symbol.asyncDispose]();
      await resources.expectNothingNew();
    });

    test('a killed server mid-file leaves no file of its name, and the next try sends it', async () => {
      await using folder = await remoteFolder(server().home);
      const { given, options } = ftpsTo(server());
      await using sender = await openOutbound(
        ftpsOut,
        { ...given, folder: folder.name, name: '{id}.bin' },
        options,
      );
      const half: Body = {
        ...inlineBody(Buffer.alloc(0)),
        inline: undefined,
        async *stream() {
          yield Buffer.from('first half');
          await vi.waitFor(async () => expect(await folder.names()).toHaveLength(1), PATIENCE);
          await signalConnections(server().pid, 'SIGKILL');
          yield Buffer.alloc(100_000);
          yield Buffer.alloc(100_000);
        },
      };
      await expect(sender.send(half, { id: 17 })).rejects.toMatchObject({ retryable: true });
      expect(await folder.names()).toEqual(['.17.bin.17.part']);
      await sender.send(Buffer.from('whole'), { id: 17 });
      expect(await folder.names()).toEqual(['17.bin']);
    });

    test('an idle connection that died is found before a message is sent on it', async () => {
      await using folder = await remoteFolder(server().home);
      const { given, options } = ftpsTo(server());
      await using sender = await openOutbound(
        ftpsOut,
        { ...given, folder: folder.name, name: '{id}' },
        options,
      );
      await sender.send(Buffer.from('x'), { id: 1 });
      await signalConnections(server().pid, 'SIGKILL');
      await vi.waitFor(
        () => expect(sender.states.at(-1)).toMatchObject({ state: 'disconnected' }),
        PATIENCE,
      );
      await sender.send(Buffer.from('x'), { id: 2 });
      expect(await folder.names()).toEqual(['1', '2']);
    });

    test('an idle connection is closed after its time and opened when it is needed', async () => {
      await using folder = await remoteFolder(server().home);
      const { given, options } = ftpsTo(server());
      await using sender = await openOutbound(
        ftpsOut,
        { ...given, folder: folder.name, name: '{id}', idle: '50ms' },
        options,
      );
      await vi.waitFor(
        () => expect(sender.states.at(-1)).toMatchObject({ state: 'waiting' }),
        PATIENCE,
      );
      await sender.send(Buffer.from('x'), { id: 17 });
      expect(await folder.names()).toEqual(['17']);
    });

    // Once is enough, and ProFTPD greets too late for so short a time-out.
    test.runIf(program === 'vsftpd')(
      'an engine that takes its time over a file is no silence of the server',
      async () => {
        await using folder = await remoteFolder(server().home);
        await folder.put('large.bin', Buffer.alloc(20_000_000, 'x'));
        const { given, options } = ftpsTo(server());
        const settings = { folder: folder.name, every: '10ms', stable: '0s', timeout: '1s' };
        const taken = Promise.withResolvers<number>();
        const service = await ftpsIn.open({
          ...lend(ftpsIn.settings, { ...given, ...settings }, options).lent,
          async deliver({ body }) {
            let size = 0;
            for await (const chunk of body as AsyncIterable<Uint8Array>) {
              const begin = performance.now();
              if (size === 0) {
                await vi.waitUntil(() => performance.now() - begin > 2_300, PATIENCE);
              }
              size += chunk.byteLength;
            }
            taken.resolve(size);
            return { messageId: 1, sessionId: 1, status: 'stored' };
          },
          lost: taken.reject,
          memory: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
        });
        expect(await taken.promise).toBe(20_000_000);
        await service.close();
        expect(await folder.names()).toEqual([]);
      },
    );
  });

  describeWithFtpd('a large file', { program }, (server) => {
    test('is sent and taken in bounded memory, whole', async () => {
      await using folder = await remoteFolder(server().home);
      const { given, options } = ftpsTo(server());
      const body: Body = {
        size: LARGE,
        inline: undefined,
        bytes: () => Promise.reject(new Error('read as a whole')),
        async *stream() {
          for (let sent = 0; sent < LARGE; sent += PIECE.length) yield PIECE;
        },
      };
      const out = { ...given, folder: folder.name, name: 'large.bin' };
      const into = { ...given, folder: folder.name, stable: '0s', every: '10ms' };
      let whole = true;
      const taken = Promise.withResolvers<number>();
      const deliver = async ({
        body: file,
      }: NewMessage): Promise<{ messageId: number; sessionId: number; status: 'stored' }> => {
        let size = 0;
        for await (const chunk of file as AsyncIterable<Uint8Array>) {
          const at = size % PIECE.length;
          whole &&= DOUBLE.subarray(at, at + chunk.byteLength).equals(chunk);
          size += chunk.byteLength;
        }
        taken.resolve(size);
        return { messageId: 1, sessionId: 1, status: 'stored' };
      };
      const grown = await memoryGrowth(async () => {
        const sender = await ftpsOut.open(lend(ftpsOut.settings, out, options).lent);
        await sender.send(messageOf(body), new AbortController().signal);
        await sender.close();
        const service = await ftpsIn.open({
          ...lend(ftpsIn.settings, into, options).lent,
          deliver,
          lost: taken.reject,
          memory: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
        });
        expect(await taken.promise).toBe(LARGE);
        await service.close();
      });
      expect(whole).toBe(true);
      expect(await folder.names()).toEqual([]);
      expect(grown).toBeLessThan(80_000_000);
    });
  });
}

test('a data port that cannot be reached is told apart from a lost connection', async () => {
  // A server that names a port where nobody listens, as a firewall in between makes it look.
  const closed = await listening(createServer());
  await closed[Symbol.asyncDispose]();
  const script: Readonly<Record<string, string>> = {
    USER: '331 Password',
    PASS: '230 Welcome',
    FEAT: '211 None',
    'PWD\r': '257 "/"',
    EPSV: `229 Entering (|||${closed.port}|)`,
    PASV: `227 Entering (127,0,0,1,${closed.port >> 8},${closed.port & 255})`,
    SIZE: '550 No',
  };
  await using server = await listening(
    createServer((socket) => {
      socket.write('220 FTP ready\r\n');
      socket.setEncoding('utf8').on('data', (text) => {
        for (const line of String(text).split('\n').slice(0, -1)) {
          socket.write(`${script[line.slice(0, 4)] ?? '200 Fine'}\r\n`);
        }
      });
    }),
  );
  await using sender = await openOutbound(
    ftpsOut,
    {
      connect: `127.0.0.1:${server.port}`,
      security: 'none',
      credential: 'drop',
      folder: '/',
      name: 'x',
    },
    { credentials: { drop: { kind: 'basic', user: 'hub', password: 'x' } } },
  );
  await expect(sender.send(Buffer.from('x'))).rejects.toMatchObject({
    code: 'ADAPTER_TEMPORARY',
    message: expect.stringMatching(/data connection.*passive/),
  });
});
